"""Tools of all painters: noise, bristles, oriented stamps, colors and saving.

Coordinates are in pixels of the given canvas, in `(row, column)` order. Colors are
float32 RGB in [0, 1] until `finish` turns the canvas into uint8.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import interpolate, ndimage, spatial

from fastnst import files


def palette(codes: str) -> np.ndarray:
    """Returns hex colors, written like "ff8800 112233", as float32 [N, 3] in [0, 1]."""
    return np.array([list(bytes.fromhex(code)) for code in codes.split()], np.float32) / 255


def noise(rng: np.random.Generator, side: int, cells: int, octaves: int = 1) -> np.ndarray:
    """Returns smooth value noise, float32 [side, side] with mean 0 and deviation 1.

    Interpolates random heights on a lattice with cubic splines.

    Args:
      rng: Source of the lattice values.
      side: Pixels along each edge.
      cells: Cells of the lattice across the picture in the first octave.
      octaves: Each further octave has twice the cells and half the height.
    """
    total = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        count = cells * 2**octave
        lattice = rng.standard_normal((count + 5,) * 2).astype(np.float32)
        at = np.linspace(1, 1 + count, side, dtype=np.float32)
        weights = _cubic(at[:, None] - np.arange(count + 5))
        total += weights @ ndimage.spline_filter(lattice) @ weights.T / 2**octave
    return (total - total.mean()) / total.std()


def _cubic(distance: np.ndarray) -> np.ndarray:
    """Returns the cubic B-spline at each distance."""
    d = np.abs(distance)
    near = 2 / 3 - d**2 + d**3 / 2
    far = np.clip(2 - d, 0, None) ** 3 / 6
    return np.where(d < 1, near, far).astype(np.float32)


def bristles(
    rng: np.random.Generator, rows: np.ndarray, columns: np.ndarray, length: int
) -> np.ndarray:
    """Returns white noise smeared along a direction field, like the marks of a brush.

    This is line integral convolution (Cabral and Leedom 1993) with steps of one pixel.

    Args:
      rng: Source of the noise.
      rows: Row component of the unit direction at every pixel, float32 [H, W].
      columns: Column component, the same shape.
      length: Pixels smeared over, each way.

    Returns:
      float32 [H, W] with mean 0 and deviation 1.
    """
    height, width = rows.shape
    grain = rng.standard_normal((height, width)).astype(np.float32)
    grain = ndimage.gaussian_filter(grain, 0.7).ravel()
    total = grain.copy()
    flat_rows, flat_columns = rows.ravel(), columns.ravel()
    start_y, start_x = (a.ravel() for a in np.mgrid[:height, :width].astype(np.float32))
    for sign in (1, -1):
        y, x = start_y.copy(), start_x.copy()
        here = np.arange(height * width)
        for _ in range(length):
            y += sign * flat_rows[here]
            x += sign * flat_columns[here]
            np.clip(y, 0, height - 1, out=y)
            np.clip(x, 0, width - 1, out=x)
            here = (y + 0.5).astype(np.int32) * width + (x + 0.5).astype(np.int32)
            total += grain[here]
    return ((total - total.mean()) / total.std()).reshape(height, width)


def smooth(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """Rises smoothly from 0 at `low` to 1 at `high`, which may be the smaller of the two."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def axes(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the row [side, 1] and the column [1, side] of each pixel's center in [0, 1]."""
    axis = (np.arange(side, dtype=np.float32) + 0.5) / side
    return axis[:, None], axis[None]


