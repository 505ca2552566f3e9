"""Grain: smooth random noise, which gives flat areas of a photo something to paint.

A network paints a clear sky as a regular pattern, because every part of it looks the same. Grain
makes the parts differ, so that the strokes do. The value at a pixel depends only on the seed and
the pixel's position: a tile of a picture has the grain of the whole.
"""

from __future__ import annotations

import math

import tensorflow as tf

# Distance in pixels between the random values that are interpolated.
SPACING = 4.0


def grain(
    height: int | tf.Tensor,
    width: int | tf.Tensor,
    *,
    seed: int | tf.Tensor = 0,
    spacing: float | tf.Tensor = SPACING,
    top: int | tf.Tensor = 0,
    left: int | tf.Tensor = 0,
) -> tf.Tensor:
    """Draws grain with mean 0 and standard deviation 1, independent in each channel.

    Random values on a lattice are interpolated by a cubic B-spline, in each direction divided by
    the root of the sum of the squared weights, so that the deviation is the same at every pixel.
    The correlation of two pixels is 0.5 at a distance of `spacing`.

    Args:
        height: Height of the area in pixels.
        width: Width of the area in pixels.
        seed: Integer, scalar or [B].
        spacing: Distance between the lattice's points, in pixels, above 0.
        top: First row of the area in the picture.
        left: First column.

    Returns:
        float32 [height, width, 3], or [B, height, width, 3] for several seeds.
    """
    rows, row_weights = _taps(height, top, spacing)
    columns, column_weights = _taps(width, left, spacing)
    first = [taps[0, 0] for taps in (rows, columns)]
    points = [tf.range(taps[0, 0], taps[-1, -1] + 1) for taps in (rows, columns)]
    lattice = _uniform(tf.convert_to_tensor(seed), *points)
    drawn = _interpolate(lattice, rows - first[0], row_weights, axis=-3)
    return _interpolate(drawn, columns - first[1], column_weights, axis=-2)


def _taps(
    size: int | tf.Tensor, start: int | tf.Tensor, spacing: float | tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the points of the lattice around each pixel of a row, and their weights.

    Returns:
        int32 [size, 4], and float32 [size, 4] whose squares add up to 1.
    """
    # In double precision, because positions in large pictures need more digits than fractions.
    places = tf.cast(start + tf.range(size), tf.float64) / tf.cast(spacing, tf.float64)
    before = tf.floor(places)
    part = tf.cast(places - before, tf.float32)[:, tf.newaxis]
    weights = tf.concat(
        [
            (1.0 - part) ** 3,
            3.0 * part**3 - 6.0 * part**2 + 4.0,
            3.0 * (1.0 - part) ** 3 - 6.0 * (1.0 - part) ** 2 + 4.0,
            part**3,
        ],
        axis=1,
    )
    points = tf.cast(before, tf.int32)[:, tf.newaxis] + tf.range(-1, 3)
    return points, tf.math.l2_normalize(weights, axis=1, epsilon=0.0)


def _interpolate(lattice: tf.Tensor, taps: tf.Tensor, weights: tf.Tensor, axis: int) -> tf.Tensor:
    ones = [1] * (-1 - axis)
    return tf.add_n(
        [
            tf.gather(lattice, taps[:, tap], axis=axis) * tf.reshape(weights[:, tap], [-1, *ones])
            for tap in range(4)
        ]
    )


def _uniform(seed: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Returns uniform values with variance 1 at points: float32 [..., rows, columns, 3].

    TensorFlow's stateless random operations fill a shape from its first element on, so the value
    at a point would depend on the area. These values are hashes of the seed and the point. The
    interpolation adds up 16 of them, which is close to a normal distribution.
    """
    hashed = _mix(tf.cast(seed, tf.uint32))[..., tf.newaxis, tf.newaxis, tf.newaxis]
    for index in (rows[:, tf.newaxis, tf.newaxis], columns[:, tf.newaxis], tf.range(3)):
        hashed = _mix(tf.bitwise.bitwise_xor(hashed, tf.cast(index, tf.uint32)))
    # The upper 24 bits, which float32 represents exactly.
    unit = tf.cast(tf.bitwise.right_shift(hashed, tf.constant(8, tf.uint32)), tf.float32) / 2**24
    return (2.0 * unit - 1.0) * math.sqrt(3.0)


def _mix(values: tf.Tensor) -> tf.Tensor:
    """Hashes uint32 (Wellons 2018, "Prospecting for Hash Functions": lowbias32)."""
    values += tf.constant(0x9E3779B9, tf.uint32)  # Otherwise 0 would be mapped to 0.
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
        shifted = tf.bitwise.right_shift(values, tf.constant(shift, tf.uint32))
        values = tf.bitwise.bitwise_xor(values, shifted) * tf.constant(factor, tf.uint32)
    return values
