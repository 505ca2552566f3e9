"""Instance normalization whose scale and shift are given at call time.

A network of many styles has one set of kernels; only the scales and shifts of its norms differ from
style to style (conditional instance normalization, Dumoulin et al. 2017).
"""

from __future__ import annotations

import tensorflow as tf

EPSILON = 1e-5
# An image of fewer channels, such as RGB, is normalized row by row.
_FEW_CHANNELS = 8


def moments(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns mean and variance of each channel of each image, float32 [B, 1, 1, C]."""
    return tf.nn.moments(tf.cast(images, tf.float32), axes=[1, 2], keepdims=True)


def instance_norm(
    images: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor, *, fused: bool
) -> tf.Tensor:
    """Gives each channel of each image a mean and a deviation (Ulyanov et al. 2016).

    Args:
        images: [B, H, W, C].
        scale: New deviations, float32: [C] for all images, or [B, C].
        shift: New means, the same shape.
        fused: Whether to normalize image by image with TensorFlow's fused batch norm, several
            times as fast on a processor. On a GPU, XLA fuses the parts, of all images at once.

    Returns:
        The same shape and dtype as `images`.
    """

    def by_parts() -> tf.Tensor:
        return normalize(images, *moments(images), scale, shift)

    if scale.shape[-1] < _FEW_CHANNELS:
        return _by_rows(images, scale, shift)
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
    images: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor
) -> tf.Tensor:
    """Normalizes by given moments, float32 [B, 1, 1, C], which the tiles of one image share."""
    factor = _spread(scale) * tf.math.rsqrt(variance + EPSILON)
    offset = _spread(shift) - mean * factor
    return tf.cast(tf.cast(images, tf.float32) * factor + offset, images.dtype)


def _spread(values: tf.Tensor) -> tf.Tensor:
    """[C] as it is, [B, C] as [B, 1, 1, C]."""
    return values if len(values.shape) == 1 else values[:, tf.newaxis, tf.newaxis]


def _at_once(image: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Normalizes one image, [1, H, W, C], for which batch norm is instance norm."""
    # In a graph for any number of images, scale and shift may have the rows of several.
    first_scale, first_shift = (
        tf.reshape(values, [-1, values.shape[-1]])[0] for values in (scale, shift)
    )
    return tf.raw_ops.FusedBatchNormV3(
        x=image,
        scale=first_scale,
        offset=first_shift,
        mean=[],
        variance=[],
        epsilon=EPSILON,
        is_training=True,
    ).y


def _by_rows(images: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Normalizes [B, H, W, C] of few channels.

    With so few numbers side by side most lanes of a processor's vectors would idle. So whole rows
    are multiplied, [B, H, W * C], by factors repeated W times.
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

    average = mean(rows)
    factor = scale * tf.math.rsqrt(mean(tf.square(rows - repeated(average))) + EPSILON)
    normalized = rows * repeated(factor) + repeated(shift - average * factor)
    return tf.cast(tf.reshape(normalized, tf.shape(images)), images.dtype)
