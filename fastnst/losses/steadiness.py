"""Steadiness: a cut of the stylized image should equal the stylized cut, whatever the noise."""

from __future__ import annotations

import collections.abc
import math

import numpy as np
import tensorflow as tf

from fastnst import images

# Share of the sides that is cut off: enough that most of the cut's border lies well within the
# whole photo.
_CUT_OFF = 1 / 4
# Width of the cut's border, in pixels, and side of its squares.
_BORDER, _SQUARE = 32, 16
# Deviation of the noise, in levels of 255.
_NOISE = 6.0


def unsteadiness(
    paint: collections.abc.Callable[[tf.Tensor], tf.Tensor],
    photos: tf.Tensor,
    stylized: tf.Tensor,
    step: tf.Tensor,
) -> tf.Tensor:
    """Returns how much the picture changes if a part of the photo is stylized, with noise.

    The frames of a video differ in this way: their content moves against the network's grid, with
    other noise. A network that draws by its grid changes most, and so does one that frames its
    pictures.

    Near the border of the cut, the network cannot know what lies beyond. If every pixel there had
    to be as in the whole photo, it would leave the border of every picture blank; if nothing had
    to be, it would fill it with its strongest strokes. So squares are compared there, by their mean
    color and by how much detail they have across and down. Only the stylized cut receives this
    gradient.

    Args:
        paint: Stylizes photos of the same or a smaller shape.
        photos: float32 RGB [B, H, W, 3] in [0, 255], of known height and width.
        stylized: Their stylized versions.
        step: Seed of the cut and the noise, an int64 scalar.

    Returns:
        The mean squared difference from the same cut of `stylized`, in squared levels: of the
        pixels within the border, plus of the mean colors and of the mean contrasts of the squares
        in it. A float32 scalar.
    """
    height, width = (round(side * (1 - _CUT_OFF)) for side in photos.shape[1:3])
    room = [photos.shape[1] - height + 1, photos.shape[2] - width + 1]
    random = tf.random.stateless_uniform([2], tf.stack([1, step]), alg="philox")
    corner = tf.cast(random * tf.constant(room, tf.float32), tf.int32)

    def cut(pictures: tf.Tensor) -> tf.Tensor:
        # Rolled, because XLA would compile the step again for each offset of a slice.
        return tf.roll(pictures, -corner, axis=[1, 2])[:, :height, :width]

    part, whole = cut(photos), cut(stylized)
    # The same for all photos, so that it does not depend on how devices share them.
    noise = tf.random.stateless_normal(
        tf.shape(part)[1:], tf.stack([2, step]), 0.0, _NOISE, alg="philox"
    )
    again = paint(part + noise)
    border = min(_BORDER, height // 4, width // 4)
    inner = (again - whole)[:, border:-border, border:-border]
    of_border = tf.constant(0.0)
    for trait in (tf.identity, _contrasts):
        squares = _means(trait(again)) - _means(trait(tf.stop_gradient(whole)))
        _, rows, columns, _ = squares.shape
        frame = _frame(rows, columns, math.ceil(border / _SQUARE))
        of_border += tf.reduce_mean(tf.square(squares) * frame) / frame.mean()
    return tf.reduce_mean(tf.square(inner)) + of_border


def _contrasts(pictures: tf.Tensor) -> tf.Tensor:
    """Returns the differences in luma from the neighbors to the left and above, [B, H, W, 2]."""
    luma = tf.reduce_sum(pictures * tf.constant(images.LUMA), axis=-1, keepdims=True)
    return tf.abs(tf.concat([luma - tf.roll(luma, 1, axis) for axis in (2, 1)], axis=-1))


def _means(pictures: tf.Tensor) -> tf.Tensor:
    return tf.nn.avg_pool2d(pictures, _SQUARE, _SQUARE, "SAME")


def _frame(height: int, width: int, border: int) -> np.ndarray:
    """Returns 1 for the outermost cells of a grid, else 0: float32 [height, width, 1]."""
    frame = np.ones((height, width, 1), np.float32)
    frame[border : height - border, border : width - border] = 0.0
    return frame
