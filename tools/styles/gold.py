"""Gold: a tree of spirals in gold leaf between hills of mosaic patches, above a meadow of flowers.

After the ornament of Vienna around 1905: gold leaf in squares that hardly show, boughs that roll up
into spirals, eyes, triangles, and patches of black and white.
"""

from __future__ import annotations

import numpy as np

from tools.styles import brush

LEAF = brush.palette("a87420 c8942c dfb048 eec868 f8e0a0")
OUTLINE = brush.palette("3a2412")[0]
BOUGH = brush.palette("5c3a18 84561c b07c28")
JEWELS = brush.palette("1e3a68 2f6f70 b83a28 f4ead0 16120f 7c4a88 e8b84c")
MEADOW = brush.palette("20401f 35602c 568034")
BLOSSOMS = brush.palette("e8563c f4c43c f8f0e0 b04c9c 5c88d0 f08cac")
SUPERSAMPLING = 2


def paint(size: int, seed: int = 14) -> np.ndarray:
    """Paints the picture.

    Args:
      size: Pixels along each edge.
      seed: Seed of the composition.

    Returns:
      uint8 RGB [size, size, 3].
    """
    rng = np.random.default_rng(seed)
    side = size * SUPERSAMPLING
    canvas = _leaf(rng, side)
    _tree(rng, canvas)
    for column, top, wide in ((0.84, 0.60, 0.25), (0.13, 0.53, 0.23)):
        _hill(rng, canvas, column, top, wide)
    _meadow(rng, canvas)
    return brush.finish(canvas, SUPERSAMPLING)


def _leaf(rng: np.random.Generator, side: int) -> np.ndarray:
    """Lays gold leaf: sheets that overlap by a hair, rubbed and flecked."""
    y, x = brush.axes(side)
    row = np.floor((y + 0.004 * brush.noise(rng, side, 6)) * 6.3).astype(int)
    shift = rng.uniform(0, 1, 16)[row % 16]
    column = np.floor((x + 0.004 * brush.noise(rng, side, 6)) * 6.1 + shift).astype(int)
    sheet = rng.normal(0, 0.035, (16, 16))[row % 16, column % 16]
    tone = 0.56 + sheet + 0.11 * brush.noise(rng, side, 3, 3) + 0.03 * brush.noise(rng, side, 70, 2)
    rubbed = brush.smooth(1.7, 2.6, brush.noise(rng, side, 40, 3))
    canvas = brush.ramp(LEAF, np.clip(tone, 0, 1))
    brush.over(canvas, 0.35 * rubbed, LEAF[0])
    for _ in range(420):
        fleck = rng.uniform(0.0008, 0.0030) * side
        at_y, at_x = rng.uniform(0, 1, 2) * side
        found = brush.patch(side, at_y, at_x, rng.uniform(0, 3), 2 * fleck + 1)
        if found is not None:
            where, u, v = found
            inside = np.clip(fleck - np.maximum(np.abs(u), 1.6 * np.abs(v)) + 0.5, 0, 1)
            brush.over(canvas[where], 0.75 * inside, LEAF[4 if rng.random() < 0.75 else 1])
    return canvas


def _line(rng: np.random.Generator, canvas: np.ndarray, path: np.ndarray, half: np.ndarray) -> None:
    """Draws a bough: a dark outline, brown inside, with streaks along it."""
    side = len(canvas)
    for grow, tone in ((0.0020 * side, None), (0.0, 0.5)):
        drawn = brush.stroke(rng, path, (half + grow).astype(np.float32), 0.0, side)
        if drawn is None:
            return
        window, alpha, along = drawn
        color = OUTLINE if tone is None else brush.ramp(BOUGH, 0.35 + 0.6 * along)
        brush.over(canvas[window], alpha, color)


def _spiral(
    rng: np.random.Generator,
    canvas: np.ndarray,
    y: float,
    x: float,
    turn: float,
    size: float,
    way: int,
) -> None:
    """Draws a bough that leaves a point, rolls up, and bears an eye or a bud in its middle.

    Args:
        rng: Source of its irregularities.
        canvas: The picture.
        y: Row of its root.
        x: Column of its root.
        turn: Its direction there in radians from the columns to the rows.
        size: Radius of the roll.
        way: 1 if it rolls up clockwise, -1 if not.
    """
    side = len(canvas)
    rounds = rng.uniform(2.0, 2.5) * 2 * np.pi
    t = np.linspace(0, 1, 700)
    bend = way * rounds * t**1.9
    # The curve of a spring that is wound tighter: curvature grows towards the middle.
    steps = 1.12 * size * rounds / 700 * (1.04 - t) ** 0.75
    ys = y + np.cumsum(steps * np.sin(turn + bend))
    xs = x + np.cumsum(steps * np.cos(turn + bend))
    path = np.stack([ys, xs], -1).astype(np.float32) * side
    half = side * np.interp(t, [0, 0.2, 1], [0.10 * size + 0.003, 0.07 * size + 0.002, 0.0026])
    _line(rng, canvas, path, half)
    _jewel(rng, canvas, ys[-1], xs[-1], 0.17 * size + 0.006)


def _jewel(rng: np.random.Generator, canvas: np.ndarray, y: float, x: float, radius: float) -> None:
    """Sets an eye: rings of two jewels in gold."""
    side = len(canvas)
    found = brush.patch(side, y * side, x * side, rng.uniform(0, 3), radius * side + 3)
    if found is None:
        return
    where, u, v = found
    far = np.hypot(u, 1.25 * v) / side
    first, second = rng.choice(len(JEWELS), 2, replace=False)
    for part, color in (
        (1.0, OUTLINE),
        (0.84, LEAF[4]),
        (0.62, JEWELS[first]),
        (0.34, JEWELS[second]),
    ):
        brush.over(canvas[where], np.clip((part * radius - far) * side + 0.5, 0, 1), color)


