"""ONNX, for ONNX Runtime on any platform, and for converters."""

from __future__ import annotations

import collections.abc
import functools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fastnst import export
from fastnst.export import verify
from fastnst.models import model as model_module
from fastnst.nets import operations

FILE = "model.onnx"
OPSET = 17
# The newest that the runtimes of two years ago read.
_IR_VERSION = 9
# Slices end there at the latest.
_END = 2**31 - 1
# Is added to the variance of a photo's colors, which may be 0.
_LEAST_VARIANCE = 1e-6
# In float32, the results must be equal up to rounding; kernels in float16 move some by more.
TOLERANCE = {"float32": 1.0, "float16": 6.0}
USE = """\
## Use

`model.onnx` runs in ONNX Runtime, on any platform:

```python
import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession("{name}/model.onnx")
photo = np.asarray(Image.open("photo.jpg").convert("RGB"), np.float32)
inputs = {"images": photo[np.newaxis]}
shapes = {each.name: each.shape for each in session.get_inputs()}
if "style" in shapes:  # Of several styles: the share of each.
    inputs["style"] = np.eye(*shapes["style"], dtype=np.float32)[0]
if "strength" in shapes:
    inputs["strength"] = np.ones(1, np.float32)
(stylized,) = session.run(None, inputs)
Image.fromarray(stylized[0]).save("stylized.png")
```

| name | shape and type |
|---|---|
| input `images` | RGB, float32 [B, H, W, 3] in 0..255 |
| input `style`, of several styles only | shares of the styles, float32 [styles], of any sum |
| input `strength`, of models trained with `identity: on` | float32 [1], from 0 to 1.5 |
| output `stylized` | RGB, uint8 [B, H, W, 3] |

Batch size, height and width are free, from 16 pixels. The file's metadata, `fastnst`, is
the content of metadata.json, which names the styles in order.
"""

# A single pixel, mirrored with the edge, is the edge again.
_PAD_MODES = {"reflect": "reflect", "symmetric": "edge", "edge": "edge", "zero": "constant"}

# Uses an export like an app, in a Python process without fastnst.
LOADER = """
def load(folder):
    import os
    import onnxruntime

    session = onnxruntime.InferenceSession(
        os.path.join(folder, "model.onnx"), providers=["CPUExecutionProvider"]
    )

    names = [each.name for each in session.get_inputs()]

    def paint(photos, shares, strength):
        given = {"images": photos.astype("float32"), "style": shares, "strength": strength}
        return session.run(None, {name: given[name] for name in names})[0]

    return paint
"""


def write(model: model_module.Model, folder: Path, options: export.Options) -> None:
    """Writes an ONNX file."""
    (folder / FILE).write_bytes(encode(model, options))


def encode(model: model_module.Model, options: export.Options, *, rounded: bool = True) -> bytes:
    """Returns the content of an ONNX file; `rounded` as in `build`."""
    built = build(model, options.precision or "float32", rounded=rounded)
    helper.set_model_props(built, {"fastnst": options.metadata})
    return built.SerializeToString()


def paint(
    folder: Path, given: collections.abc.Mapping[str, verify.Case]
) -> dict[str, verify.Painted]:
    """Stylizes photos in a fresh process that has only ONNX Runtime."""
    return verify.paint_elsewhere(folder, LOADER, given)


def build(
    model: model_module.Model, precision: str = "float32", *, rounded: bool = True
) -> onnx.ModelProto:
    """Builds the ONNX model of a network.

    Args:
        model: The model.
        precision: Of the stored kernels: float32, or float16, which halves the file. Runtimes
            compute in float32 in both cases.
        rounded: Whether pictures are uint8, or else float32.
    """
    return _Builder(model, np.dtype(precision)).build(rounded)


