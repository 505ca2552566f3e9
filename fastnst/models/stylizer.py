"""Painting: a model found by name, restored once, called on many photos.

Nothing of training is imported here: no loss network, no data pipeline.
"""

from __future__ import annotations

import collections.abc
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import devices, errors, images
from fastnst.models import store
from fastnst.nets import tiling, transform_net

# Pixels of the largest photo that is painted as a whole.
_LARGE = 2048 * 2048
Paint = collections.abc.Callable[[tf.Tensor], tf.Tensor]


class Stylizer:
    """Paints photos with one trained network.

    Example:
        >>> stylizer = fastnst.load("candy")
        >>> painted = stylizer(photo)  # uint8 [H, W, 3] in, uint8 [H, W, 3] out
    """

    def __init__(self, paint: Paint, name: str) -> None:
        """Wraps a function.

        Args:
            paint: Maps float32 RGB [B, H, W, 3] in [0, 255] to the same, or to uint8.
            name: What to call the model.
        """
        self._paint = paint
        self.name = name

    def __call__(self, photos: np.ndarray) -> np.ndarray:
        """Paints one photo, or a batch of photos of one size.

        Args:
            photos: RGB [H, W, 3] or [B, H, W, 3] in 0..255, uint8 or float, at least 16 x 16;
                or what NumPy makes such an array of, for example an RGB image of Pillow.

        Returns:
            uint8 of the same shape.

        Raises:
            UserError: If the array has another shape, or holds no numbers, or the device has not
                memory enough.
        """
        photos = np.asarray(photos)
        shape = photos.shape
        if len(shape) not in (3, 4) or shape[-1] != 3:
            raise errors.UserError(
                f"expected RGB of shape [H, W, 3] or [B, H, W, 3], found {list(shape)}"
            )
        if not (np.issubdtype(photos.dtype, np.number) and np.isfinite(photos).all()):
            raise errors.UserError(
                f"expected finite numbers in 0..255, found others, or none ({photos.dtype})"
            )
        height, width = shape[-3:-1]
        if min(height, width) < transform_net.MIN_SIDE:
            raise errors.UserError(
                f"{width} x {height} pixels is too small to paint; each side should be at least "
                f"{transform_net.MIN_SIDE}"
            )
        if not photos.size:
            return np.zeros(shape, np.uint8)
        batch = photos if len(shape) == 4 else photos[np.newaxis]
        try:
            # Not .numpy(), which copies.
            painted = np.asarray(self._paint(tf.constant(batch, tf.float32)))
        except tf.errors.ResourceExhaustedError:
            raise errors.UserError(
                f"{len(batch)} of {width} x {height} pixels: not enough memory to paint; scale it "
                "down (--size), or paint fewer at once (--batch)"
            ) from None
        return images.to_uint8(painted).reshape(shape)


def load(name: str | Path, precision: str = "auto") -> Stylizer:
    """Loads a model to paint with.

    Args:
        name: A model's name, looked for below ./models and then among those that come with
            fastnst; or the path of a run, of a checkpoint, or of an exported SavedModel.
        precision: "float32"; "bfloat16", which differs by a level of 255 here and there; or "auto"
            for bfloat16 where the device is fast at it. A SavedModel keeps its own.

    Raises:
        UserError: If there is no such model; the message lists those that there are.
    """
    path = store.find(name)
    label = store.name_of(path)
    if (path / store.SAVED_MODEL).exists():
        return Stylizer(_saved_model(path), label)
    return Stylizer(_painter(store.load_net(path, devices.compute_dtype(precision))), label)


def _painter(net: transform_net.TransformNet) -> Paint:
    # What is constant can be worked out beforehand, and one photo has the faster norms.
    net = net.frozen()
    paint_one, paint_several = (
        tf.function(net, [tf.TensorSpec([count, None, None, 3])], autograph=False)
        for count in (1, None)
    )

    def paint(photos: tf.Tensor) -> tf.Tensor:
        return paint_one(photos) if len(photos) == 1 else paint_several(photos)

    # A GPU is faster at photos as a whole; the lite network needs a quarter of the memory anyway.
    if net.architecture.lite or tf.config.list_physical_devices("GPU"):
        return paint
    paint_in_strips = tiling.StripPainter(net)

    def paint_by_size(photos: tf.Tensor) -> tf.Tensor:
        if photos.shape[1] * photos.shape[2] <= _LARGE:
            return paint(photos)
        return tf.concat([paint_in_strips(photo) for photo in tf.split(photos, len(photos))], 0)

    return paint_by_size


def _saved_model(path: Path) -> Paint:
    try:
        signature = tf.saved_model.load(str(path)).signatures["serving_default"]
        (given,) = signature.structured_input_signature[1]
        (returned,) = signature.structured_outputs
    except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
        reason = str(error).strip().splitlines()[0]
        raise errors.UserError(f"{path}: not an exported style ({reason})") from None
    return lambda photos: signature(**{given: photos})[returned]
