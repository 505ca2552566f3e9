"""Points: a bay on a summer afternoon, in dots of pure color that mix in the eye.

Every dot takes the local color of light or of shade and strays from it: to a neighbor on the color
wheel, and now and then to its complement, after Seurat and Signac. Broad dabs lie beneath, dots on
top; all follow the form: along the water, up the grass, around the trees.
"""

from __future__ import annotations

import numpy as np

from tools.styles import brush

# Each from shade to light, then its complement.
PAINTS = {
    "sky": brush.palette("6f9fd8 93bfe8 b9dcf0 f2dcb8"),
    "glow": brush.palette("f0c890 f8dcae fdecca 9db8e8"),
    "cloud": brush.palette("d4c4dc f0e4e4 fff8ec f5c8a0"),
    "sea": brush.palette("1f5fa8 2f86c0 5cb4d0 f09a5c"),
    "path": brush.palette("e8b060 f8d488 fff0c0 5c9cd0"),
    "cliff": brush.palette("8468a8 b890b8 ecc8a8 e8a060"),
    "grass": brush.palette("3f8a3c 7ab43c bcd850 e07848"),
    "sand": brush.palette("d8a878 f0cc9c fbe4c0 8ca4d4"),
    "shade": brush.palette("1c3f6c 2a6658 4a8a48 a83c6c"),
    "crown": brush.palette("1d4a5c 2f7a4a 7cac3c d85c3c"),
    "trunk": brush.palette("3c2850 6c3c50 a8643c 3c78a0"),
    "sail": brush.palette("e8c8b8 f8ecd8 fffcf0 a8b8e0"),
    "hull": brush.palette("5c2438 8c3038 c85838 2c6c70"),
    "dress": brush.palette("a02848 d04858 f08c78 3c8c70"),
    "parasol": brush.palette("d86038 f08c40 fcc868 5078c0"),
}
GROUND = brush.palette("efe3cc")[0]
HORIZON = 0.43
SUPERSAMPLING = 2


class Scene:
    """The scene to paint.

    Attributes:
        paint: Index into PAINTS, [side, side].
        light: From 0 in shade to 1 in light, [side, side].
        flow: Direction of the dabs in radians from the columns to the rows, [side, side].
    """

    def __init__(self, side: int) -> None:
        """Begins with nothing but sky."""
        self.paint = np.zeros((side, side), np.int32)
        self.light = np.zeros((side, side), np.float32)
        self.flow = np.zeros((side, side), np.float32)

    def put(
        self, inside: np.ndarray, paint: str, light: np.ndarray | float, flow: np.ndarray | float
    ) -> None:
        """Puts a thing in front of those already there."""
        shape = self.paint.shape
        inside = np.broadcast_to(inside, shape)
        self.paint[inside] = list(PAINTS).index(paint)
        self.light[inside] = np.broadcast_to(light, shape)[inside]
        self.flow[inside] = np.broadcast_to(flow, shape)[inside]


def paint(size: int, seed: int = 9) -> np.ndarray:
    """Paints the picture.

    Args:
      size: Pixels along each edge.
      seed: Seed of the composition.

    Returns:
      uint8 RGB [size, size, 3].
    """
    rng = np.random.default_rng(seed)
    scene = _compose(rng, 512)
    side = size * SUPERSAMPLING
    canvas = np.tile(GROUND, (side, side, 1))
    # Gap between the dots, radius, how long they are, how far colors stray.
    for gap, radius, long, stray in (
        (0.0105, 0.0135, 2.2, 0.10),
        (0.0072, 0.0064, 1.5, 0.22),
        (0.0080, 0.0048, 1.15, 0.34),
    ):
        _dab(rng, canvas, scene, gap, radius, long, stray)
    return brush.finish(canvas, SUPERSAMPLING)


