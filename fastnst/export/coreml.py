"""Core ML, for apps on Apple's devices."""

from __future__ import annotations

import collections.abc
import contextlib
import inspect
import io
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from fastnst import errors, export
from fastnst.export import mil, verify
from fastnst.models import model as model_module
from fastnst.nets import operations

FILE = "model.mlpackage"
# Sides of the photos, in pixels.
_LEAST, _USUAL, _MOST = 16, 512, 4096
_PAD_MODES = {"reflect": "reflect", "edge": "replicate", "zero": "constant"}
# In float32, the results must be equal up to rounding. float16 is also computed in float16.
TOLERANCE = {"float32": 1.0, "float16": 30.0}
USE = """\
## Use

Add `{name}/model.mlpackage` to an Xcode project, for iOS 16, macOS 13 or later. It takes an image
and returns one of the same size:

```swift
let painter = try model(configuration: MLModelConfiguration())
let stylized = try painter.prediction(images: pixelBuffer).stylized
```

| name | type |
|---|---|
| input `images` | RGB image, 16 to 4096 pixels high and wide |
| input `style`, of several styles only | multi-array, float32 [1, styles]: shares of the styles, \
with a sum of 1 |
| output `stylized` | RGB image of the same size |

Core ML runs on Apple's devices only, so the check of the export reads the package back and computes
its operations with TensorFlow.
"""


def write(model: model_module.Model, folder: Path, options: export.Options) -> None:
    """Writes an ML program in a package."""
    # coremltools says that its native library, which predicts, is missing on Linux, and draws bars.
    logging.getLogger("coremltools").setLevel(logging.CRITICAL)
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        _Builder(model, options).convert().save(str(folder / FILE))


def paint(
    folder: Path, given: collections.abc.Mapping[str, verify.Case]
) -> dict[str, verify.Painted]:
    """Computes the package's operations in a fresh process that has only TensorFlow.

    The time that this takes says nothing about Core ML and is not reported.
    """
    untimed = {name: case for name, case in given.items() if not case.runs}
    return verify.paint_elsewhere(folder, inspect.getsource(mil), untimed)


