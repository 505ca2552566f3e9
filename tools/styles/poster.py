"""Poster: a sail on a mountain lake at sunset, in flat inks with grained shadows.

After the travel posters of the 1930s: few flat colors, large calm shapes, each mountain split into
a lit and a shaded side. Shading is grain, as of an airbrush through a coarse screen, never a blend.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from tools.styles import brush

INKS = {
    "cream": brush.palette("fbe8c4")[0],
    "apricot": brush.palette("f8c07c")[0],
    "coral": brush.palette("ec7850")[0],
    "rust": brush.palette("b8442c")[0],
    "plum": brush.palette("6a2c50")[0],
    "night": brush.palette("1c2447")[0],
    "teal": brush.palette("1f6f78")[0],
    "sea": brush.palette("124a5c")[0],
    "mint": brush.palette("8cc0ac")[0],
    "pine": brush.palette("123434")[0],
}
SUN = 0.335, 0.42, 0.130  # row, column, radius
SHORE = 0.66
SUPERSAMPLING = 2


class Poster:
    """The sheet while it is printed.

    Attributes:
        color: RGB [side, side, 3].
        grain: Threshold of the screen in [0, 1], [side, side].
    """

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        """Lays the sheet and scatters the grain of the screen."""
        self.side, self.rng = side, rng
        self.y, self.x = brush.axes(side)
        self.color = np.tile(INKS["cream"], (side, side, 1))
        raw = ndimage.gaussian_filter(
            rng.standard_normal((side, side)).astype(np.float32), side / 1300
        )
        # Ranks spread the thresholds evenly, so that grain covers as much as the tone says.
        self.grain = (np.argsort(np.argsort(raw.ravel(), kind="stable")) / raw.size).reshape(
            side, side
        )

    def fill(self, inside: np.ndarray, ink: str) -> np.ndarray:
        """Prints a flat shape and returns its opacity.

        Args:
            inside: How far each pixel lies inside, as a fraction of the side.
            ink: Key of INKS.
        """
        mask = np.clip(np.broadcast_to(inside, self.color.shape[:2]) * self.side + 0.5, 0, 1)
        brush.over(self.color, mask, INKS[ink])
        return mask

    def shade(self, mask: np.ndarray, tone: np.ndarray, ink: str) -> None:
        """Prints grain that covers as much of a shape as the tone says, 0 to 1."""
        dots = np.clip((tone - self.grain) * 6 + 0.5, 0, 1) * (tone > 0.01)
        brush.over(self.color, mask * dots, INKS[ink])


def paint(size: int, seed: int = 10) -> np.ndarray:
    """Paints the picture.

    Args:
      size: Pixels along each edge.
      seed: Seed of the composition.

    Returns:
      uint8 RGB [size, size, 3].
    """
    poster = Poster(size * SUPERSAMPLING, np.random.default_rng(seed))
    _sky(poster)
    _mountains(poster)
    _lake(poster)
    _sail(poster)
    _cypresses(poster)
    return brush.finish(poster.color, SUPERSAMPLING)


def _sky(poster: Poster) -> None:
    """Prints bands of dusk that widen around the sun, and two long clouds."""
    row, column, radius = SUN
    poster.fill(np.ones(poster.color.shape[:2]), "plum")
    far = np.hypot(poster.y - row - 0.05, (poster.x - column) * 0.82)
    poster.shade(np.ones(poster.color.shape[:2]), 0.9 * brush.smooth(0.45, 0.85, far), "night")
    for reach, ink, shade in (
        (0.47, "rust", "plum"),
        (0.36, "coral", "rust"),
        (0.245, "apricot", "coral"),
    ):
        wave = 0.012 * np.sin(7 * np.arctan2(poster.y - row, poster.x - column) + 9 * reach)
        mask = poster.fill(reach + wave - far, ink)
        poster.shade(mask, 0.75 * brush.smooth(reach - 0.11, reach + 0.01, far), shade)
    disc = poster.fill(radius - np.hypot(poster.y - row, poster.x - column), "cream")
    poster.shade(disc, 0.6 * brush.smooth(row - 0.02, row + radius, poster.y), "apricot")
    for y, x, long, high in (
        (0.25, 0.70, 0.28, 0.020),
        (0.155, 0.17, 0.22, 0.016),
        (0.40, 0.15, 0.20, 0.013),
    ):
        for part in range(3):
            aside = x + (part - 1) * 0.35 * long
            u = (poster.x - aside) / (long * (0.75 - 0.15 * part))
            body = high * np.sqrt(np.clip(1 - u**2, 0, 1)) - np.abs(
                poster.y - y - 0.6 * high * (part - 1)
            )
            mask = poster.fill(
                np.where(np.abs(u) < 1, body, -1), "apricot" if part == 1 else "coral"
            )
            poster.shade(mask, 0.7 * brush.smooth(-high, high, poster.y - y), "rust")


def _mountains(poster: Poster) -> None:
    """Prints three ranges, each peak split by a crooked crest into light and shade."""
    rng = poster.rng
    ranges = (
        (((0.13, 0.36, 0.30), (0.55, 0.47, 0.26), (0.90, 0.31, 0.34)), "coral", "plum"),
        (
            ((0.30, 0.49, 0.28), (0.72, 0.44, 0.30), (0.99, 0.50, 0.20), (0.02, 0.51, 0.22)),
            "rust",
            "night",
        ),
        (((0.12, 0.585, 0.24), (0.47, 0.60, 0.22), (0.86, 0.575, 0.26)), "teal", "sea"),
    )
    for peaks, lit, shaded in ranges:
        for x, top, wide in peaks:
            down = poster.y - top
            rough = 0.010 * brush.noise(rng, poster.side, 14, 2)
            body = down - np.abs(poster.x - x) / wide * 0.30 + rough
            mask = poster.fill(body, lit)
            poster.shade(mask, 0.65 * brush.smooth(0.02, 0.26, down), shaded)
            crest = (
                x
                + 0.35 * wide * (0.5 - (down * 3.1) % 1) * np.clip(down * 3, 0, 0.35)
                + 0.10 * down
            )
            side = np.minimum(body, (poster.x - crest) * np.sign(x - SUN[1] + 1e-3) + rough)
            mask = poster.fill(side, shaded)
            poster.shade(mask, 0.35 * brush.smooth(0.05, 0.25, down), lit)
        snow = brush.noise(rng, poster.side, 16, 2)
        if lit == "coral":
            for x, top, wide in peaks:
                cap = poster.y - top - np.abs(poster.x - x) / wide * 0.30
                left = (SUN[1] - poster.x + (x - SUN[1])) * np.sign(x - SUN[1] + 1e-3)
                cap = np.minimum(np.minimum(cap, 0.055 + 0.020 * snow - (poster.y - top)), left)
                poster.fill(cap, "cream")


def _lake(poster: Poster) -> None:
    """Prints the lake with the sun's path in broad flakes and a few calm lines."""
    rng = poster.rng
    below = poster.y - SHORE
    mask = poster.fill(below, "teal")
    poster.shade(mask, 0.8 * brush.smooth(0.0, 0.36, below), "sea")
    poster.shade(mask, 0.55 * brush.smooth(0.06, 0.0, below), "mint")
    for _ in range(70):
        depth = rng.random() ** 1.4
        y = SHORE + 0.012 + 0.33 * depth
        path = rng.random() < 0.6
        x = SUN[1] + rng.normal(0, 0.05 + 0.07 * depth) if path else rng.uniform(0, 1)
        long, high = (
            rng.uniform(0.02, 0.06) * (0.6 + 1.5 * depth),
            rng.uniform(0.002, 0.005) * (0.6 + 2 * depth),
        )
        u = (poster.x - x) / long
        flake = high * (1 - u**2) - np.abs(poster.y - y - 0.002 * np.sin(9 * u))
        ink = str(rng.choice(["cream", "apricot", "apricot", "coral"])) if path else "mint"
        if not path and rng.random() < 0.5:
            ink = "sea"
        poster.fill(np.where(np.abs(u) < 1, flake, -1), ink)


