"""Comic: a rocket over a city at dusk, in flat inks, halftone dots and heavy black outlines.

Flat colors come first. Then dots of a second ink shade them: their places are scattered, not ruled,
so that the halftone has no lattice, and they grow towards the shade. Black comes last: outlines
whose weight swells like that of a brush, and solid blacks.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, spatial

from tools.styles import brush

PAPER = brush.palette("f8f0dc")[0]
BLACK = brush.palette("14121c")[0]
INKS = {
    "sky": brush.palette("38a8dc")[0],
    "deep": brush.palette("1c4c9c")[0],
    "yellow": brush.palette("ffd42c")[0],
    "orange": brush.palette("f88c1c")[0],
    "red": brush.palette("e43430")[0],
    "pink": brush.palette("f890a4")[0],
    "violet": brush.palette("6c4098")[0],
    "mint": brush.palette("8cd4b0")[0],
    "white": brush.palette("fffaf0")[0],
    "gray": brush.palette("9ca4b8")[0],
}
SUPERSAMPLING = 2


class Page:
    """The page while it is printed.

    Attributes:
        color: RGB [side, side, 3].
        hand: Weight of the outlines, 1 on average, [side, side].
    """

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        """Lays the paper and scatters the places of the dots."""
        self.side, self.rng = side, rng
        self.y, self.x = brush.axes(side)
        self.color = np.tile(PAPER, (side, side, 1))
        self.hand = 1 + 0.30 * brush.noise(rng, side, 14)
        self._away = _distances(rng, side)

    def part(self, y: float, x: float, reach: float) -> tuple[slice, slice]:
        """Returns the window of the page within a reach, for small shapes."""
        low = [max(int((at - reach) * self.side), 0) for at in (y, x)]
        high = [max(int((at + reach) * self.side) + 1, 0) for at in (y, x)]
        return slice(low[0], high[0]), slice(low[1], high[1])

    def fill(
        self,
        inside: np.ndarray,
        ink: str,
        weight: float = 0.0042,
        window: tuple[slice, slice] = (slice(None), slice(None)),
    ) -> np.ndarray:
        """Fills a shape with a flat ink and outlines it in black.

        Args:
            inside: How far each pixel lies inside, as a fraction of the side.
            ink: Key of INKS.
            weight: Half the width of the outline; 0 for none.
            window: Rows and columns that `inside` covers.

        Returns:
            Opacity of the shape, of the window's shape.
        """
        color = self.color[window]
        inside = np.broadcast_to(inside, color.shape[:2]) * self.side
        mask = np.clip(inside + 0.5, 0, 1)
        brush.over(color, mask, INKS[ink])
        if weight:
            half = weight * self.side * np.clip(self.hand[window], 0.35, 1.7)
            brush.over(color, np.clip(half - np.abs(inside) + 0.5, 0, 1), BLACK)
        return np.clip(inside - weight * self.side + 0.5, 0, 1)

    def shade(self, where: np.ndarray, tone: np.ndarray, ink: str) -> None:
        """Prints dots whose area grows with the tone, from 0 to 1."""
        reach = np.sqrt(np.clip(tone, 0, 1)) * 1.15
        dots = np.clip((reach - self._away) * self.side * 0.0065 + 0.5, 0, 1) * (tone > 0.02)
        brush.over(self.color, dots * where, INKS[ink])


def _distances(rng: np.random.Generator, side: int) -> np.ndarray:
    """Returns each pixel's distance from the next dot, 1 at about half the gap between two."""
    gap = max(0.0125, 3 / side)
    points = rng.uniform(-0.02, 1.02, (int(1.15 / gap**2), 2))
    for _ in range(3):  # Push the points apart: evenly spaced, in no direction.
        points = _relax(points, gap)
    seeds = np.ones((side, side), bool)
    at = np.clip((points * side).astype(int), 0, side - 1)
    seeds[at[:, 0], at[:, 1]] = False
    return (ndimage.distance_transform_edt(seeds) / (0.5 * gap * side)).astype(np.float32)


def _relax(points: np.ndarray, gap: float) -> np.ndarray:
    """Moves each point away from those nearer than the gap."""
    far, near = spatial.cKDTree(points).query(points, k=5)
    away = points[:, None] - points[near[:, 1:]]
    push = np.clip(gap - far[:, 1:], 0, None) / np.maximum(far[:, 1:], 1e-6)
    return points + 0.35 * (away * push[..., None]).sum(1)


