"""A model folder for the Hugging Face Hub: ONNX, weights, samples, and a card with front matter.

Nothing is uploaded. The folder is a model of fastnst as well, so `fastnst eval` and `fastnst learn`
take it as it is.
"""

from __future__ import annotations

import collections.abc
from pathlib import Path

from fastnst import export, files, images
from fastnst.controls import blends
from fastnst.export import onnx_file, verify, weights
from fastnst.models import loading
from fastnst.models import model as model_module

# The folder in which programs that search the hub for ONNX files look first.
ONNX = "onnx"
SAMPLES = "samples"
# In float32, the results must be equal up to rounding; kernels in float16 move some by more.
TOLERANCE = {"float32": 1.0, "float16": 6.0}
USE = """\
## Use

Download the folder, and stylize photos with fastnst:

```
hf download USER/{name} --local-dir {name}
fastnst eval --model {name} photo.jpg
```

Without fastnst, `onnx/model.onnx` runs in ONNX Runtime, on any platform:

```python
import json

import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession("{name}/onnx/model.onnx")
metadata = json.loads(session.get_modelmeta().custom_metadata_map["fastnst"])
names = [style["name"] for style in metadata["styles"]]
photo = np.asarray(Image.open("photo.jpg").convert("RGB"), np.float32)
given = {
    "images": photo[np.newaxis],  # [1, H, W, 3] in 0..255
    "style": np.eye(len(names), dtype=np.float32)[0],  # the share of each style
    "strength": np.ones(1, np.float32),  # from 0 to 1.5
}
inputs = {each.name: given[each.name] for each in session.get_inputs()}
(stylized,) = session.run(["stylized"], inputs)  # uint8 [1, H, W, 3]
Image.fromarray(stylized[0]).save("stylized.png")
```

| file | content |
|---|---|
| `onnx/model.onnx` | the network, for photos of any size from 16 x 16 pixels |
| `weights.ckpt.*`, `model.json` | the network, for fastnst |
| `metadata.json` | names of the styles in order, input and output, training |
"""

# https://huggingface.co/docs/hub/model-cards#model-card-metadata
_FRONT_MATTER = """\
---
license: apache-2.0
library_name: fastnst
pipeline_tag: image-to-image
tags:
  - style-transfer
  - neural-style-transfer
  - onnx
---

"""
# Of the validation photos, one whose pictures need no attribution.
_PHOTO, _CREDIT = "koala.jpg", "BurningWell, public domain"
# Shorter side of the samples, and how many are shown side by side.
_SIDE, _COLUMNS, _JPEG_QUALITY = 256, 4, 85


def write(model: model_module.Model, folder: Path, options: export.Options) -> None:
    """Writes the network twice, and a sample of each style."""
    (folder / ONNX).mkdir()
    onnx_file.write(model, folder / ONNX, options)
    weights.write(model, folder, options)
    # Painted by the weights as they were written.
    written = loading.load(folder.absolute(), "float32")
    photo = images.decode(images.read_bytes(files.asset("img/photos") / _PHOTO), _PHOTO)
    photo = images.resize_shorter_side(photo, _SIDE)
    images.write(_sample(folder, "photo"), photo, _JPEG_QUALITY)
    for name in model.description.names:
        images.write(_sample(folder, name), written(photo, name), _JPEG_QUALITY)


def paint(
    folder: Path, given: collections.abc.Mapping[str, verify.Case]
) -> dict[str, verify.Painted]:
    """Stylizes photos in a fresh process that has only ONNX Runtime."""
    return onnx_file.paint(folder / ONNX, given)


def card(text: str, styles: collections.abc.Sequence[str]) -> str:
    """Adds the front matter and the samples to a model card.

    Args:
        text: The card, as Markdown that begins with the title.
        styles: Names of the styles.
    """
    title, rest = text.split("\n", 1)
    cells = [
        f"![{name}]({_sample(Path(), name).as_posix()})<br>{name}" for name in ("photo", *styles)
    ]
    columns = min(_COLUMNS, len(cells))
    cells += [""] * (-len(cells) % columns)
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    rows.insert(1, ["---"] * columns)
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return f"{_FRONT_MATTER}{title}\n\n{table}\nPhoto: {_CREDIT}.\n{rest}"


def _sample(folder: Path, name: str) -> Path:
    return folder / SAMPLES / f"{blends.file_name(name)}.jpg"
