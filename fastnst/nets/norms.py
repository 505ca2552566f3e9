"""Instance normalization with scale and shift as arguments of each call.

A network of many styles has one set of kernels; its styles differ only in the scales and shifts of
the norms (conditional instance normalization, Dumoulin et al. 2017).
"""

from __future__ import annotations

import collections.abc
from typing import TypeAlias

import tensorflow as tf

# Mean and variance of each channel, float32 [B, 1, 1, C].
Moments: TypeAlias = tuple[tf.Tensor, tf.Tensor]

EPSILON = 1e-5
# Images with fewer channels, such as RGB, are normalized by rows.
_FEW_CHANNELS = 8


def moments(images: tf.Tensor) -> Moments:
    """Returns mean and variance of each channel of each image, float32 [B, 1, 1, C]."""
    return tf.nn.moments(tf.cast(images, tf.float32), axes=[1, 2], keepdims=True)


def moments_of_one(image: tf.Tensor, *, fused: bool) -> Moments:
    """Returns the moments of one image, [1, H, W, C], as `moments` does.

    Args:
        image: The image.
        fused: Whether to use TensorFlow's fused batch norm, which is three times as fast on a CPU.
    """
    channels = image.shape[-1]
    if not fused or channels < _FEW_CHANNELS:
        return moments(image)
    normalized = tf.raw_ops.FusedBatchNormV3(
        x=image,
        scale=tf.ones(channels),
        offset=tf.zeros(channels),
        mean=[],
        variance=[],
        epsilon=EPSILON,
        is_training=True,
    )
    # Batch norm estimates the variance of a population, from which the image is a sample.
    count = tf.cast(tf.reduce_prod(tf.shape(image)[1:3]), tf.float32)
    variance = normalized.batch_variance * (count - 1.0) / count
    mean, variance = (
        tf.reshape(each, [1, 1, 1, channels]) for each in (normalized.batch_mean, variance)
    )
    return mean, variance


def merge(parts: Moments, pixels: tf.Tensor | collections.abc.Sequence[int]) -> Moments:
    """Combines the moments of tiles into those of the whole picture (Chan et al. 1979).

    Args:
        parts: Means and variances in the tiles, float32 [tiles, 1, 1, 1, C].
        pixels: The number of pixels of each tile, [tiles].
    """
    means, variances = (tf.cast(each, tf.float64) for each in parts)
    counts = tf.reshape(tf.cast(pixels, tf.float64), [-1, 1, 1, 1, 1])
    shares = counts / tf.reduce_sum(counts)
    mean = tf.reduce_sum(shares * means, axis=0)
    variance = tf.reduce_sum(shares * (variances + tf.square(means - mean)), axis=0)
    return tf.cast(mean, tf.float32), tf.cast(variance, tf.float32)


def instance_norm(
    images: tf.Tensor,
    scale: tf.Tensor,
    shift: tf.Tensor,
    *,
    fused: bool,
    of_whole: Moments | None = None,
    epsilon: float = EPSILON,
) -> tf.Tensor:
    """Normalizes each channel of each image to a mean and deviation (Ulyanov et al. 2016).

    Args:
        images: [B, H, W, C].
        scale: New deviations, float32: [C] for all images, or [B, C].
        shift: New means, the same shape.
        fused: Whether to normalize image by image with TensorFlow's fused batch norm, which is
            several times as fast on a CPU. On a GPU, XLA fuses the operations for all images.
        of_whole: For tiles of a larger image: its moments, float32 [B, 1, 1, C].
        epsilon: Is added to the variance. The fused operation has `EPSILON` and no other.

    Returns:
        The same shape and dtype as `images`.
    """

    def by_parts() -> tf.Tensor:
        return normalize(images, *moments(images), scale, shift, epsilon)

    if epsilon != EPSILON:
        return by_parts()
    if scale.shape[-1] < _FEW_CHANNELS:
        return _by_rows(images, scale, shift, of_whole)
    if of_whole is not None:
        if fused and images.shape[0] == 1:
            return _at_once(images, scale, shift, of_whole)
        return normalize(images, *of_whole, scale, shift)
    if images.shape[0] is None:
        return tf.cond(tf.shape(images)[0] == 1, lambda: _at_once(images, scale, shift), by_parts)
    if not fused:
        return by_parts()
    count = images.shape[0]
    scales, shifts = (
        [values] * count if len(values.shape) == 1 else tf.unstack(values, count)
        for values in (scale, shift)
    )
    parts = zip(tf.split(images, count), scales, shifts, strict=True)
    return tf.concat([_at_once(*part) for part in parts], 0)


def normalize(
    images: tf.Tensor,
    mean: tf.Tensor,
    variance: tf.Tensor,
    scale: tf.Tensor,
    shift: tf.Tensor,
    epsilon: float = EPSILON,
) -> tf.Tensor:
    """Normalizes with given moments, float32 [B, 1, 1, C], such as those of a whole image."""
    factor = _spread(scale) * tf.math.rsqrt(variance + epsilon)
    offset = _spread(shift) - mean * factor
    return tf.cast(tf.cast(images, tf.float32) * factor + offset, images.dtype)


def _spread(values: tf.Tensor) -> tf.Tensor:
    """Returns [C] unchanged, and [B, C] as [B, 1, 1, C]."""
    return values if len(values.shape) == 1 else values[:, tf.newaxis, tf.newaxis]


def _at_once(
    image: tf.Tensor,
    scale: tf.Tensor,
    shift: tf.Tensor,
    of_whole: Moments | None = None,
) -> tf.Tensor:
    """Normalizes one image, [1, H, W, C], for which batch norm equals instance norm."""
    mean, variance = ([tf.reshape(each, [-1]) for each in of_whole]) if of_whole else ([], [])
    # In a graph for any number of images, scale and shift may have the rows of several.
    first_scale, first_shift = (
        tf.reshape(values, [-1, values.shape[-1]])[0] for values in (scale, shift)
    )
    return tf.raw_ops.FusedBatchNormV3(
        x=image,
        scale=first_scale,
        offset=first_shift,
        mean=mean,
        variance=variance,
        epsilon=EPSILON,
        is_training=of_whole is None,
    ).y


def _by_rows(
    images: tf.Tensor,
    scale: tf.Tensor,
    shift: tf.Tensor,
    of_whole: Moments | None,
) -> tf.Tensor:
    """Normalizes [B, H, W, C] with few channels.

    So few channels would leave most lanes of a CPU's vector units idle. Whole rows, [B, H, W * C],
    are therefore multiplied by factors repeated W times.
    """
    channels = scale.shape[-1]
    batch, height, width, _ = tf.unstack(tf.shape(images))
    rows = tf.reshape(tf.cast(images, tf.float32), [batch, height, width * channels])
    if len(scale.shape) == 2:
        scale, shift = scale[:, tf.newaxis], shift[:, tf.newaxis]

    def mean(rows: tf.Tensor) -> tf.Tensor:
        columns = tf.reshape(tf.reduce_mean(rows, axis=1), [batch, width, channels])
        return tf.reduce_mean(columns, axis=1, keepdims=True)

    def repeated(values: tf.Tensor) -> tf.Tensor:
        return tf.tile(values, [1, 1, width])

    if of_whole is None:
        average = mean(rows)
        variance = mean(tf.square(rows - repeated(average)))
    else:
        average, variance = (each[:, 0] for each in of_whole)
    factor = scale * tf.math.rsqrt(variance + EPSILON)
    normalized = rows * repeated(factor) + repeated(shift - average * factor)
    return tf.cast(tf.reshape(normalized, tf.shape(images)), images.dtype)
