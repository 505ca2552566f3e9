"""Random changes to the pictures of a batch, each picture its own, as functions of a seed.

They take and return float32 [B, H, W, C] in [0, 255], and a seed, int32 [2].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import tensorflow as tf

Distortion: TypeAlias = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
# Those of TensorFlow's CIFAR-10 tutorial: levels added, and factors of the contrast.
_BRIGHTNESS, _CONTRAST = 63.0, (0.2, 1.8)
# The most that pictures are shifted, as a part of their side.
_SHIFT = 8


def none(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns the pictures unchanged."""
    del seed
    return pictures


def flip(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Mirrors half of the pictures left to right."""
    mirrored = _draw(pictures, seed, 0, 0.0, 1.0) < 0.5
    return tf.where(mirrored, tf.reverse(pictures, [2]), pictures)


def flip_colors(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Mirrors pictures, adds -63 to 63 levels, and scales their contrast by 0.2 to 1.8."""
    pictures = flip(pictures, seed)
    pictures += _draw(pictures, seed, 1, -_BRIGHTNESS, _BRIGHTNESS)
    mean = tf.reduce_mean(pictures, [1, 2], keepdims=True)
    return mean + (pictures - mean) * _draw(pictures, seed, 2, *_CONTRAST)


def shift(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Shifts pictures by up to an eighth of their side, with mirrored borders."""
    height, width = pictures.shape[1:3]
    down, across = height // _SHIFT, width // _SHIFT
    margins = [[0, 0], [down, down], [across, across], [0, 0]]
    padded = tf.pad(pictures, margins, "REFLECT")
    for axis, (most, size) in enumerate(((down, height), (across, width)), start=1):
        offsets = tf.floor(_draw(pictures, seed, 2 + axis, 0.0, 2.0 * most + 1.0))
        places = tf.cast(tf.reshape(offsets, [-1, 1]), tf.int32) + tf.range(size)
        padded = tf.gather(padded, places, axis=axis, batch_dims=1)
    return padded


def shift_flip(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Shifts and mirrors pictures."""
    return shift(flip(pictures, seed), seed)


DISTORTIONS: dict[str, Distortion] = {
    "none": none,
    "shift": shift,
    "shift_flip": shift_flip,
    "flip_colors": flip_colors,
}


def _draw(pictures: tf.Tensor, seed: tf.Tensor, stream: int, low: float, high: float) -> tf.Tensor:
    """Draws a uniform number for each picture, float32 [B, 1, 1, 1]; each stream has its own."""
    shape = tf.stack([tf.shape(pictures)[0], 1, 1, 1])
    own = tf.random.fold_in(seed, stream, alg="philox")
    # The same numbers on CPUs and GPUs.
    return tf.random.stateless_uniform(shape, own, low, high, alg="philox")
