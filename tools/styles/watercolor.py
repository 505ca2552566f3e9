"""Watercolor: poppies and cornflowers against a pale hill and sky, wet washes on rough paper.

A wash takes light away from the paper: through pigment of density d, which absorbs a, the share
exp(-d a) of the light returns. Each wash has a wavering edge where pigment gathered while it dried,
granulates in the tooth of the paper, and blooms where a drop of water pushed the pigment aside. Sky
and field are laid wet in wet, without edges.
"""

from __future__ import annotations

import numpy as np

from tools.styles import brush

PAPER = brush.palette("fbf8f0")[0]
# The color of each pigment where its density is 1.
PIGMENTS = {
    "cerulean": brush.palette("7fb8dc")[0],
    "violet": brush.palette("8f7fc0")[0],
    "ultramarine": brush.palette("3f55b8")[0],
    "rose": brush.palette("e0708c")[0],
    "vermilion": brush.palette("ec5030")[0],
    "orange": brush.palette("f6a040")[0],
    "yellow": brush.palette("f8dc6c")[0],
    "sap": brush.palette("86a848")[0],
    "teal": brush.palette("4f9488")[0],
    "olive": brush.palette("7a7c3a")[0],
    "indigo": brush.palette("2c3a58")[0],
}


class Sheet:
    """The sheet while it is painted.

    Attributes:
        dark: Density of each color channel, [side, side, 3].
        tooth: Height of the paper, of mean 0 and deviation 1, [side, side].
    """

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        """Stretches rough paper."""
        self.side, self.rng = side, rng
        self.y, self.x = brush.axes(side)
        self.dark = np.zeros((side, side, 3), np.float32)
        self.tooth = 0.7 * self.noise(side // 3) + 0.4 * self.noise(side // 7, 2)

    def noise(self, cells: int, octaves: int = 1) -> np.ndarray:
        """Returns smooth noise of the sheet's size."""
        return brush.noise(self.rng, self.side, max(min(cells, self.side // 2), 1), octaves)

    def lay(self, pigment: str, density: np.ndarray) -> None:
        """Lays a pigment, granulating in the hollows of the paper."""
        density = np.maximum(density * (1 - 0.07 * self.tooth), 0)
        self.dark -= density[..., None] * np.log(PIGMENTS[pigment])

    def lift(self, alpha: np.ndarray) -> None:
        """Takes pigment off again, as with a thirsty brush."""
        self.dark *= 1 - np.clip(alpha, 0, 1)[..., None]


def paint(size: int, seed: int = 8) -> np.ndarray:
    """Paints the picture.

    Args:
      size: Pixels along each edge.
      seed: Seed of the composition.

    Returns:
      uint8 RGB [size, size, 3].
    """
    rng = np.random.default_rng(seed)
    sheet = Sheet(size, rng)
    _sky(sheet)
    _hills(sheet)
    _field(sheet)
    _flowers(sheet)
    _spatter(sheet)
    canvas = PAPER * np.exp(-sheet.dark) * (1 + 0.010 * sheet.tooth[..., None])
    return brush.finish(canvas.astype(np.float32), 1)


def _sky(sheet: Sheet) -> None:
    """Washes the sky wet in wet around clouds that stay white, and lets two blooms spread."""
    cloud = sheet.noise(3, 4) + 0.35 * sheet.noise(9, 3)
    wet = brush.smooth(-0.2, 1.1, cloud) * brush.smooth(0.56, 0.10, sheet.y)
    sheet.lay("cerulean", 1.0 * wet)
    sheet.lay("ultramarine", 0.28 * wet**2 * brush.smooth(0.4, 0.0, sheet.y))
    warm = brush.smooth(0.12, 0.45, sheet.y) * brush.smooth(0.7, -0.8, cloud)
    sheet.lay("rose", 0.30 * warm)
    sheet.lay("yellow", 0.45 * warm)
    for row, column, radius in ((0.13, 0.80, 0.13), (0.27, 0.13, 0.11), (0.08, 0.38, 0.08)):
        _bloom(sheet, row, column, radius)


def _bloom(sheet: Sheet, row: float, column: float, radius: float) -> None:
    """Drops water into a wash: it thins the middle and leaves a frilled rim of pigment."""
    frill = radius * (0.16 * sheet.noise(16, 2) + 0.06 * sheet.noise(50))
    far = (np.hypot(sheet.y - row, sheet.x - column) + frill) / radius
    sheet.lift(0.55 * brush.smooth(1.0, 0.5, far))
    rim = np.exp(-(((far - 1.0) / 0.05) ** 2)) + 0.5 * brush.smooth(1.5, 1.0, far) * (far > 1)
    sheet.dark *= 1 + 0.45 * rim[..., None]


def _wash(sheet: Sheet, inside: np.ndarray, wander: float, edge: float) -> tuple[np.ndarray, ...]:
    """Returns a wash's opacity, and its density with a dark rim and a pool.

    Args:
        sheet: The sheet.
        inside: How far each pixel lies inside, as a fraction of the side.
        wander: How far the edge strays.
        edge: How strong the dark rim is.
    """
    inside = inside + wander * (sheet.noise(9, 3) + 0.35 * sheet.noise(60, 2))
    mask = brush.smooth(0, 0.003, inside)
    rim = np.exp(-np.maximum(inside, 0) / 0.0035)
    pool = 1 + 0.30 * sheet.noise(7, 3)
    return mask, mask * (np.clip(pool, 0.3, 2) + edge * rim)


def _hills(sheet: Sheet) -> None:
    """Lays three hills, each in one wash that runs from one pigment to another."""
    ranges = (
        (0.42, 0.030, 3, "cerulean", "violet", 0.50),
        (0.495, 0.028, 3, "violet", "rose", 0.60),
        (0.565, 0.018, 4, "violet", "sap", 0.80),
    )
    for base, height, hills, first, second, density in ranges:
        skyline = brush.ridge(sheet.rng, sheet.side, base, height, hills, 4)
        below = sheet.y - skyline
        mask, wash = _wash(sheet, below, 0.0025, 0.55)
        sheet.lift(0.45 * mask)
        fade = np.exp(-np.maximum(below, 0) / 0.10)
        turn = brush.smooth(-0.8, 0.8, sheet.noise(3, 3))
        sheet.lay(first, density * wash * fade * (1 - turn))
        sheet.lay(second, density * wash * fade * turn)


def _field(sheet: Sheet) -> None:
    """Washes the field wet in wet and draws blades of grass into it, some dark, some lifted."""
    down = brush.smooth(0.58, 1.0, sheet.y)
    mask, wash = _wash(sheet, sheet.y - 0.615 - 0.015 * sheet.noise(4), 0.004, 0.3)
    turn = brush.smooth(-0.7, 0.9, sheet.noise(4, 4))
    sheet.lift(0.6 * mask)
    sheet.lay("sap", 0.55 * wash * (1 - turn) * (0.15 + 0.9 * down))
    sheet.lay("yellow", 0.7 * wash * turn * (1 - 0.4 * down))
    sheet.lay("orange", 0.55 * wash * (1 - 0.6 * turn) * (1 - 0.7 * down))
    sheet.lay("teal", 0.55 * wash * down * brush.smooth(0.2, 1.2, sheet.noise(5, 3)))
    # Broad glazes that overlap, each dried before the next.
    for row, column, long, high, pigment in (
        (0.76, 0.18, 0.30, 0.055, "rose"),
        (0.84, 0.62, 0.34, 0.050, "orange"),
        (0.80, 0.95, 0.24, 0.045, "rose"),
        (0.93, 0.30, 0.38, 0.060, "teal"),
        (0.95, 0.82, 0.30, 0.055, "sap"),
        (0.70, 0.58, 0.26, 0.030, "yellow"),
    ):
        far = 1 - np.hypot((sheet.x - column) / long, (sheet.y - row) / high)
        _, wash = _wash(sheet, far * high, 0.010, 0.9)
        sheet.lay(pigment, 0.42 * wash)
    rng = sheet.rng
    for _ in range(34):
        x, foot = rng.uniform(-0.05, 1.05), rng.uniform(0.85, 1.1)
        long, lean = rng.uniform(0.12, 0.30), rng.normal(0, 0.12)
        tip = foot - long, x + lean
        path = brush.spline([(foot, x), (foot - 0.55 * long, x + 0.25 * lean), tip], sheet.side)
        half = np.linspace(1, 0.15, len(path)) * sheet.side * rng.uniform(0.004, 0.010)
        drawn = brush.stroke(rng, path, half.astype(np.float32), 0.15, sheet.side)
        if drawn is None:
            continue
        window, alpha, _ = drawn
        if rng.random() < 0.4:
            sheet.dark[window] *= 1 - 0.55 * alpha[..., None]
        else:
            pigment = rng.choice(["sap", "sap", "olive", "teal"])
            dark = rng.uniform(0.4, 1.1) * alpha
            sheet.dark[window] -= dark[..., None] * np.log(PIGMENTS[pigment])


def _flowers(sheet: Sheet) -> None:
    """Paints poppies, large in front, and small cornflowers between them."""
    rng = sheet.rng
    for row, column, radius in (
        (0.60, 0.63, 0.035),
        (0.635, 0.30, 0.040),
        (0.66, 0.88, 0.045),
        (0.70, 0.12, 0.055),
        (0.73, 0.50, 0.065),
        (0.80, 0.78, 0.095),
        (0.84, 0.27, 0.115),
    ):
        _poppy(sheet, row, column, radius)
    for _ in range(16):
        row = rng.uniform(0.66, 0.98)
        _cornflower(sheet, row, rng.uniform(0, 1), 0.010 + 0.03 * (row - 0.6))


def _poppy(sheet: Sheet, row: float, column: float, radius: float) -> None:
    """Paints a poppy of four petals, wet in wet from orange to red, with a dark heart."""
    rng = sheet.rng
    stem = brush.spline(
        [(row, column), (row + 0.12, column + 0.01), (1.05, column + rng.normal(0, 0.03))],
        sheet.side,
    )
    half = np.full(len(stem), max(0.035 * radius, 0.002) * sheet.side, np.float32)
    drawn = brush.stroke(rng, stem, half, 0.2, sheet.side)
    if drawn is not None:
        sheet.dark[drawn[0]] -= 0.9 * drawn[1][..., None] * np.log(PIGMENTS["olive"])
    dy, dx = (sheet.y - row) / 0.80, sheet.x - column
    angle, far = np.arctan2(dy, dx), np.hypot(dy, dx)
    start = rng.uniform(0, np.pi)
    for number in (0, 2, 1, 3):
        turn = start + number * np.pi / 2 + rng.normal(0, 0.2)
        away = np.abs((angle - turn + np.pi) % (2 * np.pi) - np.pi)
        reach = radius * rng.uniform(0.9, 1.15) * np.cos(np.clip(away / 0.98, 0, 1.57)) ** 0.4
        frill = 1 + 0.05 * np.sin(5 * away + rng.uniform(0, 6)) + 0.07 * sheet.noise(22)
        mask, wash = _wash(sheet, reach * frill - far, 0.03 * radius, 0.9)
        mask = mask * (away < 1.0)
        wash = wash * (away < 1.0)
        sheet.lift(0.80 * mask)
        out = np.clip(far / radius, 0, 1)
        wet = brush.smooth(-1, 1, sheet.noise(8, 2))
        sheet.lay("vermilion", 0.95 * wash * (0.35 + 0.65 * wet))
        sheet.lay("rose", 0.50 * wash * (1 - wet) * out)
        sheet.lay("orange", 0.75 * wash * (1 - out))
        veins = brush.smooth(0.55, 1.0, np.cos(38 * angle + 4 * sheet.noise(14)))
        sheet.lay("rose", 0.22 * mask * veins * out)
    heart = brush.smooth(0.24, 0.10, far / radius + 0.05 * sheet.noise(40))
    sheet.lay("indigo", 1.1 * heart)
    halo = brush.smooth(0.48, 0.3, far / radius) * (sheet.noise(70) + np.cos(30 * angle) > 0.5)
    sheet.lay("violet", 0.6 * halo * (far / radius > 0.26))


def _cornflower(sheet: Sheet, row: float, column: float, radius: float) -> None:
    """Dabs a cornflower with a few strokes from its middle."""
    rng = sheet.rng
    pigment = rng.choice(["ultramarine", "violet", "ultramarine"])
    for turn in rng.uniform(0, 2 * np.pi, 9):
        end = row + radius * np.sin(turn), column + radius * np.cos(turn)
        path = brush.spline([(row, column), end], sheet.side)
        half = np.linspace(0.15, 0.32, len(path)) * radius * sheet.side
        drawn = brush.stroke(rng, path, half.astype(np.float32), 0.1, sheet.side)
        if drawn is not None:
            window, alpha, along = drawn
            dark = (0.4 + 0.4 * along) * alpha * rng.uniform(0.3, 0.7)
            sheet.dark[window] -= dark[..., None] * np.log(PIGMENTS[pigment])


def _spatter(sheet: Sheet) -> None:
    """Taps the brush: drops of color, dense in front."""
    rng = sheet.rng
    side = sheet.side
    for _ in range(60):
        radius = (0.0012 + 0.006 * rng.random() ** 4) * side
        y, x = (1 - rng.random() ** 1.7 * 0.75) * side, rng.uniform(0, side)
        window = brush.patch(side, y, x, 0.0, radius + 2)
        if window is None:
            continue
        where, along, across = window
        drop = np.clip(radius - np.hypot(along, across) + 0.5, 0, 1)
        pigment = rng.choice(["vermilion", "rose", "sap", "teal", "ultramarine"])
        sheet.dark[where] -= rng.uniform(0.2, 0.8) * drop[..., None] * np.log(PIGMENTS[pigment])
