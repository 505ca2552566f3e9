"""Grain: smooth random noise, which gives flat areas of a photo something to paint.

A network paints a clear sky as a regular pattern, because every part of it looks the same. Grain
makes the parts differ, so that the strokes do. The value at a pixel depends only on the seed and
the pixel's position: a tile of a picture has the grain of the whole.
"""

from __future__ import annotations

import math

import numpy as np

# Distance in pixels between the random values that are interpolated.
SPACING = 4.0


def grain(
    height: int, width: int, *, seed: int = 0, spacing: float = SPACING, top: int = 0, left: int = 0
) -> np.ndarray:
    """Draws grain with mean 0 and standard deviation 1, independent in each channel.

    Random values on a lattice are interpolated by a cubic B-spline, in each direction divided by
    the root of the sum of the squared weights, so that the deviation is the same at every pixel.
    The correlation of two pixels is 0.5 at a distance of `spacing`.

    Args:
        height: Height of the area in pixels.
        width: Width of the area in pixels.
        seed: From 0 to 2^32 - 1.
        spacing: Distance between the lattice's points, in pixels, above 0.
        top: First row of the area in the picture.
        left: First column.

    Returns:
        float32 [height, width, 3].
    """
    rows, row_weights = _taps(height, top, spacing)
    columns, column_weights = _taps(width, left, spacing)
    points = (np.arange(taps[0, 0], taps[-1, -1] + 1) for taps in (rows, columns))
    lattice = _uniform(seed, *points)
    by_row = _interpolate(lattice, rows - rows[0, 0], row_weights)
    drawn = _interpolate(by_row.swapaxes(1, 2), columns - columns[0, 0], column_weights)
    return np.ascontiguousarray(drawn.transpose(2, 1, 0))


def _taps(size: int, start: int, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the points of the lattice around each pixel of a row, and their weights.

    Returns:
        int64 [size, 4], and float32 [size, 4] whose squares add up to 1.
    """
    places = (start + np.arange(size)) / spacing
    before = np.floor(places)
    part = (places - before)[:, np.newaxis]
    weights = np.concatenate(
        [
            (1.0 - part) ** 3,
            3.0 * part**3 - 6.0 * part**2 + 4.0,
            3.0 * (1.0 - part) ** 3 - 6.0 * (1.0 - part) ** 2 + 4.0,
            part**3,
        ],
        axis=1,
    )
    weights /= np.sqrt(np.sum(np.square(weights), axis=1, keepdims=True))
    points = before.astype(np.int64)[:, np.newaxis] + np.arange(-1, 3)
    return points, weights.astype(np.float32)


def _interpolate(values: np.ndarray, taps: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Interpolates along the second axis.

    Args:
        values: float32 [3, points, n].
        taps: Points around each pixel, [size, 4].
        weights: Their weights, float32 [size, 4].

    Returns:
        float32 [3, size, n].
    """
    # Not a product of matrices, after which NumPy's threads wait in a loop and slow TensorFlow's.
    result = values[:, taps[:, 0]] * weights[:, :1]
    for tap in range(1, 4):
        result += values[:, taps[:, tap]] * weights[:, tap : tap + 1]
    return result


def _uniform(seed: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Returns uniform values with variance 1 at points: float32 [3, rows, columns].

    A generator would fill a shape from its first element on, so the value at a point would depend
    on the area. These values are hashes of the seed and the point. The interpolation adds up 16 of
    them, which is close to a normal distribution.
    """
    hashed = _mix(np.full((1, 1, 1), seed, np.uint32))
    for index in (rows[:, np.newaxis], columns, np.arange(3)[:, np.newaxis, np.newaxis]):
        hashed = _mix(hashed ^ index.astype(np.uint32))
    # The upper 24 bits, which float32 represents exactly.
    unit = (hashed >> np.uint32(8)).astype(np.float32) / np.float32(2**24)
    return (2.0 * unit - 1.0) * np.float32(math.sqrt(3.0))


def _mix(values: np.ndarray) -> np.ndarray:
    """Hashes uint32 (Wellons 2018, "Prospecting for Hash Functions": lowbias32)."""
    values = values + np.uint32(0x9E3779B9)  # Otherwise 0 would be mapped to 0.
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
        values = (values ^ (values >> np.uint32(shift))) * np.uint32(factor)
    return values