def ridge(
    rng: np.random.Generator, side: int, base: float, height: float, cells: int, octaves: int = 4
) -> np.ndarray:
    """Returns the row of a skyline at every column, float32 [1, side], as fractions of the side.

    Args:
      rng: Source of the skyline.
      side: Pixels along each edge.
      base: Its mean row.
      height: Its deviation.
      cells: Hills across the picture, about.
      octaves: How rough it is.
    """
    return base + height * noise(rng, side, cells, octaves)[side // 2][None]


def spline(points: list[tuple[float, float]], side: int) -> np.ndarray:
    """Returns a smooth curve through `(row, column)` fractions as pixels [N, 2], one px apart."""
    knots = np.asarray(points, np.float32) * side
    gaps = np.hypot(*np.diff(knots, axis=0).T)
    at = np.concatenate([[0], np.cumsum(np.sqrt(gaps))])  # centripetal: no loops at short gaps
    fine = np.linspace(0, at[-1], max(int(gaps.sum() * 1.2), 4))
    return interpolate.PchipInterpolator(at, knots)(fine).astype(np.float32)


def stroke(
    rng: np.random.Generator, path: np.ndarray, half: np.ndarray, dry: float, side: int
) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray] | None:
    """Draws one stroke of a round brush whose hairs part as it runs dry.

    Args:
      rng: Source of the hairs.
      path: Points [N, 2] of the middle, in pixels, about one pixel apart.
      half: Half the width at each point, in pixels [N].
      dry: 0 for a wet brush; at 1 most of the stroke is streaks.
      side: Pixels along each edge of the canvas.

    Returns:
      The window of the canvas, the opacity, and the place along the stroke from 0 to 1; None
      outside the canvas.
    """
    reach = float(half.max()) + 2
    (top, left), (bottom, right) = path.min(0) - reach, path.max(0) + reach
    top, left = max(int(top), 0), max(int(left), 0)
    bottom, right = min(int(bottom) + 1, side), min(int(right) + 1, side)
    if top >= bottom or left >= right:
        return None
    pixels = np.mgrid[top:bottom, left:right].reshape(2, -1).T
    far, nearest = spatial.cKDTree(path).query(pixels, distance_upper_bound=reach)
    missed = nearest == len(path)
    nearest[missed] = 0
    tangent = np.gradient(path, axis=0)[nearest]
    offset = pixels - path[nearest]
    across = np.sign(tangent[:, 1] * offset[:, 0] - tangent[:, 0] * offset[:, 1]) * far
    width = half[nearest]
    along = nearest / (len(path) - 1)
    count = max(int(reach * 1.2), 3)
    hairs = ndimage.gaussian_filter1d(rng.random((count + 1, 24)), 2.5, axis=1)
    hairs = (hairs - hairs.min()) / (np.ptp(hairs) + 1e-6)
    place = np.clip((across / np.maximum(width, 0.5) + 1) / 2, 0, 1)
    place[missed] = 0
    loaded = ndimage.map_coordinates(hairs, [place * count, along * 23], order=1)
    alpha = np.clip(width - far + 0.5, 0, 1)
    alpha[missed] = 0
    alpha *= smooth(0.0, 0.12, loaded + 0.5 - dry * (0.35 + along))
    shape = bottom - top, right - left
    window = np.s_[top:bottom, left:right]
    return window, alpha.reshape(shape).astype(np.float32), along.reshape(shape).astype(np.float32)


def scatter(rng: np.random.Generator, gap: float, tries: int, margin: float = 0.1) -> np.ndarray:
    """Returns points [N, 2] in and around the unit square, at least `gap` apart.

    Args:
      rng: Source of the points.
      gap: Smallest distance between two of them.
      tries: Number of points to try; more fill the square better.
      margin: How far outside the square a point may lie.
    """
    points = np.empty((0, 2))
    for point in rng.uniform(-margin, 1 + margin, (tries, 2)):
        if (np.hypot(*(points - point).T) > gap).all():
            points = np.vstack([points, point])
    return points


def ramp(colors: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Interpolates evenly spaced colors, the first at 0 and the last at 1: [..., 3]."""
    stops = np.linspace(0, 1, len(colors), dtype=np.float32)
    channels = [np.interp(at, stops, channel) for channel in colors.T]
    return np.stack(channels, axis=-1).astype(np.float32)


def over(canvas: np.ndarray, alpha: np.ndarray | float, color: np.ndarray) -> None:
    """Blends `color` over the canvas in place, with opacity `alpha` in [0, 1]."""
    if isinstance(alpha, np.ndarray):
        alpha = alpha[..., None]
    canvas += alpha * (color - canvas)


def patch(
    side: int, y: float, x: float, angle: float, reach: float
) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray] | None:
    """Returns the window around a stamp and its local coordinates, or None outside the canvas.

    Args:
      side: Pixels along each edge of the canvas.
      y: Row of the center.
      x: Column of the center.
      angle: Direction of the first coordinate, radians from the column axis towards the rows.
      reach: Half the window's edge, in pixels.

    Returns:
      The window, and the coordinates along and across the direction, in pixels.
    """
    top, bottom = max(int(y - reach), 0), min(int(y + reach) + 2, side)
    left, right = max(int(x - reach), 0), min(int(x + reach) + 2, side)
    if top >= bottom or left >= right:
        return None
    dy = np.arange(top, bottom, dtype=np.float32)[:, None] - y
    dx = np.arange(left, right, dtype=np.float32)[None] - x
    cos, sin = np.cos(angle), np.sin(angle)
    return np.s_[top:bottom, left:right], cos * dx + sin * dy, cos * dy - sin * dx


def finish(canvas: np.ndarray, scale: int) -> np.ndarray:
    """Returns the canvas shrunk by `scale` as uint8 RGB, each pixel the mean of its block."""
    height, width = canvas.shape[0] // scale, canvas.shape[1] // scale
    blocks = canvas[: height * scale, : width * scale]
    small = blocks.reshape(height, scale, width, scale, 3).mean(axis=(1, 3))
    return (np.clip(small, 0, 1) * 255 + 0.5).astype(np.uint8)


def save(picture: np.ndarray, path: str | Path, limit: int = 200_000) -> int:
    """Writes a JPEG at the highest quality from 92 down to 50 that fits; returns the quality.

    The file is written atomically.
    """
    for quality in range(92, 49, -2):
        memory = io.BytesIO()
        Image.fromarray(picture).save(memory, "JPEG", quality=quality, optimize=True)
        if memory.tell() <= limit:
            break
    files.write(path, memory.getvalue())
    return quality
