"""Weights for `eval.py --model`, in float16: 3.4 MB, and 7.1 kB per additional style."""

from __future__ import annotations

import collections.abc
import functools
from pathlib import Path

import numpy as np

from fastnst import checkpoint_file, export
from fastnst.export import verify
from fastnst.models import descriptions, loading, store
from fastnst.models import model as model_module

# Rounding weights to 11 bits may move a picture by a level or two.
TOLERANCE = {"float16": 6.0, "float32": 1.0}
USE = """\
## Use

```
fastnst eval --model {name} photo.jpg
fastnst export --model {name}
```

`weights.ckpt` is a TensorFlow checkpoint that holds the weights by name; `model.json` describes the
network.
"""


def write(model: model_module.Model, folder: Path, options: export.Options) -> None:
    """Writes a model's weights and its description."""
    stored = np.dtype(options.precision or "float16")
    tensors = {name: tensor.astype(stored) for name, tensor in model.net.tensors().items()}
    checkpoint_file.write_checkpoint(folder / store.WEIGHTS, tensors)
    text = model.description.to_json()
    (folder / descriptions.FILE).write_text(text, encoding="utf-8")


def paint(
    folder: Path, given: collections.abc.Mapping[str, verify.Case]
) -> dict[str, verify.Painted]:
    """Stylizes photos with the weights in this process."""
    # The network alone, at the size of the photo and without grain.
    written = loading.load(folder.absolute(), "float32", stroke=1, grain=0.0)

    def style(shares: np.ndarray) -> str:
        parts = zip(written.styles, shares, strict=True)
        return ",".join(f"{name}:{share}" for name, share in parts if share)

    def paint_case(case: verify.Case) -> np.ndarray:
        return written(case.photos, style(case.shares), float(case.strength[0]))

    return {
        name: verify.timed(functools.partial(paint_case, case), case.runs)
        for name, case in given.items()
    }