def _sail(poster: Poster) -> None:
    """Prints a boat with a main sail and a jib, split into light and shade, and its mirror."""
    x, foot, tall = 0.655, 0.765, 0.29
    up = (foot - poster.y) / tall
    for way, ink, shade in ((1, "cream", "apricot"), (-1, "coral", "rust")):
        bow = 0.10 * np.sin(np.pi * np.clip(up, 0, 1))
        reach = (0.155 if way > 0 else 0.105) * (1 - up + 0.9 * bow) * (1 if way > 0 else 0.9)
        u = (poster.x - x) * way - 0.006
        sail = np.minimum(np.minimum(u, reach - u), np.minimum(up - 0.08, 1 - up) * tall)
        mask = poster.fill(sail, ink)
        poster.shade(mask, 0.8 * brush.smooth(0.2, 1.0, u / np.maximum(reach, 1e-3)), shade)
    hull = np.minimum(
        0.115 - 0.7 * np.clip(-up * tall + 0.02, 0, 1) - np.abs(poster.x - x - 0.01),
        0.018 - np.abs(poster.y - foot - 0.006),
    )
    poster.fill(hull, "night")
    poster.fill(
        np.minimum(0.0026 - np.abs(poster.x - x), np.minimum(up, 1.03 - up) * tall), "night"
    )
    for number in range(7):
        y = foot + 0.035 + 0.026 * number
        long = 0.10 * (1 - number / 9)
        u = (poster.x - x - 0.02 + 0.012 * (-1) ** number) / long
        flake = 0.0062 * (1 - u**2) - np.abs(poster.y - y)
        poster.fill(np.where(np.abs(u) < 1, flake, -1), "cream" if number % 2 else "apricot")


def _cypresses(poster: Poster) -> None:
    """Prints dark cypresses and a terrace in front."""
    rng = poster.rng
    bank = poster.y - 0.945 + 0.09 * brush.smooth(0.42, 0.0, poster.x)
    mask = poster.fill(bank, "night")
    poster.shade(mask, 0.6 * brush.smooth(0.05, 0.0, bank), "plum")
    for x, top, foot, wide in (
        (0.085, 0.30, 0.94, 0.052),
        (0.185, 0.45, 0.93, 0.044),
        (0.945, 0.52, 1.02, 0.050),
    ):
        t = np.clip((poster.y - top) / (foot - top), 0, 1)
        flame = wide * np.sqrt(np.sin(np.pi * np.clip(t, 0, 1) ** 0.75) + 1e-6) * (0.35 + 0.75 * t)
        lick = 0.010 * brush.noise(rng, poster.side, 22, 2)
        inside = np.where((t > 0) & (t < 1), flame - np.abs(poster.x - x) + lick * t, -1)
        mask = poster.fill(inside, "pine")
        poster.shade(mask, 0.75 * brush.smooth(0.2, 1.0, (poster.x - x) / wide), "teal")
        poster.shade(mask, 0.6 * brush.smooth(-0.2, -1.0, (poster.x - x) / wide), "night")
