"""Steadiness: the stylized image should move with the photo, and ignore its noise."""

from __future__ import annotations

import collections.abc

import tensorflow as tf

# How far the photo is moved at most, in pixels, and the deviation of the noise, in levels of 255.
_FARTHEST, _NOISE = 3, 2.0
# Width of the border that is ignored, in pixels, because the move wraps around; a quarter of
# smaller photos.
_BORDER = 16


def unsteadiness(
    paint: collections.abc.Callable[[tf.Tensor], tf.Tensor],
    photos: tf.Tensor,
    stylized: tf.Tensor,
    step: tf.Tensor,
) -> tf.Tensor:
    """Returns how much the stylized image changes if the photo moves by a few pixels, with noise.

    Frames of a video differ in this way. The network's grid has a size of 4 pixels, so a network
    that draws by its grid changes most under moves of 1 to 3 pixels.

    Args:
        paint: Stylizes photos of the same shape.
        photos: float32 RGB [B, H, W, 3] in [0, 255], of known height and width.
        stylized: Their stylized versions.
        step: Seed of the move and the noise, an int64 scalar.

    Returns:
        The mean squared difference, beyond the move, in squared levels: a float32 scalar.
    """
    move = tf.random.stateless_uniform(
        [2], tf.stack([1, step]), 1, _FARTHEST + 1, tf.int32, alg="philox"
    )
    noise = tf.random.stateless_normal(
        tf.shape(photos), tf.stack([2, step]), 0.0, _NOISE, alg="philox"
    )
    moved = paint(tf.roll(photos + noise, move, axis=[1, 2]))
    difference = tf.roll(moved, -move, axis=[1, 2]) - stylized
    border = min(_BORDER, *(side // 4 for side in photos.shape[1:3]))
    return tf.reduce_mean(tf.square(difference[:, border:-border, border:-border]))
