"""LiteRT (TensorFlow Lite), for apps on phones."""

from __future__ import annotations

import collections.abc
import zipfile
from pathlib import Path

import tensorflow as tf

from fastnst import export
from fastnst import images as images_module
from fastnst.export import verify
from fastnst.models import model as model_module
from fastnst.nets import network, operations, padding

FILE = "model.tflite"
# In float32, the results must be equal up to rounding; kernels in float16 move some by more.
TOLERANCE = {"float32": 1.0, "float16": 6.0}
USE = """\
## Use

`model.tflite` runs in LiteRT, the runtime that was called TensorFlow Lite. In Python, for a trial:

```python
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

interpreter = Interpreter("{name}/model.tflite")
paint = interpreter.get_signature_runner()
photo = np.asarray(Image.open("photo.jpg").convert("RGB"), np.float32)
inputs = {"images": photo[np.newaxis]}
details = paint.get_input_details()
if "style" in details:  # Of several styles: the share of each.
    inputs["style"] = np.eye(*details["style"]["shape"], dtype=np.float32)[0]
if "strength" in details:
    inputs["strength"] = np.ones(1, np.float32)
stylized = paint(**inputs)["stylized"]
Image.fromarray(np.uint8(np.rint(stylized[0]))).save("stylized.png")
```

| name | shape and type |
|---|---|
| input `images` | RGB, float32 [B, H, W, 3] in 0..255 |
| input `style`, of several styles only | shares of the styles, float32 [styles], with a sum of 1 |
| input `strength`, of models trained with `identity: on` | float32 [1], from 0 to 1.5 |
| output `stylized` | RGB, float32 [B, H, W, 3] in 0..255 |

Without `--size`, height and width are free, from 16 pixels (smaller photos are an error of the
operation RESHAPE), and a CPU computes the network. With `--size`, all shapes are fixed, for one
photo at a time, as the delegates for GPUs need them.
"""

# Uses an export like an app, in a Python process without fastnst.
LOADER = """
def load(folder):
    import os
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(os.path.join(folder, "model.tflite"), num_threads=os.cpu_count())
    paint_any = interpreter.get_signature_runner()

    names = paint_any.get_input_details()

    def paint(photos, shares, strength):
        given = {"images": photos.astype("float32"), "style": shares, "strength": strength}
        stylized = paint_any(**{name: given[name] for name in names})["stylized"]
        return np.uint8(np.rint(stylized))

    return paint
"""