class _Builder:
    """Collects nodes and initializers; its methods return the names of their results."""

    def __init__(self, model: model_module.Model, stored: np.dtype) -> None:
        self._model, self._stored = model, stored
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._constants: dict[bytes, str] = {}

    def build(self, rounded: bool) -> onnx.ModelProto:
        sides: tuple[str | int, ...] = ("batch", "height", "width", 3)
        inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, sides)]
        returned = TensorProto.UINT8 if rounded else TensorProto.FLOAT
        outputs = [helper.make_tensor_value_info("stylized", returned, sides)]
        described = self._model.description
        if len(described.styles) > 1:
            sizes = [len(described.styles)]
            inputs.append(helper.make_tensor_value_info("style", TensorProto.FLOAT, sizes))
        if described.identity:
            inputs.append(helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]))
        self._style()
        self._node("Transpose", ["images"], operations.PHOTO, perm=[0, 3, 1, 2])
        for operation in operations.of(self._model.net, strength=described.identity):
            last = self._write(operation)
        if rounded:
            # Casts round towards zero.
            nearest = self._node("Add", [last, self._scalar(0.5)], "nearest")
            last = self._node("Cast", [nearest], "rounded", to=TensorProto.UINT8)
        self._node("Transpose", [last], "stylized", perm=[0, 2, 3, 1])
        made = helper.make_graph(self._nodes, "fastnst", inputs, outputs, self._initializers)
        built = helper.make_model(
            made,
            opset_imports=[helper.make_opsetid("", OPSET)],
            producer_name="fastnst",
            ir_version=_IR_VERSION,
        )
        onnx.checker.check_model(built, full_check=True)
        return built

    def _style(self) -> None:
        """Writes the entries of the style's row."""
        net, styles = self._model.net, len(self._model.description.styles)
        table = np.asarray(net.table)
        identity = self._model.description.identity
        if styles == 1 and not identity:
            for name, values in net.layout.split(table[0]).items():
                self._initializer(name, np.asarray(values))
            return
        if styles > 1:
            # A mean instead of a sum, because the network needs that kind of node elsewhere.
            mean = self._node("ReduceMean", ["style"], "style/mean", keepdims=1)
            shares = self._node("Div", ["style", mean], "style/shares")
            of_styles = self._constant(table[:styles] / np.float32(styles))
            row = self._node("MatMul", [shares, of_styles], "style/row")
        else:
            row = self._constant(table[0])
        if identity:
            row = self._strength(row, table[-1])
        first = 0
        for entry in net.layout.entries:
            bounds = [np.array([each], np.int64) for each in (first, first + entry.size)]
            self._node("Slice", [row, *map(self._constant, bounds)], entry.name)
            first += entry.size

    def _strength(self, row: str, photo: np.ndarray) -> str:
        """Moves the row from the photo's, and computes the part `keep`."""
        more = self._node("Add", ["strength", self._scalar(-1.0)], "strength/more")
        away = self._node("Add", [row, self._constant(-photo)], "strength/away")
        change = self._node("Mul", [more, away], "strength/change")
        less = self._node("Mul", [more, self._scalar(-1.0)], "strength/less")
        self._node("Relu", [less], "strength/keep")
        return self._node("Add", [row, change], "strength/row")

    def _write(self, operation: operations.Operation) -> str:
        source, name = operation.source, operation.name
        match operation:
            case operations.Affine(factor=factor, offset=offset):
                product = self._node("Mul", [source, self._scalar(factor)], f"{name}/product")
                return self._node("Add", [product, self._scalar(offset)], name)
            case operations.Pad(mode="symmetric", margins=(margin, *_)) if margin > 1:
                return self._mirror(operation, margin)
            case operations.Pad(margins=(top, bottom, left, right), mode=mode):
                pads = self._constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64))
                return self._node("Pad", [source, pads], name, mode=_PAD_MODES[mode])
            case operations.Conv(kernel=kernel, stride=stride, depthwise=depthwise, bias=bias):
                order = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
                inputs = [source, self._kernel(f"{name}/kernel", kernel.transpose(order))]
                if bias is not None:
                    inputs.append(self._initializer(f"{name}/bias", bias))
                return self._node(
                    "Conv",
                    inputs,
                    name,
                    kernel_shape=kernel.shape[:2],
                    strides=[stride, stride],
                    pads=[0] * 4,
                    group=kernel.shape[2] if depthwise else 1,
                )
            case operations.Norm(colors=str(colors)):
                return self._norm_keeping(operation, colors)
            case operations.Norm(scale=scale, shift=shift, epsilon=epsilon):
                inputs = [source, scale, shift]
                return self._node("InstanceNormalization", inputs, name, epsilon=epsilon)
            case operations.Relu():
                return self._node("Relu", [source], name)
            case operations.LeakyRelu(slope=slope):
                return self._node("LeakyRelu", [source], name, alpha=slope)
            case operations.Tanh():
                return self._node("Tanh", [source], name)
            case operations.Atanh():
                return self._node("Atanh", [source], name)
            case operations.Add(other=other, factor=factor):
                return self._node("Add", [source, self._times(other, factor, name)], name)
            case operations.Concat(other=other):
                return self._node("Concat", [source, other], name, axis=1)
            case operations.DepthToSpace():
                return self._node("DepthToSpace", [source], name, blocksize=2, mode="DCR")
            case operations.Repeat():
                scales = self._constant(np.array([1, 1, 2, 2], np.float32))
                return self._node(
                    "Resize",
                    [source, "", scales],
                    name,
                    mode="nearest",
                    coordinate_transformation_mode="asymmetric",
                    nearest_mode="floor",
                )
            case operations.Clip(low=low, high=high):
                inputs = [source, self._scalar(low), self._scalar(high)]
                return self._node("Clip", inputs, name)
            case operations.Extend(multiple=multiple):
                return self._extend(source, name, multiple)
            case operations.Trim(margin=margin):
                ends = [np.array([each, each], np.int64) for each in (margin, -margin)]
                axes = self._constant(np.array([2, 3], np.int64))
                return self._node("Slice", [source, *map(self._constant, ends), axes], name)
            case operations.Fade():
                return self._node("Mul", [source, self._contrast()], name)
            case operations.Crop(like=like, offset=offset):
                size = self._node("Shape", [like], f"{name}/size", start=2)
                begin = self._constant(np.array([offset, offset], np.int64))
                end = self._node("Add", [size, begin], f"{name}/end") if offset else size
                axes = self._constant(np.array([2, 3], np.int64))
                return self._node("Slice", [source, begin, end, axes], name)
        raise TypeError(operation)

    def _times(self, source: str, factor: float | str, name: str) -> str:
        if factor == 1.0:
            return source
        by = self._by_channel(factor) if isinstance(factor, str) else self._scalar(factor)
        return self._node("Mul", [source, by], f"{name}/weighted")

    def _contrast(self) -> str:
        """Computes a photo's contrast, [B, 1, 1, 1]: 0 if it is of one color, else 1.

        See `operations.Fade`. ReduceMax would be simpler, but be one more kind of node.
        """
        photo, minus = operations.PHOTO, self._scalar(-1.0)
        bounds = [np.array(each, np.int64) for each in ([0, 0], [1, 1], [2, 3])]
        first = self._node("Slice", [photo, *map(self._constant, bounds)], "contrast/first")
        opposite = self._node("Mul", [first, minus], "contrast/opposite")
        change = self._node("Add", [photo, opposite], "contrast/change")
        up = self._node("Relu", [change], "contrast/up")
        reverse = self._node("Mul", [change, minus], "contrast/reverse")
        down = self._node("Relu", [reverse], "contrast/down")
        size = self._node("Add", [up, down], "contrast/size")
        mean = self._node("ReduceMean", [size], "contrast/mean", axes=[1, 2, 3])
        # One level of one channel of one pixel is enough, in pictures of up to 300 megapixels.
        scaled = self._node("Mul", [mean, self._scalar(1e9)], "contrast/scaled")
        return self._node("Clip", [scaled, "", self._scalar(1.0)], "contrast")

    def _by_channel(self, entry: str) -> str:
        shape = self._constant(np.array([1, -1, 1, 1], np.int64))
        return self._node("Reshape", [entry, shape], f"{entry}/by_channel")

    def _norm_keeping(self, operation: operations.Norm, colors: str) -> str:
        """Normalizes, and restores the moments of other images by the part `keep`."""
        plain = [self._constant(values(3, np.float32)) for values in (np.ones, np.zeros)]
        normal = functools.partial(self._node, "InstanceNormalization")
        mean = self._node("ReduceMean", [colors], f"{colors}/mean", axes=[2, 3])
        # The mean of x (x - mean) / deviation is the deviation.
        unit = normal([colors, *plain], f"{colors}/unit", epsilon=_LEAST_VARIANCE)
        product = self._node("Mul", [colors, unit], f"{colors}/product")
        deviation = self._node("ReduceMean", [product], f"{colors}/deviation", axes=[2, 3])
        scale = self._keep(operation.scale, deviation)
        shift = self._keep(operation.shift, mean)
        name, inputs = operation.name, [operation.source, *plain]
        normed = normal(inputs, f"{name}/unit", epsilon=operation.epsilon)
        scaled = self._node("Mul", [normed, scale], f"{name}/scaled")
        return self._node("Add", [scaled, shift], name)

    def _keep(self, entry: str, own: str) -> str:
        """Computes entry + keep * (own - entry), [B, C, 1, 1]."""
        styled = self._by_channel(entry)
        opposite = self._node("Mul", [styled, self._scalar(-1.0)], f"{entry}/opposite")
        difference = self._node("Add", [own, opposite], f"{entry}/difference")
        change = self._node("Mul", [difference, "strength/keep"], f"{entry}/change")
        return self._node("Add", [styled, change], f"{entry}/kept")

    def _extend(self, source: str, name: str, multiple: int) -> str:
        """Mirrors pixels at the bottom and on the right up to a multiple."""
        size = self._node("Shape", [source], f"{name}/size", start=2)
        by = self._constant(np.array([multiple, multiple], np.int64))
        # -size, modulo the multiple.
        opposite = self._node("Mul", [size, self._constant(np.array(-1))], f"{name}/opposite")
        missing = self._node("Mod", [opposite, by], f"{name}/missing")
        zeros = self._constant(np.zeros(6, np.int64))
        pads = self._node("Concat", [zeros, missing], f"{name}/pads", axis=0)
        return self._node("Pad", [source, pads], name, mode="reflect")

    def _mirror(self, operation: operations.Pad, margin: int) -> str:
        """Pads by reflection including the edge, for which ONNX has no mode.

        Each row is taken by itself, because WebGPU returns wrong slices for negative steps.
        """
        last = operation.source
        for axis in (2, 3):
            rows: list[str] = []
            for at in (*reversed(range(margin)), *(-1 - row for row in range(margin))):
                bounds = [at, at + 1 or _END, axis]
                inputs = [last, *(self._constant(np.array([each], np.int64)) for each in bounds)]
                rows.append(self._node("Slice", inputs, f"{operation.name}/{axis}/{len(rows)}"))
            name = operation.name if axis == 3 else f"{operation.name}/{axis}"
            parts = [*rows[:margin], last, *rows[margin:]]
            last = self._node("Concat", parts, name, axis=axis)
        return last

    def _node(
        self, kind: str, inputs: collections.abc.Sequence[str], output: str, **attributes: Any
    ) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def _kernel(self, name: str, values: np.ndarray) -> str:
        if self._stored == np.float32:
            return self._initializer(name, values)
        small = self._initializer(f"{name}/stored", values.astype(self._stored))
        return self._node("Cast", [small], name, to=TensorProto.FLOAT)

    def _scalar(self, value: float) -> str:
        return self._constant(np.array(value, np.float32))

    def _constant(self, values: np.ndarray) -> str:
        """Returns the name of an initializer; equal ones are shared."""
        key = f"{values.dtype}{values.shape}".encode() + values.tobytes()
        if key not in self._constants:
            self._constants[key] = self._initializer(f"constant{len(self._constants)}", values)
        return self._constants[key]

    def _initializer(self, name: str, values: np.ndarray) -> str:
        values = np.ascontiguousarray(values)
        self._initializers.append(numpy_helper.from_array(values, name))
        return name
