"""TensorFlow SavedModels, for any program with TensorFlow and any batch, height and width.

Signatures:
    serving_default: `images` RGB [B, H, W, 3] in 0..255, float32 (TensorFlow converts arrays of
        uint8) -> `stylized` uint8 [B, H, W, 3].
    serving_uint8: the same for uint8 tensors.
    stylize_encoded: `image_bytes` string [B], a JPEG, PNG, GIF or BMP file each ->
        `stylized_bytes` string [B], a PNG file each. JPEGs are turned upright by their Exif
        orientation.
    serving_styles: of a model of several styles; `images` as in serving_default, and `style`,
        shares of the styles, float32 [styles]; TensorFlow Serving uses the first without it.
    serving_strength: of a model with a row that reproduces the photo; `images` and `style` as in
        serving_styles, and `strength`, float32 [], from 0 to 1.5.
    serving_masks: `images` as in serving_default, and `masks`, float32 [B, H, W, styles] in 0..1:
        how much of each style to paint at each pixel. The rest is the photo.

The loaded object itself can be called with uint8 or float32 tensors and, for a model of several
styles, with the index of one style or the shares of all, and a strength. Its function `style_names`
returns their names.
"""

from __future__ import annotations

import collections.abc
from pathlib import Path

import tensorflow as tf

from fastnst import export
from fastnst.export import upright, verify
from fastnst.models import descriptions
from fastnst.models import model as model_module
from fastnst.nets import bands

# In float32, the results must be equal up to rounding.
TOLERANCE = {"float32": 1.0, "bfloat16": 30.0}
USE = """\
## Use

The model needs only TensorFlow:

```python
import tensorflow as tf

model = tf.saved_model.load("{name}")
photo = tf.io.decode_image(tf.io.read_file("photo.jpg"), channels=3)
stylized = model(photo[tf.newaxis])[0]
tf.io.write_file("stylized.png", tf.io.encode_png(stylized))
```

| signature | input | output |
|---|---|---|
| `serving_default` | `images`: RGB [B, H, W, 3] in 0..255, float32 tensor, or array of float32 \
or uint8 | `stylized`: uint8 [B, H, W, 3] |
| `serving_uint8` | `images`: the same as uint8 tensor | `stylized`: uint8 [B, H, W, 3] |
| `stylize_encoded` | `image_bytes`: string [B], each a JPEG, PNG, GIF or BMP file | \
`stylized_bytes`: string [B], each a PNG file |
| `serving_styles`, of several styles only | `images`: as in `serving_default`; `style`: shares of \
the styles, float32 [styles] | `stylized`: uint8 [B, H, W, 3] |
| `serving_strength`, of models trained with `identity: on` | `images`, `style`: as in \
`serving_styles`; `strength`: float32 from 0 to 1.5 | `stylized`: uint8 [B, H, W, 3] |
| `serving_masks` | `images`: as in `serving_default`; `masks`: shares of the styles at each \
pixel, float32 [B, H, W, styles] in 0..1; the rest is the photo | `stylized`: uint8 [B, H, W, 3] |

The model itself can be called with uint8 and float32 tensors, as above. Batch size, height and
width are free, from 16 pixels; the output has the size of the input. `stylize_encoded` turns JPEGs
upright by their Exif orientation, which TensorFlow's own decoders ignore: pass upright photos to
the other signatures. Photos of more than 4 megapixels are painted in bands, to save memory.

A model of several styles uses the first unless it is given the index of another, as in
`model(photos, 2)`, or the shares of all, as in `model(photos, [0.6, 0.4, 0.0])`.
`model.style_names()` returns their names in order. A third argument sets the strength if the model
was trained with `identity: on`.
"""

_IMAGES = tf.TensorSpec([None, None, None, 3], tf.float32, name="images")
_IMAGES_UINT8 = tf.TensorSpec([None, None, None, 3], tf.uint8, name="images")
_ENCODED = tf.TensorSpec([None], tf.string, name="image_bytes")

# Uses an export like an app, in a Python process without fastnst.
LOADER = """
def load(folder):
    import tensorflow as tf

    model = tf.saved_model.load(folder)
    signatures = model.signatures

    def paint(photos, shares, strength):
        given = {"images": photos}
        name = "serving_default" if len(shares) == 1 else "serving_styles"
        if len(shares) > 1:
            given["style"] = shares
        if strength != 1.0:
            name, given["strength"] = "serving_strength", strength[0]
        return signatures[name](**given)["stylized"].numpy()

    return paint
"""