def _compose(rng: np.random.Generator, side: int) -> Scene:
    """Composes the bay: sky, sea, cliffs, sails, a meadow with a tree and two walkers."""
    scene = Scene(side)
    y, x = brush.axes(side)
    soft = 0.5 + 0.16 * brush.noise(rng, side, 4, 2)
    scene.put(
        np.full((side, side), True),
        "sky",
        1.1 * y / HORIZON - 0.1 + 0.3 * (soft - 0.5),
        0.25 * brush.noise(rng, side, 3),
    )
    scene.put(y > 0.30 + 0.02 * brush.noise(rng, side, 5), "glow", soft + 2.0 * (y - 0.34), 0.0)
    for row, column, long, high in (
        (0.13, 0.28, 0.24, 0.035),
        (0.22, 0.62, 0.20, 0.026),
        (0.07, 0.75, 0.15, 0.020),
    ):
        puff = 0.012 * brush.noise(rng, side, 18, 2)
        up = (y - row + puff) / high
        scene.put(np.hypot((x - column) / long, up) < 1, "cloud", 0.55 - 0.5 * up, 0.0)
    scene.put(y > HORIZON, "sea", 0.62 - 0.9 * (y - HORIZON) + 0.5 * (soft - 0.5), 0.0)
    glitter = np.abs(x - 0.46) < 0.035 + 0.10 * (y - HORIZON) + 0.02 * brush.noise(rng, side, 14, 2)
    scene.put(glitter & (y > HORIZON), "path", soft, 0.0)
    cliff = (
        HORIZON + 0.03 - 0.17 * brush.smooth(0.66, 0.98, x) - 0.012 * brush.noise(rng, side, 12, 2)
    )
    scene.put(
        (y > cliff) & (y < HORIZON + 0.06 * brush.smooth(0.60, 1, x)) & (x > 0.62),
        "cliff",
        0.75 + 1.2 * (cliff - y) / 0.2 + 0.3 * (soft - 0.5),
        1.3,
    )
    for row, column, tall in ((0.50, 0.30, 0.17), (0.465, 0.56, 0.085), (0.455, 0.13, 0.06)):
        up = (row - y) / tall
        belly = 0.30 * tall * (1 - up) * (1 + 0.5 * np.sin(3 * up))
        scene.put(
            (up > 0.08) & (up < 1) & (x > column) & (x < column + belly * 1.5),
            "sail",
            0.75 - 0.5 * (x - column) / tall,
            -1.2,
        )
        scene.put(
            (up > 0.14) & (up < 0.86) & (x < column - 0.006) & (x > column - belly),
            "sail",
            0.55,
            -1.9,
        )
        hull = (np.abs(up) < 0.07) & (np.abs(x - column) < 0.34 * tall * (1 - 1.8 * np.abs(up)))
        scene.put(hull, "hull", 0.6 + 3 * up, 0.0)
    bank = 0.70 - 0.10 * brush.smooth(0.75, 0.0, x) + 0.012 * brush.noise(rng, side, 6)
    scene.put(
        y > bank, "grass", 0.62 + 0.35 * (soft - 0.5) * 2, -0.35 + 0.3 * brush.noise(rng, side, 6)
    )
    beach = y - bank - 0.10 + 0.16 * brush.smooth(0.45, 1.0, x) + 0.012 * brush.noise(rng, side, 8)
    scene.put(np.abs(beach - 0.07) < 0.075, "sand", 0.65 + 0.5 * (soft - 0.5), -0.15)
    shade = 0.05 * brush.noise(rng, side, 7, 2) + (y - 0.95) + 0.10 * (x - 0.2)
    scene.put((shade > 0) & (y > bank), "shade", 0.35 + 0.3 * (soft - 0.5), -0.2)
    _tree(rng, scene, y, x)
    _walkers(scene, y, x)
    scene.light = np.clip(scene.light + 0.05 * brush.noise(rng, side, 40), 0, 1)
    return scene


