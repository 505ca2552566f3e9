"""Weights in float16, for `eval.py --model`: 3.4 MB, and 7.1 kB per additional style."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fastnst import checkpoint_file
from fastnst.export import verify
from fastnst.models import model as model_module
from fastnst.models import store, stylizer

FILES = frozenset(
    {f"{store.WEIGHTS}.index", f"{store.WEIGHTS}.data-00000-of-00001", model_module.FILE}
)
MARK = f"{store.WEIGHTS}.index"
# Rounding weights to 11 bits may move a picture by a level or two.
TOLERANCE = 6.0
USE = """\
## Use

```
fastnst eval --model {name} photo.jpg
fastnst export --model {name}
```

`weights.ckpt` is a TensorFlow checkpoint that holds the weights by name, in float16; `model.json`
describes the network.
"""


def write(model: model_module.Model, folder: Path) -> float:
    """Exports a model and checks it.

    Returns:
        The largest difference from the live network, in levels of 255, over all styles.
    """
    tensors = {name: tensor.astype(np.float16) for name, tensor in model.net.tensors().items()}
    checkpoint_file.write_checkpoint(folder / store.WEIGHTS, tensors)
    text = model.description.to_json()
    (folder / model_module.FILE).write_text(text, encoding="utf-8")
    photos = verify.probe()
    written = stylizer.load(folder.resolve(), "float32")
    stylized = np.stack([written(photos, name) for name in model.description.names])
    return verify.difference(model, photos, stylized)