def write(model: model_module.Model, folder: Path, options: export.Options) -> None:
    """Writes a file for LiteRT."""
    height, width = options.size or (None, None)
    images = tf.TensorSpec([1 if options.size else None, height, width, 3], name="images")
    described, layout = model.description, model.net.layout
    listed = operations.of(model.net, strength=described.identity)
    styles, table = len(described.styles), model.net.table.numpy()
    choices = {}
    if styles > 1:
        choices["style"] = tf.TensorSpec([styles], name="style")
    if described.identity:
        choices["strength"] = tf.TensorSpec([1], name="strength")

    @tf.function(autograph=False)
    def stylize(
        images: tf.Tensor, style: tf.Tensor | None = None, strength: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        row, keep = table[0], None
        if style is not None:
            row = tf.reshape(tf.matmul(style[tf.newaxis], table[:styles]), [-1])
        if strength is not None:
            row += (strength - 1.0) * (row - table[-1])
            keep = tf.nn.relu(1.0 - strength)
        photo = images if options.size else _large_enough(images)
        return {"stylized": compute(listed, photo, layout.split(row), keep)}

    module = tf.Module()
    module.stylize = stylize
    concrete = stylize.get_concrete_function(images, **choices)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    if options.precision == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    (folder / FILE).write_bytes(converter.convert())
    # Associated files follow the model as a zip archive, as LiteRT's metadata library reads them.
    with zipfile.ZipFile(folder / FILE, "a") as archive:
        archive.writestr(export.METADATA, options.metadata)


def paint(
    folder: Path, given: collections.abc.Mapping[str, verify.Case]
) -> dict[str, verify.Painted]:
    """Stylizes photos in a fresh process that has only LiteRT."""
    return verify.paint_elsewhere(folder, LOADER, given)


def compute(
    listed: collections.abc.Iterable[operations.Operation],
    photo: tf.Tensor,
    style: collections.abc.Mapping[str, tf.Tensor],
    keep: tf.Tensor | None = None,
) -> tf.Tensor:
    """Computes operations by TensorFlow's plainest, which every runtime of LiteRT has.

    Args:
        listed: From `operations.of`.
        photo: float32 RGB [B, H, W, 3] in [0, 255].
        style: Entries of the style's row, float32 [C] each.
        keep: As in `TransformNet.__call__`, if the operations restore colors of the photo.

    Returns:
        float32 RGB [B, H, W, 3] in [0, 255].
    """
    results = {operations.PHOTO: photo}
    for operation in listed:
        images = results[operation.source]
        results[operation.name] = _apply(operation, images, results, style, keep)
    return results[operation.name]


def _large_enough(images: tf.Tensor) -> tf.Tensor:
    """Returns the images, or fails in the runtime if a side is shorter than `MIN_SIDE`.

    Those have fewer values than the shape, which every runtime notices. Mirroring would read beyond
    them, which kills the process in the runtime that is part of TensorFlow.
    """
    batch, height, width = tf.unstack(tf.shape(images)[:3])
    least = images_module.MIN_SIDE
    return tf.reshape(images, [batch, tf.maximum(height, least), tf.maximum(width, least), 3])


def _apply(
    operation: operations.Operation,
    images: tf.Tensor,
    results: collections.abc.Mapping[str, tf.Tensor],
    style: collections.abc.Mapping[str, tf.Tensor],
    keep: tf.Tensor | None,
) -> tf.Tensor:
    match operation:
        case operations.Affine(factor=factor, offset=offset):
            return images * factor + offset
        case operations.Pad(margins=margins, mode="symmetric"):
            top, bottom, left, right = margins
            return tf.pad(images, [[0, 0], [top, bottom], [left, right], [0, 0]], "SYMMETRIC")
        case operations.Pad(margins=margins, mode=mode):
            return padding.pad(images, margins, mode)
        case operations.Conv(kernel=kernel, stride=stride, depthwise=True):
            return tf.nn.depthwise_conv2d(images, kernel, [1, stride, stride, 1], "VALID")
        case operations.Conv(kernel=kernel, stride=stride, bias=bias):
            convolved = tf.nn.conv2d(images, kernel, stride, "VALID")
            return convolved if bias is None else convolved + bias
        case operations.Norm(epsilon=epsilon, colors=colors):
            scale, shift = style[operation.scale], style[operation.shift]
            _, centered, variance = _moments(images)
            if colors is not None:
                own_mean, _, own_variance = _moments(results[colors])
                scale += keep * (tf.sqrt(own_variance) - scale)
                shift += keep * (own_mean - shift)
            return centered * (tf.math.rsqrt(variance + epsilon) * scale) + shift
        case operations.Relu():
            return tf.nn.relu(images)
        case operations.LeakyRelu(slope=slope):
            return tf.nn.leaky_relu(images, slope)
        case operations.Tanh():
            return tf.tanh(images)
        case operations.Atanh():
            # LiteRT has only the logarithm.
            return 0.5 * (tf.math.log(1.0 + images) - tf.math.log(1.0 - images))
        case operations.Add(other=other, factor=str(factor)):
            return images + style[factor] * results[other]
        case operations.Add(other=other, factor=factor):
            return images + factor * results[other] if factor != 1.0 else images + results[other]
        case operations.Concat(other=other):
            return tf.concat([images, results[other]], axis=-1)
        case operations.DepthToSpace():
            return tf.nn.depth_to_space(images, 2)
        case operations.Repeat():
            _, height, width, _ = images.shape
            sides = [height, width] if height and width else tf.shape(images)[1:3]
            doubled = [2 * side for side in sides] if height and width else 2 * sides
            return tf.image.resize(images, doubled, "nearest")
        case operations.Clip(low=low, high=high):
            return tf.minimum(tf.maximum(images, low), high)
        case operations.Extend(multiple=multiple):
            return padding.extend(images, multiple)
        case operations.Trim(margin=margin):
            return images[:, margin:-margin, margin:-margin]
        case operations.Fade():
            return images * tf.reshape(network.contrast(results[operations.PHOTO]), [-1, 1, 1, 1])
        case operations.Crop(like=like, offset=offset):
            _, height, width, _ = results[like].shape
            if height and width:
                return images[:, offset : offset + height, offset : offset + width]
            sides = tf.shape(results[like])
            return images[:, offset : offset + sides[1], offset : offset + sides[2]]
    raise TypeError(f"no operation of LiteRT for {operation}")


def _moments(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the mean of each channel, [B, 1, 1, C], the images minus it, and the variance."""
    mean = tf.reduce_mean(images, [1, 2], keepdims=True)
    centered = images - mean
    return mean, centered, tf.reduce_mean(centered * centered, [1, 2], keepdims=True)