def paint(size: int, seed: int = 5) -> np.ndarray:
    """Paints the picture.

    Args:
      size: Pixels along each edge.
      seed: Seed of the composition.

    Returns:
      uint8 RGB [size, size, 3].
    """
    page = Page(size * SUPERSAMPLING, np.random.default_rng(seed))
    _sky(page)
    _moon(page)
    _clouds(page)
    _city(page)
    _rocket(page)
    return brush.finish(page.color, SUPERSAMPLING)


def _sky(page: Page) -> None:
    """Prints the sky, dots of deep blue above and of pink below."""
    whole = np.full(page.color.shape[:2], 1.0)
    page.fill(whole, "sky", 0)
    page.shade(whole, 0.95 * brush.smooth(0.26, -0.14, page.y + 0.35 * (page.x - 0.5)), "deep")
    page.fill(page.y - 0.56 - 0.02 * np.sin(5 * page.x), "pink", 0)
    page.shade(whole, 0.9 * brush.smooth(0.46, 0.60, page.y), "pink")
    page.shade(whole, 0.8 * brush.smooth(0.62, 0.85, page.y), "orange")


def _moon(page: Page) -> None:
    """Prints a big yellow moon with craters, and rays around it."""
    dy, dx = page.y - 0.27, page.x - 0.73
    far, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
    disc = page.fill(0.185 - far, "yellow")
    page.shade(disc, 0.85 * brush.smooth(-0.02, 0.22, dx + dy), "orange")
    for y, x, radius in (
        (0.20, 0.70, 0.034),
        (0.31, 0.80, 0.046),
        (0.345, 0.665, 0.026),
        (0.235, 0.83, 0.018),
    ):
        hole = radius - np.hypot(page.y - y, page.x - x)
        page.fill(np.minimum(hole, 0.183 - far), "orange", 0.0030)
    for number in range(19):
        turn = number * 2 * np.pi / 19 + page.rng.normal(0, 0.07)
        start, end = 0.205, page.rng.uniform(0.24, 0.33)
        off = np.abs((angle - turn + np.pi) % (2 * np.pi) - np.pi) * far
        t = (far - start) / (end - start)
        ray = 0.0065 * (1 - t) - off
        page.fill(np.where((t > 0) & (t < 1), ray, -1), "white", 0.0016)


def _clouds(page: Page) -> None:
    """Prints three banks of white clouds, dotted with blue below."""
    for row, column, wide, puffs in (
        (0.19, 0.20, 0.17, 6),
        (0.47, 0.86, 0.19, 6),
        (0.53, 0.33, 0.26, 8),
    ):
        inside = np.full(page.color.shape[:2], -1.0, np.float32)
        for number in range(puffs):
            t = (number + 0.5) / puffs * 2 - 1
            radius = wide * (0.36 - 0.20 * abs(t)) * page.rng.uniform(0.85, 1.2)
            y, x = row - 0.35 * radius * page.rng.random(), column + t * wide
            inside = np.maximum(inside, radius - np.hypot(page.y - y, page.x - x))
        inside = np.minimum(inside, row + 0.26 * wide - page.y)
        mask = page.fill(inside, "white", 0.0046)
        page.shade(mask, 0.75 * brush.smooth(-0.02, 0.30 * wide, page.y - row), "sky")


