"""Woodcut: a lake below mountains and a red sun, cut into three blocks and printed on cream paper.

The black block carries the drawing: the knife follows each form, down the slopes, along the water,
round the sun, and its cuts are the wider the brighter the form is there. Beneath it lie flat colors
from two other blocks. Cuts swell, end and set in anew, so that no two are alike.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from tools.styles import brush

PAPER = brush.palette("f1e4c8")[0]
BLACK = brush.palette("191513")[0]
RED = brush.palette("c8402a")[0]
TEAL = brush.palette("6f9c94")[0]
OCHRE = brush.palette("dba553")[0]
SUPERSAMPLING = 2
SUN = 0.235, 0.655, 0.105  # row, column, radius
SHORE = 0.735  # where the lake begins


class Print:
    """The picture while it is printed.

    Attributes:
        color: RGB [side, side, 3].
        rng: Source of every cut.
    """

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        """Lays the paper."""
        self.side = side
        self.rng = rng
        self.color = np.tile(PAPER, (side, side, 1))
        self.y, self.x = brush.axes(side)
        self._rough = 0.0011 * self.noise(90, 2)
        self._swell = 0.35 * self.noise(34, 2)

    def mask(self, inside: np.ndarray) -> np.ndarray:
        """Turns distances, as fractions of the side, into opacities with a cut edge."""
        return np.clip((inside + self._rough) * self.side + 0.5, 0, 1)

    def flat(self, inside: np.ndarray, color: np.ndarray) -> None:
        """Prints a flat color, with specks where the block did not touch the paper."""
        specks = brush.smooth(2.3, 2.9, self.noise(self.side // 6))
        brush.over(self.color, self.mask(inside) * (1 - 0.8 * specks), color)

    def noise(self, cells: int, octaves: int = 1) -> np.ndarray:
        """Returns smooth noise of the picture's size."""
        return brush.noise(self.rng, self.side, min(cells, self.side // 2), octaves)

    def cuts(self, phase: np.ndarray, tone: np.ndarray) -> np.ndarray:
        """Returns where the knife removed the block: lines at each integer of the phase.

        Args:
            phase: Grows by one from line to line.
            tone: How much of the block is cut away, 0 to 1; the lines end below 0.1.
        """
        line = np.floor(phase).astype(np.int64)
        swell = self.rng.normal(1, 0.25, 4096)[line % 4096]
        shift = self.rng.uniform(-0.14, 0.14, 4096)[line % 4096]
        off = np.abs(phase - line - 0.5 - shift)
        swell = swell + np.roll(self._swell, self.rng.integers(self.side, size=2), (0, 1))
        wide = np.clip(tone * swell, 0, tone + 0.25)
        slope = np.hypot(*np.gradient(phase))
        slope = np.minimum(slope, 4 * np.median(slope[::8, ::8]) + 1e-6)
        shown = np.clip((0.5 * np.clip(wide, 0, 1) - off) / (slope + 1e-6) + 0.5, 0, 1)
        return shown * (wide > 0.1)


def paint(size: int, seed: int = 4) -> np.ndarray:
    """Paints the picture.

    Args:
      size: Pixels along each edge.
      seed: Seed of the composition.

    Returns:
      uint8 RGB [size, size, 3].
    """
    sheet = Print(size * SUPERSAMPLING, np.random.default_rng(seed))
    _sky(sheet)
    _mountains(sheet)
    _lake(sheet)
    _trees(sheet)
    return brush.finish(sheet.color, SUPERSAMPLING)


def _sky(sheet: Print) -> None:
    """Prints an ochre sky that pales upwards, the sun, and rays that end in calm paper."""
    row, column, radius = SUN
    dy, dx = sheet.y - row, sheet.x - column
    far = np.hypot(dy, dx)
    glow = 0.40 + 0.05 * sheet.noise(3, 2) - far
    sheet.flat(glow, 0.55 * OCHRE + 0.45 * PAPER)
    sheet.flat(radius - far, RED)
    # Rays: lines of black that taper off, in groups of different length.
    bend = 0.05 * sheet.noise(4)
    phase = (np.arctan2(dy, dx) + bend) * 13
    group = 0.07 * sheet.noise(7)
    tone = 0.62 * brush.smooth(0.34, 0.13, far + group)
    tone *= far > radius + 0.014
    brush.over(sheet.color, sheet.cuts(phase, tone), BLACK)
    ring = sheet.mask(radius + 0.005 - far) - sheet.mask(radius - 0.002 - far)
    brush.over(sheet.color, np.clip(ring, 0, 1), BLACK)
    # Two long clouds, blank paper outlined below.
    for y, x, long, high in ((0.125, 0.25, 0.21, 0.030), (0.335, 0.90, 0.19, 0.024)):
        puffs = 0.006 * sheet.noise(16, 2)
        cloud = 1 - np.hypot((sheet.x - x) / long, (sheet.y - y + puffs) / high)
        inside = cloud * high
        brush.over(sheet.color, sheet.mask(inside), PAPER)
        edge = sheet.mask(inside) * sheet.mask(0.006 * (1 + (sheet.y - y) / high) - inside)
        brush.over(sheet.color, edge, BLACK)
        phase = (sheet.y + puffs) / 0.0105
        inner = 0.5 * brush.smooth(0.0, 0.9, (sheet.y - y) / high) * (inside > 0.004)
        brush.over(sheet.color, sheet.cuts(phase, inner), BLACK)


def _mountains(sheet: Print) -> None:
    """Cuts three ranges out of black, lit from the side of the sun."""
    ranges = (
        (0.44, 0.075, 3, TEAL, 0.021),
        (0.575, 0.055, 3, None, 0.017),
        (0.685, 0.028, 4, TEAL, 0.014),
    )
    for base, height, hills, color, spacing in ranges:
        skyline = brush.ridge(sheet.rng, sheet.side, base, height, hills, 4)
        below = sheet.y - skyline
        sheet.flat(below, BLACK)
        ground = PAPER if color is None else color
        slope = ndimage.gaussian_filter1d(np.gradient(skyline[0]) * sheet.side, sheet.side / 45)
        lit = np.sign(sheet.x - SUN[1]) * slope[None]
        # Cuts run down the slopes and lean with them, and fan out below the peaks.
        lean = 0.55 * np.tanh(slope)[None] * np.minimum(below, 0.15)
        phase = (sheet.x + lean + 0.015 * sheet.noise(6, 2)) / spacing
        tone = 0.46 - 0.35 * np.tanh(1.6 * lit) + 0.16 * sheet.noise(5, 2)
        tone = tone * brush.smooth(0.004, 0.03, below) + 0.5 * brush.smooth(0.09, 0.2, below)
        brush.over(sheet.color, sheet.cuts(phase, np.clip(tone, 0, 0.9)) * (below > 0.006), ground)


def _lake(sheet: Print) -> None:
    """Cuts waves into the lake, wide where it mirrors the sky, and the red path of the sun."""
    below = sheet.y - SHORE - 0.004 * sheet.noise(8, 2)
    sheet.flat(below, BLACK)
    depth = np.clip((sheet.y - SHORE) / (1 - SHORE), 0, 1)
    waves = 0.012 * sheet.noise(5, 3) * (0.3 + depth)
    phase = 26 * (depth + 0.02) ** 0.62 + waves * 60
    path = brush.smooth(0.17, 0.03, np.abs(sheet.x - SUN[1] + 0.5 * waves) - 0.03 * depth)
    tone = 0.32 + 0.5 * path + 0.14 * sheet.noise(6, 2) - 0.1 * depth
    cut = sheet.cuts(phase, np.clip(tone, 0, 0.88)) * (below > 0.004)
    brush.over(sheet.color, cut, 0.5 * TEAL + 0.5 * PAPER)
    patchy = 0.14 * sheet.noise(7, 2)
    brush.over(sheet.color, cut * brush.smooth(0.35, 0.6, path + patchy), RED * 0.6 + OCHRE * 0.4)


def _trees(sheet: Print) -> None:
    """Sets black pines on a bank in the foreground, their boughs nicked by the knife."""
    bank = sheet.y - 0.965 + 0.10 * brush.smooth(0.55, 0.0, sheet.x) + 0.005 * sheet.noise(12, 3)
    sheet.flat(bank, BLACK)
    phase = (sheet.x + 0.3 * sheet.y + 0.01 * sheet.noise(9)) / 0.011
    grass = 0.42 * brush.smooth(0.05, 0.01, bank) * (bank > 0.004)
    brush.over(sheet.color, sheet.cuts(phase, grass), OCHRE)
    for x, top, foot, wide in (
        (0.135, 0.16, 0.93, 0.105),
        (0.285, 0.36, 0.93, 0.080),
        (0.020, 0.42, 0.92, 0.075),
        (0.93, 0.58, 1.0, 0.075),
    ):
        down = (sheet.y - top) / (foot - top)
        tiers = 9 * down + 0.12 * sheet.noise(24)
        tooth = tiers - np.floor(tiers)
        aside = np.abs(sheet.x - x - 0.003 * sheet.noise(10))
        reach = wide * np.clip(down, 0, 1) ** 0.85 * (0.50 + 0.50 * tooth**1.3)
        ragged = 0.005 * sheet.noise(80, 2)
        crown = np.where((down > 0) & (down < 0.93), reach - aside + ragged, -1)
        sheet.flat(crown, BLACK)
        sheet.flat(np.where((down > 0.8) & (down < 1.05), 0.008 - aside, -1), BLACK)
        right = sheet.x > x
        bough = (tiers + aside / wide * 0.8) * 3
        light = np.where(right, 0.42, 0.20) * brush.smooth(0.2, 0.9, tooth)
        light *= brush.smooth(0.004, 0.02, crown) * brush.smooth(0.004, 0.012, aside)
        brush.over(sheet.color, sheet.cuts(bough, light), TEAL * 0.6 + PAPER * 0.4)