def _tree(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Grows the tree: a trunk that parts into spirals, larger ones first."""
    side = len(canvas)
    trunk = brush.spline([(0.95, 0.53), (0.70, 0.50), (0.45, 0.52), (0.24, 0.50)], side)
    _line(rng, canvas, trunk, np.linspace(0.034, 0.016, len(trunk)) * side)
    boughs = (
        (0.55, 0.51, -0.40, 0.085, -1),
        (0.53, 0.51, -2.75, 0.080, 1),
        (0.42, 0.52, -0.80, 0.125, 1),
        (0.40, 0.51, -2.35, 0.125, -1),
        (0.32, 0.51, -0.95, 0.105, -1),
        (0.31, 0.51, -2.20, 0.100, 1),
        (0.26, 0.50, -1.45, 0.085, 1),
        (0.34, 0.51, 0.25, 0.090, -1),
        (0.36, 0.51, 2.90, 0.090, 1),
        (0.27, 0.50, -0.35, 0.120, 1),
        (0.27, 0.50, -2.85, 0.120, -1),
    )
    for y, x, turn, size, way in boughs[::-1]:
        _spiral(rng, canvas, y, x, turn + rng.normal(0, 0.1), size, way)


def _hill(
    rng: np.random.Generator, canvas: np.ndarray, column: float, top: float, wide: float
) -> None:
    """Raises a steep hill of patches: black and white oblongs, eyes and triangles, fewer on top."""
    side = len(canvas)
    y, x = brush.axes(side)
    t = (y - top) / (1.0 - top)
    half = wide * np.sqrt(np.clip(t, 0, 1)) * (1 + 0.12 * t)
    inside = np.where(t > 0, half - np.abs(x - column), -1)
    mask = np.clip(inside * side + 0.5, 0, 1)
    brush.over(canvas, np.clip((inside + 0.005) * side + 0.5, 0, 1), OUTLINE)
    cloth = brush.ramp(LEAF, np.clip(0.62 + 0.14 * brush.noise(rng, side, 5, 2), 0, 1))
    brush.over(canvas, mask, cloth)
    clipped = canvas.copy()
    for cy, cx in brush.scatter(rng, 0.030, 7000, margin=0):
        here = min(int(cy * side), side - 1), min(int(cx * side), side - 1)
        fewer = brush.smooth(0.10, 0.0, t[here[0], 0] - 0.03)
        if inside[here] < 0.014 or rng.random() < 0.03 + 0.8 * fewer:
            continue
        draw, turn = rng.random(), rng.normal(0, 0.12)
        if draw < 0.30:
            _jewel(rng, clipped, cy, cx, rng.uniform(0.010, 0.019))
            continue
        found = brush.patch(side, cy * side, cx * side, turn, 0.03 * side)
        if found is None:
            continue
        where, u, v = found
        long, high = rng.uniform(0.008, 0.014) * side, rng.uniform(0.010, 0.022) * side
        if draw < 0.82:
            block = np.minimum(long - np.abs(u), high - np.abs(v))
        else:
            block = np.minimum(high + v, (high - v) * 0.5 - np.abs(u))
        color = JEWELS[rng.choice([4, 3, 4, 3, 0, 2, 1])]
        brush.over(clipped[where], np.clip(block + 0.0016 * side + 0.5, 0, 1), OUTLINE)
        brush.over(clipped[where], np.clip(block + 0.5, 0, 1), color)
        if rng.random() < 0.4:
            brush.over(clipped[where], np.clip(block - 0.004 * side + 0.5, 0, 1), LEAF[3])
    brush.over(canvas, mask, clipped)


def _meadow(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Strews flowers over a dark meadow, small ones at the back."""
    side = len(canvas)
    y, _ = brush.axes(side)
    edge = y - 0.865 - 0.012 * brush.noise(rng, side, 7, 2)
    green = brush.ramp(MEADOW, np.clip(0.5 + 0.25 * brush.noise(rng, side, 16, 3), 0, 1))
    brush.over(canvas, np.clip(edge * side + 0.5, 0, 1), green)
    points = brush.scatter(rng, 0.026, 4000, margin=0.0)
    points = points[points[:, 0] > 0.862]
    for cy, cx in points[np.argsort(points[:, 0])]:
        if rng.random() < 0.35:
            continue
        radius = (0.008 + 0.10 * (cy - 0.862)) * side * rng.uniform(0.8, 1.3)
        found = brush.patch(side, cy * side, cx * side, rng.uniform(0, 6), 1.4 * radius + 1)
        if found is None:
            continue
        where, u, v = found
        petals = radius * (0.78 + 0.24 * np.cos(5 * np.arctan2(v, u)))
        far = np.hypot(u, v)
        first, second = rng.choice(len(BLOSSOMS), 2, replace=False)
        brush.over(canvas[where], np.clip(petals * 1.15 - far + 0.5, 0, 1), MEADOW[0])
        brush.over(canvas[where], np.clip(petals - far + 0.5, 0, 1), BLOSSOMS[first])
        brush.over(canvas[where], np.clip(0.36 * radius - far + 0.5, 0, 1), BLOSSOMS[second])
