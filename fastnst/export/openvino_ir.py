"""OpenVINO's format, for Intel's processors and graphics."""

from __future__ import annotations

import collections.abc
from pathlib import Path

import openvino

from fastnst import export
from fastnst.export import onnx_file, verify
from fastnst.models import model as model_module

FILE = "model.xml"
# In float32, the results must be equal up to rounding; kernels in float16 move some by more.
TOLERANCE = {"float32": 1.0, "float16": 6.0}
USE = """\
## Use

`model.xml` and `model.bin` run in OpenVINO:

```python
import numpy as np
import openvino
from PIL import Image

paint = openvino.compile_model("{name}/model.xml", "CPU")
photo = np.asarray(Image.open("photo.jpg").convert("RGB"), np.float32)
inputs = {"images": photo[np.newaxis]}
names = [each.any_name for each in paint.inputs]
if "style" in names:  # Of several styles: the share of each.
    inputs["style"] = np.eye(*paint.input("style").shape, dtype=np.float32)[0]
if "strength" in names:
    inputs["strength"] = np.ones(1, np.float32)
stylized = paint(inputs)["stylized"]
Image.fromarray(stylized[0]).save("stylized.png")
```

| name | shape and type |
|---|---|
| input `images` | RGB, float32 [B, H, W, 3] in 0..255 |
| input `style`, of several styles only | shares of the styles, float32 [styles], of any sum |
| input `strength`, of models trained with `identity: on` | float32 [1], from 0 to 1.5 |
| output `stylized` | RGB, uint8 [B, H, W, 3] |

Batch size, height and width are free, from 16 pixels.
"""

# Uses an export like an app, in a Python process without fastnst.
LOADER = """
def load(folder):
    import os
    import openvino

    # By default, OpenVINO may compute in bfloat16.
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.compile_model(os.path.join(folder, "model.xml"), "CPU", exact)

    names = [each.any_name for each in compiled.inputs]

    def paint(photos, shares, strength):
        given = {"images": photos.astype("float32"), "style": shares, "strength": strength}
        return compiled({name: given[name] for name in names})["stylized"]

    return paint
"""


def write(model: model_module.Model, folder: Path, options: export.Options) -> None:
    """Writes the model, converted from ONNX."""
    built = onnx_file.build(model).SerializeToString()
    converted = openvino.Core().read_model(built)
    converted.set_rt_info(options.metadata, ["fastnst", "metadata"])
    openvino.save_model(converted, folder / FILE, compress_to_fp16=options.precision == "float16")


def paint(
    folder: Path, given: collections.abc.Mapping[str, verify.Case]
) -> dict[str, verify.Painted]:
    """Stylizes photos in a fresh process that has only OpenVINO."""
    return verify.paint_elsewhere(folder, LOADER, given)
