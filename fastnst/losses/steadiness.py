"""Steadiness: a cut of the stylized image should equal the stylized cut, whatever the noise."""

from __future__ import annotations

import collections.abc

import tensorflow as tf

# How much narrower and lower the cut is, in pixels; a quarter of smaller photos. More than the
# network's grid, so that the cut moves against it, and its border lies within the whole photo.
_MARGIN = 16
# Width of the rim, in pixels, which counts as much as the whole cut: networks tend to draw a frame.
_RIM = 4
# Deviation of the noise, in levels of 255.
_NOISE = 2.0


def unsteadiness(
    paint: collections.abc.Callable[[tf.Tensor], tf.Tensor],
    photos: tf.Tensor,
    stylized: tf.Tensor,
    step: tf.Tensor,
) -> tf.Tensor:
    """Returns how much the picture changes if a part of the photo is stylized, with noise.

    The frames of a video differ in this way: their content moves against the network's grid and the
    border, with other noise. A network that draws by its grid, or a rim, changes most.

    Args:
        paint: Stylizes photos of the same or a smaller shape.
        photos: float32 RGB [B, H, W, 3] in [0, 255], of known height and width.
        stylized: Their stylized versions.
        step: Seed of the cut and the noise, an int64 scalar.

    Returns:
        The squared difference from the same cut of `stylized`, in squared levels: the mean over the
        cut, averaged with the mean over its rim. A float32 scalar.
    """
    height, width = photos.shape[1:3]
    margin = min(_MARGIN, height // 4, width // 4)
    corner = tf.random.stateless_uniform(
        [2], tf.stack([1, step]), 0, margin + 1, tf.int32, alg="philox"
    )

    def cut(pictures: tf.Tensor) -> tf.Tensor:
        # Rolled, because XLA would compile the step again for each offset of a slice.
        rolled = tf.roll(pictures, -corner, axis=[1, 2])
        return rolled[:, : height - margin, : width - margin]

    part = cut(photos)
    noise = tf.random.stateless_normal(
        tf.shape(part), tf.stack([2, step]), 0.0, _NOISE, alg="philox"
    )
    squared = tf.square(paint(part + noise) - cut(stylized))
    inner = tf.reduce_sum(squared[:, _RIM:-_RIM, _RIM:-_RIM])
    height, width = height - margin, width - margin
    share = (height - 2 * _RIM) * (width - 2 * _RIM) / (height * width)
    mean = tf.reduce_mean(squared)
    of_rim = (mean - inner / tf.cast(tf.size(squared), tf.float32)) / (1.0 - share)
    return (mean + of_rim) / 2.0