class _Served(tf.Module):
    """A model with the interface for apps: uint8 output, and encoded files in and out."""

    def __init__(self, model: model_module.Model, dtype: tf.DType) -> None:
        super().__init__()
        net = model.net.frozen()
        net.compute_dtype = dtype
        self._names = model.description.names
        self.count = len(self._names)
        self.has_strength = model.description.identity
        row = tf.TensorSpec([net.layout.size], name="row")
        keep = [tf.TensorSpec([], name="keep")] if self.has_strength else []
        # The weights are constants of these functions alone, which all signatures call.
        painter = bands.BandPainter(net)

        def paint(images: tf.Tensor, *choice: tf.Tensor) -> tf.Tensor:
            # Of no pixels, convolutions would divide by zero, which kills the process.
            is_empty = tf.equal(tf.size(images), 0)
            return tf.cond(is_empty, lambda: images, lambda: painter(images, *choice))

        self._paint = tf.function(paint, input_signature=[_IMAGES, row, *keep], autograph=False)
        self._table = tf.function(lambda: tf.constant(net.table), [], autograph=False)

    @tf.function(autograph=False)
    def __call__(
        self, images: tf.Tensor, style: tf.Tensor | int = 0, strength: tf.Tensor | float = 1.0
    ) -> tf.Tensor:
        stylized = self._stylize(tf.cast(images, tf.float32), style, strength)
        return tf.saturate_cast(tf.round(stylized), tf.uint8)

    def _stylize(
        self, images: tf.Tensor, style: tf.Tensor | int, strength: tf.Tensor | float
    ) -> tf.Tensor:
        """Stylizes float32 images: an index of a style or shares of all, and a strength."""
        style, table = tf.convert_to_tensor(style), self._table()
        rows = table[: self.count]
        if style.dtype.is_floating:
            # Shares may have any sum.
            shares = style / tf.reduce_sum(style)
            row = tf.linalg.matvec(rows, shares, transpose_a=True)
        else:
            row = tf.gather(rows, style)
        if not self.has_strength:
            return self._paint(images, row)
        # At 1, this is exactly the style's row.
        row += (strength - 1.0) * (row - table[-1])
        return self._paint(images, row, tf.maximum(0.0, 1.0 - strength))

    def mix(self, images: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
        """Stylizes each pixel in several styles, with shares float32 [B, H, W, styles]."""
        total = tf.reduce_sum(masks, axis=-1, keepdims=True)
        masks /= tf.maximum(total, 1.0)

        def add(style: tf.Tensor, mixed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            share = tf.gather(masks, style, axis=-1)[..., tf.newaxis]
            more = tf.cond(
                tf.reduce_any(share > 0.0),
                lambda: mixed + share * self._stylize(images, style, 1.0),
                lambda: mixed,
            )
            return style + 1, tf.ensure_shape(more, mixed.shape)

        # One style after the other, because each takes much memory.
        _, mixed = tf.while_loop(
            lambda style, mixed: style < self.count,
            add,
            (0, images * (1.0 - tf.minimum(total, 1.0))),
            parallel_iterations=1,
        )
        return tf.saturate_cast(tf.round(mixed), tf.uint8)

    @tf.function(input_signature=[], autograph=False)
    def style_names(self) -> tf.Tensor:
        return tf.constant(self._names)

    @tf.function(input_signature=[_IMAGES], autograph=False)
    def serve(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"stylized": self(images)}

    @tf.function(input_signature=[_IMAGES_UINT8], autograph=False)
    def serve_uint8(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"stylized": self(images)}

    @tf.function(input_signature=[_ENCODED], autograph=False)
    def stylize_encoded(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        def paint(data: tf.Tensor) -> tf.Tensor:
            decoded = tf.io.decode_image(data, channels=3, expand_animations=False)
            photo = upright.turn(decoded, upright.orientation(data))
            return tf.io.encode_png(self(photo[tf.newaxis])[0])

        return {"stylized_bytes": tf.map_fn(paint, image_bytes)}


def write(model: model_module.Model, folder: Path, options: export.Options) -> None:
    """Writes a SavedModel."""
    served = _Served(model, tf.dtypes.as_dtype(options.precision))
    styles = served.count
    calls: list[tuple[tf.TensorSpec, ...]] = [()]
    if styles > 1 or served.has_strength:
        calls += [(tf.TensorSpec([], tf.int32),), (tf.TensorSpec([styles], tf.float32),)]
    if served.has_strength:
        calls += [(*call, tf.TensorSpec([], tf.float32)) for call in calls[1:]]
    for spec in (_IMAGES, _IMAGES_UINT8):
        for style in calls:
            served.__call__.get_concrete_function(spec, *style)
    signatures = {
        "serving_default": served.serve,
        "serving_uint8": served.serve_uint8,
        "stylize_encoded": served.stylize_encoded,
        "serving_masks": _serve_masks(served),
    }
    if styles > 1:
        signatures["serving_styles"] = _serve_styles(served)
    if served.has_strength:
        signatures["serving_strength"] = _serve_strength(served)
    # Gradients would stay in the memory of programs that load the model, even after they drop it.
    save = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(served, str(folder), signatures=signatures, options=save)
    (folder / descriptions.FILE).write_text(model.description.to_json(), encoding="utf-8")


def paint(
    folder: Path, given: collections.abc.Mapping[str, verify.Case]
) -> dict[str, verify.Painted]:
    """Stylizes photos in a fresh process that has only TensorFlow."""
    return verify.paint_elsewhere(folder, LOADER, given)


def _serve_styles(served: _Served) -> tf.types.experimental.PolymorphicFunction:
    first = tf.one_hot(0, served.count)

    @tf.function(
        input_signature=[_IMAGES, tf.TensorSpec([served.count], tf.float32, name="style")],
        autograph=False,
    )
    def serve(images: tf.Tensor, style: tf.Tensor = first) -> dict[str, tf.Tensor]:
        return {"stylized": served(images, style)}

    return serve


def _serve_strength(served: _Served) -> tf.types.experimental.PolymorphicFunction:
    first = tf.one_hot(0, served.count)

    @tf.function(
        input_signature=[
            _IMAGES,
            tf.TensorSpec([], tf.float32, name="strength"),
            tf.TensorSpec([served.count], tf.float32, name="style"),
        ],
        autograph=False,
    )
    def serve(
        images: tf.Tensor, strength: tf.Tensor, style: tf.Tensor = first
    ) -> dict[str, tf.Tensor]:
        return {"stylized": served(images, style, strength)}

    return serve


def _serve_masks(served: _Served) -> tf.types.experimental.PolymorphicFunction:
    masks = tf.TensorSpec([None, None, None, served.count], tf.float32, name="masks")

    @tf.function(input_signature=[_IMAGES, masks], autograph=False)
    def serve(images: tf.Tensor, masks: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"stylized": served.mix(images, masks)}

    return serve
