"""Ink: misty mountains and bamboo in washes of black ink on bare paper, with a pale red sun.

Each mountain is one wash, darkest at its ridge and fading into mist, with dry strokes that run down
its slopes. Bamboo and birds are single strokes of the brush. Most of the paper stays bare.

Ink is measured as density: paper seen through density d is darker by exp(-d).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from tools.styles import brush

PAPER = brush.palette("f3ecdd")[0]
ABSORBED = np.array([1.0, 0.96, 0.90], np.float32)  # the ink is a warm black, bluish where thin
SUN = np.array([0.05, 0.75, 0.80], np.float32)
SEAL = brush.palette("b5291f")[0]

# From the farthest to the nearest: base row, height, hills, density, depth of the wash, and how
# strong the dry strokes are.
MOUNTAINS = (
    (0.36, 0.050, 3, 0.22, 0.16, 0.0),
    (0.47, 0.075, 2, 0.50, 0.17, 0.35),
    (0.62, 0.070, 3, 0.95, 0.13, 0.9),
    (0.84, 0.045, 2, 1.70, 0.12, 1.5),
)


def paint(size: int, seed: int = 11) -> np.ndarray:
    """Paints the picture.

    Args:
      size: Pixels along each edge.
      seed: Seed of the composition.

    Returns:
      uint8 RGB [size, size, 3].
    """
    rng = np.random.default_rng(seed)
    y, x = brush.axes(size)
    canvas = np.tile(PAPER, (size, size, 1))
    fibres = brush.noise(rng, size, 60, 2)
    canvas *= 1 + 0.012 * fibres[..., None]
    sun = np.hypot(y - 0.20, x - 0.66) + 0.002 * brush.noise(rng, size, 20)
    wash = 0.55 * brush.smooth(0.094, 0.088, sun) * (1 + 0.12 * brush.noise(rng, size, 6, 3))
    canvas *= np.exp(-wash[..., None] * SUN)

    ink = np.zeros((size, size), np.float32)
    for mountain in MOUNTAINS:
        _mountain(rng, ink, *mountain)
    _bamboo(rng, ink)
    _birds(rng, ink)
    _splash(rng, ink)
    canvas *= np.exp(-np.maximum(ink, 0)[..., None] * ABSORBED)
    _seal(rng, canvas)
    return brush.finish(canvas, 1)


def _mountain(
    rng: np.random.Generator,
    ink: np.ndarray,
    base: float,
    height: float,
    hills: int,
    density: float,
    depth: float,
    dry: float,
) -> None:
    """Washes one range of mountains over those behind it."""
    side = len(ink)
    y, _ = brush.axes(side)
    skyline = brush.ridge(rng, side, base, height, hills, 5)
    below = y - skyline + 0.003 * brush.noise(rng, side, 50, 2)
    cloud = brush.noise(rng, side, 4, 3)
    inside = brush.smooth(0, 0.006, below)
    # A wet brush leaves an edge, and the wash fades faster where mist hangs.
    fade = np.exp(-np.maximum(below, 0) / (depth * np.clip(0.75 + 0.35 * cloud, 0.25, 1.5)))
    rim = 0.35 * np.exp(-np.abs(below - 0.006) / 0.006)
    pooled = 1 + 0.22 * brush.noise(rng, side, 14, 3)
    ink *= 1 - 0.92 * inside * brush.smooth(0.5, 0.0, below)  # mist hides what lies behind
    ink += density * inside * (fade * pooled + rim)
    if not dry:
        return
    slope = ndimage.gaussian_filter1d(np.gradient(skyline[0]) * side, side / 60)
    sway = 0.6 * brush.noise(rng, side, 5, 2)
    angle = np.arctan2(1.0, np.sign(slope)[None] * 0.6 + sway)
    hairs = brush.bristles(rng, np.sin(angle), np.cos(angle), max(side // 40, 2))
    reach = brush.smooth(0.22, 0.0, below) * brush.smooth(0.0, 0.02, below)
    ink += 0.8 * dry * reach * brush.smooth(0.7, 1.7, hairs + 0.8 * cloud)


def _draw(
    rng: np.random.Generator,
    ink: np.ndarray,
    points: list[tuple[float, float]],
    half: list[float],
    density: float,
    dry: float,
) -> None:
    """Draws one stroke through points, its half width given at even distances."""
    side = len(ink)
    path = brush.spline(points, side)
    at = np.linspace(0, 1, len(half))
    widths = np.interp(np.linspace(0, 1, len(path)), at, np.array(half) * side)
    drawn = brush.stroke(rng, path, widths.astype(np.float32), dry, side)
    if drawn is None:
        return
    window, alpha, along = drawn
    wet = density * (1.1 - 0.35 * along) * alpha
    ink[window] = np.maximum(ink[window] * (1 - 0.5 * alpha), 0) + wet


def _bamboo(rng: np.random.Generator, ink: np.ndarray) -> None:
    """Draws three stems of bamboo at the left, joint by joint, and their leaves."""
    for column, lean, half, density in (
        (0.15, 0.05, 0.013, 1.5),
        (0.07, 0.02, 0.016, 2.1),
        (0.235, 0.085, 0.008, 0.8),
    ):
        row, joints = 1.04, []
        while row > -0.06:
            length = rng.uniform(0.13, 0.18)
            there = row - length + 0.012
            at = [column + lean * (1.04 - r) ** 1.6 for r in (row, (row + there) / 2, there)]
            _draw(
                rng,
                ink,
                list(zip((row, (row + there) / 2, there), at, strict=True)),
                [half * 1.12, half * 0.92, half * 0.92, half * 1.15],
                density,
                0.55,
            )
            row -= length
            joints.append((row + 0.004, at[-1]))
        for y, x in joints[1:]:
            for _ in range(rng.integers(2, 5)):
                _leaves(rng, ink, y, x, density)


def _leaves(rng: np.random.Generator, ink: np.ndarray, y: float, x: float, density: float) -> None:
    """Draws a twig from a joint and the leaves that hang from it, each with one stroke."""
    way = rng.choice([-1, 1], p=[0.25, 0.75])
    end = y + rng.uniform(-0.06, 0.03), x + way * rng.uniform(0.05, 0.13)
    _draw(
        rng,
        ink,
        [(y, x), ((y + end[0]) / 2 - 0.01, (x + end[1]) / 2), end],
        [0.0022, 0.001],
        0.8 * density,
        0.2,
    )
    for _ in range(rng.integers(3, 6)):
        t = rng.uniform(0.55, 1.0)
        root = y + t * (end[0] - y), x + t * (end[1] - x)
        angle = rng.normal(0.75, 0.45)
        long, half = rng.uniform(0.06, 0.125), rng.uniform(0.006, 0.0105)
        tip = root[0] + long * np.sin(angle), root[1] + way * long * np.cos(angle)
        belly = (root[0] + tip[0]) / 2 - 0.006, (root[1] + tip[1]) / 2 + 0.004 * way
        _draw(
            rng,
            ink,
            [root, belly, tip],
            [0.001, half, half * 0.75, half * 0.3, 0.0005],
            density * rng.uniform(0.55, 1.15),
            rng.uniform(0.1, 0.6),
        )


def _birds(rng: np.random.Generator, ink: np.ndarray) -> None:
    """Draws a flock of far birds, two strokes each."""
    for _ in range(7):
        y, x = 0.16 + rng.normal(0, 0.035), 0.45 + rng.normal(0, 0.06)
        wing = rng.uniform(0.010, 0.018)
        for way in (-1, 1):
            _draw(
                rng,
                ink,
                [
                    (y, x),
                    (y - 0.45 * wing, x + 0.5 * way * wing),
                    (y - 0.25 * wing, x + way * wing),
                ],
                [0.0016, 0.0022, 0.0006],
                1.3,
                0.0,
            )


def _splash(rng: np.random.Generator, ink: np.ndarray) -> None:
    """Lets some drops of ink fall, most of them small."""
    side = len(ink)
    y, x = brush.axes(side)
    for _ in range(26):
        radius = 0.0012 + 0.006 * rng.random() ** 4
        cy, cx = rng.uniform(0.5, 1), rng.uniform(0.25, 1)
        drop = brush.smooth(radius, radius - 1.5 / side, np.hypot(y - cy, x - cx))
        ink += rng.uniform(0.3, 1.2) * drop


def _seal(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Presses a red seal into the lower right corner, with a sign cut out."""
    side = len(canvas)
    y, x = brush.axes(side)
    dy, dx = y - 0.42, x - 0.93
    worn = 0.0016 * brush.noise(rng, side, 70, 2)
    square = brush.smooth(0, 0.003, 0.026 - np.maximum(np.abs(dy), np.abs(dx)) + worn)
    cuts = np.minimum(np.abs(np.abs(dx) - 0.010), np.abs(np.abs(dy) - 0.012 * (dx > 0)))
    cut = brush.smooth(0.004, 0.002, cuts + worn) * (np.maximum(np.abs(dy), np.abs(dx)) < 0.020)
    brush.over(canvas, 0.9 * square * (1 - cut), SEAL)