def _tree(rng: np.random.Generator, scene: Scene, y: np.ndarray, x: np.ndarray) -> None:
    """Plants a tree at the right, its crown in round masses lit from the left."""
    side = scene.paint.shape[0]
    trunk = 0.83 + 0.03 * np.sin(5 * y) + 0.004 * brush.noise(rng, side, 14)
    scene.put(
        (np.abs(x - trunk) < 0.018 + 0.02 * brush.smooth(0.7, 0.8, y)) & (y > 0.2) & (y < 0.80),
        "trunk",
        0.6 - 12 * (x - trunk),
        1.5,
    )
    for row, column, radius in (
        (0.10, 0.98, 0.15),
        (0.04, 0.82, 0.12),
        (0.15, 0.74, 0.085),
        (0.26, 0.95, 0.11),
        (0.20, 0.87, 0.11),
        (0.31, 0.80, 0.055),
    ):
        ragged = 0.012 * brush.noise(rng, side, 26, 2)
        far = np.hypot(y - row, x - column) + ragged
        lit = 0.45 - 0.5 * ((y - row) + 0.9 * (x - column)) / radius
        scene.put(far < radius, "crown", lit, np.arctan2(x - column, row - y))


def _walkers(scene: Scene, y: np.ndarray, x: np.ndarray) -> None:
    """Lets two walkers stand on the meadow, one under a parasol."""
    for foot, column, tall, dress in ((0.90, 0.30, 0.24, "dress"), (0.87, 0.42, 0.21, "trunk")):
        up = (foot - y) / tall
        gown = 0.022 + 0.05 * brush.smooth(0.62, 0.0, up) ** 1.2
        scene.put(
            (up > 0) & (up < 0.80) & (np.abs(x - column) < gown * tall / 0.24),
            dress,
            0.55 - 9 * (x - column),
            1.5,
        )
        scene.put(np.hypot(y - foot + 0.88 * tall, x - column) < 0.075 * tall, "cliff", 0.9, 0.0)
    dome = np.hypot((x - 0.285) / 0.105, (y - 0.672) / 0.075)
    scene.put(
        (dome < 1) & (y < 0.672), "parasol", 0.6 - 4 * (x - 0.285), np.arctan2(y - 0.672, x - 0.285)
    )


def _dab(
    rng: np.random.Generator,
    canvas: np.ndarray,
    scene: Scene,
    gap: float,
    radius: float,
    long: float,
    stray: float,
) -> None:
    """Covers the canvas with dots in random order."""
    side = len(canvas)
    palettes = np.stack([colors[:3] for colors in PAINTS.values()])
    complements = np.stack([colors[3] for colors in PAINTS.values()])
    count = int(0.85 / max(gap, 4 / side) ** 2)  # on a tiny canvas fewer dots cover it
    cells = len(scene.paint)
    for y, x in rng.uniform(0, 1, (count, 2)):
        here = int(y * cells), int(x * cells)
        number = scene.paint[here]
        tone = np.clip(scene.light[here] + rng.normal(0, 0.5 * stray), 0, 1) * 2
        low = min(int(tone), 1)
        color = palettes[number, low] + (tone - low) * (
            palettes[number, low + 1] - palettes[number, low]
        )
        if rng.random() < 0.42 * stray:
            color = 0.25 * color + 0.75 * complements[number]
        color = np.clip(color + rng.normal(0, 0.13 * stray, 3), 0, 1)
        half = radius * side * rng.uniform(0.75, 1.2)
        angle = scene.flow[here] + rng.normal(0, 0.25)
        window = brush.patch(side, y * side, x * side, angle, half * long**0.5 + 1)
        if window is None:
            continue
        where, along, across = window
        far = np.hypot(along / long**0.5, across * long**0.5)
        relief = 1 + 0.07 * np.clip(-across * long**0.5 / half, -1, 1)
        brush.over(
            canvas[where],
            np.clip(half - far + 0.5, 0, 0.94),
            np.clip(color * relief[..., None], 0, 1),
        )
