"""Marble: paint floating on water, drawn into swirls and taken off on paper, as bookbinders do.

Drops push the paint around them aside without mixing with it; a stylus drags it along. Both are
exact maps of the plane, so that each pixel is traced back to the drop that it came from, after
S. Lu et al., "Mathematical marbling", IEEE Computer Graphics and Applications 32(6), 2012.
"""

from __future__ import annotations

import numpy as np

from tools.styles import brush

COLORS = brush.palette("16324f f3e6cc c8452f e0a33c 2f8f8b 0d1b2e f0cdb0 7a2340")
NAVY, CREAM, CORAL, GOLD, TEAL, INK, BLUSH, WINE = range(len(COLORS))
VEIN = brush.palette("f4d58a")[0]
SUPERSAMPLING = 2

# Rings of the large drops, from the first drop to the last, which lies in the middle.
RINGS = (
    (NAVY, CREAM, TEAL, CREAM, NAVY),
    (CREAM, CORAL, BLUSH, CORAL, CREAM, INK),
    (TEAL, INK, TEAL, GOLD, CREAM),
    (WINE, CORAL, GOLD, CREAM, WINE),
    (CREAM, NAVY, CREAM, GOLD),
)


def paint(size: int, seed: int = 12) -> np.ndarray:
    """Paints the picture.

    Args:
      size: Pixels along each edge.
      seed: Seed of the composition.

    Returns:
      uint8 RGB [size, size, 3].
    """
    rng = np.random.default_rng(seed)
    side = size * SUPERSAMPLING
    drops = _drops(rng)
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    # The sheet is not laid down quite evenly.
    y += 0.006 * brush.noise(rng, side, 7, 2)
    x += 0.006 * brush.noise(rng, side, 7, 2)
    y, x = _undo_strokes(rng, y, x)
    number, depth = _trace(drops, y, x)
    canvas = COLORS[np.array([drop[3] for drop in drops] + [NAVY])][number]
    thick = brush.noise(rng, side, 8, 3)
    canvas *= 1 + 0.035 * thick[..., None]
    # Paint is thinnest at the rim of a drop, and a vein of gold shows through in places.
    canvas *= (1 - 0.16 * brush.smooth(0.12, 0.0, depth))[..., None]
    vein = brush.smooth(0.030, 0.012, depth) * brush.smooth(0.5, 1.3, brush.noise(rng, side, 5, 2))
    brush.over(canvas, 0.8 * vein, VEIN)
    return brush.finish(canvas, SUPERSAMPLING)


def _drops(rng: np.random.Generator) -> list[tuple[float, float, float, int]]:
    """Returns the drops in the order they fall: row, column, radius and color."""
    drops = []
    places = brush.scatter(rng, 0.21, 900, margin=0.12)
    for number, (y, x) in enumerate(places):
        for ring in RINGS[number % len(RINGS)]:
            wander = rng.normal(0, 0.012, 2)
            drops.append((y + wander[0], x + wander[1], rng.uniform(0.055, 0.105), ring))
    # Then a fine spray, thicker in some places.
    for _ in range(60):
        y, x = rng.uniform(0, 1, 2)
        color = int(rng.choice([CREAM, GOLD, INK, CORAL, TEAL]))
        drops.append((y, x, 0.004 + 0.014 * rng.random() ** 2, color))
    return drops


def _undo_strokes(
    rng: np.random.Generator, y: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Traces pixels back through the strokes of the stylus: some straight, then some circles."""
    for _ in range(6):
        turn, at = rng.uniform(0, np.pi), rng.uniform(0.2, 0.8, 2)
        along = np.cos(turn), np.sin(turn)
        far = np.abs((y - at[0]) * along[1] - (x - at[1]) * along[0])
        pull = rng.choice([-1, 1]) * 0.16 * 0.5 ** (np.hypot(far, 0.02) / 0.045)
        y, x = y - pull * along[0], x - pull * along[1]
    for _ in range(5):
        cy, cx = rng.uniform(0.1, 0.9, 2)
        radius = rng.uniform(0.06, 0.18)
        dy, dx = y - cy, x - cx
        far = np.hypot(dy, dx)
        turn = rng.choice([-1, 1]) * 2.2 * 0.5 ** (np.hypot(far - radius, 0.03) / 0.07)
        cos, sin = np.cos(turn), np.sin(turn)
        y, x = cy + cos * dy - sin * dx, cx + sin * dy + cos * dx
    return y, x


def _trace(
    drops: list[tuple[float, float, float, int]], y: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the drop that each pixel belongs to, and its depth below the drop's rim in [0, 1]."""
    number = np.full(y.shape, len(drops), np.int32)
    depth = np.ones(y.shape, np.float32)
    for index in range(len(drops) - 1, -1, -1):
        cy, cx, radius, _ = drops[index]
        dy, dx = y - cy, x - cx
        far = dy * dy + dx * dx
        inside = (far < radius**2) & (number == len(drops))
        number[inside] = index
        depth[inside] = 1 - np.sqrt(far[inside]) / radius
        scale = np.sqrt(np.clip(1 - radius**2 / np.maximum(far, radius**2 * 1.0001), 0, 1))
        y, x = cy + dy * scale, cx + dx * scale
    return number, depth