class _Builder:
    """Builds the program; its methods return the results of operations."""

    def __init__(self, model: model_module.Model, options: export.Options) -> None:
        import coremltools
        from coremltools.converters.mil import Builder

        self._tools, self._mil = coremltools, Builder
        self._model, self._options = model, options
        self._styles = len(model.description.styles)
        self._results: dict[str, Any] = {}
        self._row: dict[str, Any] = {}
        self._keep: Any = None
        # Whether the row is known now.
        self._constant = self._styles == 1 and not model.description.identity

    def convert(self) -> Any:
        """Returns the model, a `coremltools.models.MLModel`."""
        tools, builder = self._tools, self._mil
        from coremltools.converters.mil.mil import get_new_symbol

        sides = self._options.size or (get_new_symbol(), get_new_symbol())
        given = [builder.TensorSpec(shape=(1, 3, *sides))]
        if self._styles > 1:
            given.append(builder.TensorSpec(shape=(1, self._styles)))
        if self._model.description.identity:
            given.append(builder.TensorSpec(shape=(1,)))
        target = tools.target.iOS16
        program = builder.program(input_specs=given, opset_version=target)(self._function())
        program.functions["main"].set_output_types([tools.ImageType(name="stylized")])
        shape = self._options.size or (tools.RangeDim(_LEAST, _MOST, _USUAL),) * 2
        inputs = [tools.ImageType(name="images", shape=(1, 3, *shape))]
        if self._styles > 1:
            inputs.append(tools.TensorType(name="style", shape=(1, self._styles)))
        if self._model.description.identity:
            inputs.append(tools.TensorType(name="strength", shape=(1,)))
        half = self._options.precision == "float16"
        converted = tools.convert(
            program,
            inputs=inputs,
            minimum_deployment_target=target,
            compute_precision=tools.precision.FLOAT16 if half else tools.precision.FLOAT32,
            convert_to="mlprogram",
        )
        names = self._model.description.names
        converted.short_description = f"Paints photos in the style of {', '.join(names)}"
        converted.user_defined_metadata["fastnst"] = self._options.metadata
        return converted

    def _function(self) -> collections.abc.Callable[..., Any]:
        """Returns the program as a function, whose arguments name the inputs."""
        functions: dict[tuple[bool, bool], collections.abc.Callable[..., Any]] = {
            (False, False): lambda images: self._compute(images),
            (True, False): lambda images, style: self._compute(images, style),
            (False, True): lambda images, strength: self._compute(images, None, strength),
            (True, True): lambda images, style, strength: self._compute(images, style, strength),
        }
        return functions[self._styles > 1, self._model.description.identity]

    def _compute(self, images: Any, style: Any = None, strength: Any = None) -> Any:
        self._read_row(style, strength)
        self._results[operations.PHOTO] = images
        for operation in operations.of(self._model.net, strength=strength is not None):
            self._results[operation.name] = self._apply(operation)
        return self._mil.round(x=self._results[operation.name], name="stylized")

    def _read_row(self, style: Any, strength: Any) -> None:
        """Computes the entries of the style's row: [1, C, 1, 1] each, or constants."""
        builder, net = self._mil, self._model.net
        table = net.table.numpy()
        if self._constant:
            entries = net.layout.split(table[0])
            self._row = {name: np.asarray(value) for name, value in entries.items()}
            return
        if style is None:
            row: Any = table[:1]
        else:
            row = builder.matmul(x=style, y=table[: self._styles])
        if strength is not None:
            more = builder.add(x=strength, y=np.float32(-1.0))
            away = builder.add(x=row, y=-table[-1:])
            row = builder.add(x=row, y=builder.mul(x=away, y=more))
            self._keep = builder.relu(x=builder.mul(x=more, y=np.float32(-1.0)))
        sizes = np.array([entry.size for entry in net.layout.entries], np.int32)
        parts = builder.split(x=row, split_sizes=sizes, axis=1)
        for entry, part in zip(net.layout.entries, parts, strict=True):
            self._row[entry.name] = builder.reshape(x=part, shape=[1, entry.size, 1, 1])

    def _apply(self, operation: operations.Operation) -> Any:
        builder, images = self._mil, self._results[operation.source]
        match operation:
            case operations.Affine(factor=factor, offset=offset):
                product = builder.mul(x=images, y=np.float32(factor))
                return builder.add(x=product, y=np.float32(offset))
            case operations.Pad(margins=(margin, *_), mode="symmetric"):
                return self._repeat_edge(images, margin)
            case operations.Pad(margins=margins, mode=mode):
                return builder.pad(x=images, pad=[0, 0, 0, 0, *margins], mode=_PAD_MODES[mode])
            case operations.Conv(kernel=kernel, stride=stride, depthwise=depthwise, bias=bias):
                order = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
                return builder.conv(
                    x=images,
                    weight=np.ascontiguousarray(kernel.transpose(order)),
                    strides=[stride, stride],
                    pad_type="valid",
                    groups=kernel.shape[2] if depthwise else 1,
                    **({} if bias is None else {"bias": bias}),
                )
            case operations.Norm(scale=scale, shift=shift, epsilon=epsilon, colors=colors):
                small = np.float32(epsilon)
                gamma, beta = self._row[scale], self._row[shift]
                if self._constant:
                    return builder.instance_norm(x=images, gamma=gamma, beta=beta, epsilon=small)
                if colors is not None:
                    gamma, beta = self._keep_colors(gamma, beta, self._results[colors])
                # Of this operation, scale and shift have to be constants.
                normed = builder.instance_norm(x=images, epsilon=small)
                return builder.add(x=builder.mul(x=normed, y=gamma), y=beta)
            case operations.Relu():
                return builder.relu(x=images)
            case operations.LeakyRelu(slope=slope):
                return builder.leaky_relu(x=images, alpha=np.float32(slope))
            case operations.Tanh():
                return builder.tanh(x=images)
            case operations.Atanh():
                return builder.atanh(x=images)
            case operations.Add(other=other, factor=factor):
                return builder.add(x=images, y=self._times(self._results[other], factor))
            case operations.Concat(other=other):
                return builder.concat(values=[images, self._results[other]], axis=1)
            case operations.DepthToSpace():
                return builder.depth_to_space(x=images, block_size=2)
            case operations.Repeat():
                return builder.upsample_nearest_neighbor(
                    x=images, scale_factor_height=2, scale_factor_width=2
                )
            case operations.Clip(low=low, high=high):
                return builder.clip(x=images, alpha=np.float32(low), beta=np.float32(high))
            case operations.Extend(multiple=multiple):
                return self._extend(images, multiple)
            case operations.Trim(margin=margin):
                return builder.slice_by_index(
                    x=images,
                    begin=[0, 0, margin, margin],
                    end=[0, 0, -margin, -margin],
                    end_mask=[True, True, False, False],
                )
            case operations.Fade():
                return builder.mul(x=images, y=self._contrast())
            case operations.Crop(like=like, offset=offset):
                return self._crop(images, self._results[like], offset)
        raise TypeError(f"no operation of Core ML for {operation}")

    def _times(self, other: Any, factor: float | str) -> Any:
        if factor == 1.0:
            return other
        if isinstance(factor, str):
            by = self._row[factor]
            by = by.reshape(1, -1, 1, 1) if self._constant else by
        else:
            by = np.float32(factor)
        return self._mil.mul(x=other, y=by)

    def _contrast(self) -> Any:
        """Computes the photo's contrast, [1, 1, 1, 1]; see `operations.Fade`."""
        builder, photo = self._mil, self._results[operations.PHOTO]
        highest = builder.reduce_max(x=photo, axes=[2, 3], keep_dims=True)
        lowest = builder.reduce_min(x=photo, axes=[2, 3], keep_dims=True)
        differences = builder.sub(x=highest, y=lowest)
        largest = builder.reduce_max(x=differences, axes=[1], keep_dims=True)
        return builder.minimum(x=largest, y=np.float32(1.0))

    def _keep_colors(self, scale: Any, shift: Any, colors: Any) -> tuple[Any, Any]:
        """Moves a scale and a shift, [1, C, 1, 1], to the moments of images by the part `keep`."""
        builder = self._mil

        def towards(entry: Any, own: Any) -> Any:
            difference = builder.sub(x=own, y=entry)
            return builder.add(x=entry, y=builder.mul(x=difference, y=self._keep))

        mean = builder.reduce_mean(x=colors, axes=[2, 3], keep_dims=True)
        centered = builder.sub(x=colors, y=mean)
        square = builder.mul(x=centered, y=centered)
        variance = builder.reduce_mean(x=square, axes=[2, 3], keep_dims=True)
        return towards(scale, builder.sqrt(x=variance)), towards(shift, mean)

    def _repeat_edge(self, images: Any, margin: int) -> Any:
        """Mirrors the border including the edge."""
        builder = self._mil
        if margin == 1:
            return builder.pad(x=images, pad=[0, 0, 0, 0, 1, 1, 1, 1], mode="replicate")
        # There is no mode for more than one pixel.
        for axis in (2, 3):
            keep = [each != axis for each in range(4)]
            first = builder.slice_by_index(
                x=images,
                begin=[0] * 4,
                end=[margin] * 4,
                begin_mask=keep,
                end_mask=keep,
            )
            last = builder.slice_by_index(
                x=images,
                begin=[-margin] * 4,
                end=[0] * 4,
                begin_mask=keep,
                end_mask=[True] * 4,
            )
            before, after = (builder.reverse(x=part, axes=[axis]) for part in (first, last))
            images = builder.concat(values=[before, images, after], axis=axis)
        return images

    def _extend(self, images: Any, multiple: int) -> Any:
        """Mirrors pixels at the bottom and on the right up to a multiple."""
        if not self._options.size:
            raise errors.UserError(
                "coreml: this network needs sides that are multiples of "
                f"{multiple}, and Core ML cannot extend photos of any size; add --size"
            )
        bottom, right = (-side % multiple for side in self._options.size)
        if not bottom and not right:
            return images
        pads = [0, 0, 0, 0, 0, bottom, 0, right]
        return self._mil.pad(x=images, pad=pads, mode="reflect")

    def _crop(self, images: Any, like: Any, offset: int) -> Any:
        builder, channels = self._mil, images.shape[1]
        begin = [0, 0, offset, offset]
        if self._options.size:
            size = [1, channels, *like.shape[2:]]
            return builder.slice_by_size(x=images, begin=begin, size=size)
        sides = builder.slice_by_index(x=builder.shape(x=like), begin=[2], end=[4])
        size = builder.concat(values=[np.array([1, channels], np.int32), sides], axis=0)
        return builder.slice_by_size(x=images, begin=begin, size=size)