def _city(page: Page) -> None:
    """Prints three rows of buildings with lit windows, the nearest black."""
    rng = page.rng
    for base, low, high, inks, wide in (
        (0.66, 0.05, 0.17, ("violet", "deep"), 0.075),
        (0.78, 0.05, 0.20, ("red", "mint", "gray"), 0.115),
    ):
        left = -0.03
        while left < 1:
            width = wide * rng.uniform(0.7, 1.3)
            top = base - rng.uniform(low, high)
            ink = str(rng.choice(inks))
            wall = np.minimum(np.minimum(page.x - left, left + width - page.x), page.y - top)
            mask = page.fill(wall, ink, 0.0036)
            page.shade(mask, 0.75 * brush.smooth(0.2, 1.1, (page.x - left) / width), "violet")
            side = np.minimum(
                np.minimum(page.x - left - 0.76 * width, left + width - page.x), page.y - top
            )
            brush.over(page.color, np.clip(side * page.side, 0, 1), BLACK)
            across, step = 3, width * 0.70 / 3
            for i in range(across):
                for j in range(int((1 - top) / (1.5 * step))):
                    if rng.random() < 0.85:
                        continue
                    y, x = top + (0.9 + 1.5 * j) * step, left + (0.65 + i) * step
                    window = page.part(y, x, 0.6 * step)
                    dy, dx = np.abs(page.y[window[0]] - y), np.abs(page.x[:, window[1]] - x)
                    lit = np.minimum(0.27 * step - dx, 0.42 * step - dy)
                    ink = str(rng.choice(["yellow", "yellow", "white", "orange"]))
                    page.fill(lit, ink, 0.0014, window)
            left += width
    hill = page.y - brush.ridge(rng, page.side, 0.905, 0.022, 3, 2)
    brush.over(page.color, np.clip(hill * page.side, 0, 1), BLACK)
    # Strokes of light on the black hill, as of a dry brush.
    for _ in range(26):
        x, y, long = rng.uniform(0, 1), rng.uniform(0.92, 1.0), rng.uniform(0.03, 0.09)
        u = (page.x - x) / long
        stroke = 0.0032 * (1 - u**2) - np.abs(page.y - y - 0.25 * (page.x - x) * np.sign(x - 0.5))
        page.fill(np.where((np.abs(u) < 1) & (hill > 0.015), stroke, -1), "violet", 0)


def _rocket(page: Page) -> None:
    """Prints the rocket that rises to the right on a tail of fire and smoke."""
    turn = np.radians(-58)
    dy, dx = page.y - 0.40, page.x - 0.34
    u = np.cos(turn) * dx + np.sin(turn) * dy
    v = np.cos(turn) * dy - np.sin(turn) * dx
    for number in range(9):  # Smoke, the oldest first.
        t = 1 - number / 9
        puff = 0.030 + 0.055 * t
        sway = 0.035 * np.sin(9 * t) + page.rng.normal(0, 0.008)
        ball = puff - np.hypot(u + 0.23 + 0.36 * t, v - sway)
        mask = page.fill(ball, "white", 0.0042)
        page.shade(mask, 0.8 * brush.smooth(-0.3, 1.0, (v - sway) / puff), "gray")
    for long, half, ink in (
        (0.20, 0.052, "red"),
        (0.145, 0.038, "orange"),
        (0.09, 0.022, "yellow"),
    ):
        t = -(u + 0.115) / long
        lick = 0.010 * np.sin(40 * t + 3)
        flame = (
            half * np.sqrt(np.clip(1 - t, 0, 1)) * (0.75 + 0.5 * np.sin(np.pi * np.clip(t, 0, 1)))
        )
        page.fill(np.where((t > 0) & (t < 1), flame - np.abs(v + lick * t), -1), ink, 0.0036)
    for way in (-1, 0, 1):
        fin = np.minimum(
            0.062 - np.abs(u + 0.105) - 0.5 * np.abs(np.abs(v) - 0.05), 0.098 - np.abs(v)
        )
        if way:
            mask = page.fill(np.where(v * way > 0.02, fin, -1), "red")
            page.shade(mask, 0.7 * brush.smooth(0.0, 0.1, v), "violet")
    hull = 0.062 * np.sqrt(np.clip(1 - np.clip((u - 0.01) / 0.165, 0, 1) ** 2, 0, 1)) - np.abs(v)
    hull = np.where((u > -0.125) & (u < 0.175), np.minimum(hull, u + 0.125), -1)
    mask = page.fill(hull, "white", 0.0050)
    page.shade(mask, 0.9 * brush.smooth(0.0, 0.06, v), "gray")
    page.fill(np.where(u > 0.105, np.minimum(hull, u - 0.105), -1), "red", 0.0040)
    page.fill(np.minimum(hull, 0.011 - np.abs(u + 0.085)), "red", 0.0030)
    window = 0.030 - np.hypot(u - 0.045, v)
    page.fill(window, "yellow", 0.0050)
    page.fill(0.019 - np.hypot(u - 0.045, v), "sky", 0.0030)
