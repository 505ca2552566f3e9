"""Stained glass: a rising sun, hills, a river and irises in leaded panes, lit from behind.

The cartoon divides the window into forms; the panes of each form are cells around scattered points,
large in the sky, small in the flowers. Each pane is one sheet of glass with its own streaks,
ripples and glow; lead lines join the panes, and the heavier lines are those between forms.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, spatial

from tools.styles import brush

LEAD = brush.palette("0d0f12")[0]
GLASS = {
    "sky": brush.palette("0e4f9e 1565b8 2a83cf 4ba3dc 7fc4e6"),
    "dusk": brush.palette("5a3a9a 7a4bb0 a964bd d982b4"),
    "sun": brush.palette("ffd84a ffc02a fff0a0"),
    "ray": brush.palette("ffb031 f98b1d ffd063 f5701c"),
    "far": brush.palette("2f5f9a 3f76a8 53529c"),
    "hill": brush.palette("0c7a55 149a5c 3bb45e 0a5f50"),
    "meadow": brush.palette("5fae2e 8cc63a b9d94a 3d8f34"),
    "river": brush.palette("0a8fa8 18b0bd 5fd4d2 0b6f96"),
    "petal": brush.palette("8a1fb0 b03ac8 5a1a9a d070dc"),
    "heart": brush.palette("ffcf30 ffe680"),
    "leaf": brush.palette("0d6b3c 2a9048 7dbb3e"),
    "rose": brush.palette("c01a34 e33a45 8f0f2c"),
}
SUPERSAMPLING = 2
SUN = 0.30, 0.40, 0.115  # row, column, radius


class Cartoon:
    """The drawing of the window: to which form each pixel belongs.

    Attributes:
        form: Number of the form, [side, side].
        glass: Key of GLASS of each form.
        gaps: Distance between the middles of panes in each form, as a fraction of the side.
    """

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        """Begins with an empty window."""
        self.side, self.rng = side, rng
        self.y, self.x = brush.axes(side)
        self.form = np.zeros((side, side), np.int32)
        self.glass: list[str] = []
        self.gaps: list[float] = []

    def add(self, inside: np.ndarray, glass: str, gap: float) -> None:
        """Draws a form over those drawn before."""
        self.form[np.broadcast_to(inside, self.form.shape)] = len(self.glass)
        self.glass.append(glass)
        self.gaps.append(gap)


def paint(size: int, seed: int = 2) -> np.ndarray:
    """Paints the picture.

    Args:
      size: Pixels along each edge.
      seed: Seed of the composition.

    Returns:
      uint8 RGB [size, size, 3].
    """
    rng = np.random.default_rng(seed)
    cartoon = Cartoon(size * SUPERSAMPLING, rng)
    _landscape(cartoon)
    _flowers(cartoon)
    panes, forms = _cut(cartoon)
    canvas = _light(cartoon, panes, forms)
    _lead(cartoon, canvas, panes)
    return brush.finish(canvas, SUPERSAMPLING)


def _landscape(cartoon: Cartoon) -> None:
    """Draws sky, sun, rays, hills and river."""
    side, rng, y, x = cartoon.side, cartoon.rng, cartoon.y, cartoon.x
    cartoon.add(np.full((side, side), True), "sky", 0.26)
    dusk = y > 0.44 + 0.03 * brush.noise(rng, side, 3)
    cartoon.add(dusk, "dusk", 0.17)
    row, column, radius = SUN
    far = np.hypot(y - row, x - column)
    angle = np.arctan2(y - row, x - column)
    turn = (angle / (2 * np.pi) + 0.5) * 13
    for number in range(13):
        reach = rng.uniform(0.22, 0.34)
        ray = (turn.astype(int) == number) & (far < reach)
        cartoon.add(ray & (far > radius), "ray" if number % 2 else "sun", 0.30)
    cartoon.add(far < radius, "sun", 0.40)
    for base, height, hills, glass, gap in (
        (0.53, 0.040, 2, "far", 0.20),
        (0.62, 0.030, 2, "hill", 0.18),
        (0.72, 0.022, 2, "meadow", 0.15),
    ):
        cartoon.add(y > brush.ridge(rng, side, base, height, hills, 1), glass, gap)
    bend = 0.60 + 0.16 * np.sin(9.5 * (y - 0.62)) * brush.smooth(0.60, 0.85, y)
    wide = 0.012 + 0.13 * brush.smooth(0.64, 1.0, y)
    cartoon.add((np.abs(x - bend) < wide) & (y > 0.66), "river", 0.10)


def _flowers(cartoon: Cartoon) -> None:
    """Draws irises with long leaves at both sides of the window."""
    side, rng = cartoon.side, cartoon.rng
    for x, y, foot in (
        (0.84, 0.44, 0.90),
        (0.945, 0.60, 0.99),
        (0.70, 0.68, 0.80),
        (0.13, 0.56, 0.10),
        (0.27, 0.76, 0.22),
        (0.045, 0.78, 0.03),
    ):
        bend = x + (foot - x) * np.clip((cartoon.y - y) / (1.02 - y), 0, 1) ** 1.5
        cartoon.add((np.abs(cartoon.x - bend) < 0.008) & (cartoon.y > y), "leaf", 0.3)
        for way in (-1, 1):
            up = np.clip((cartoon.y - y - 0.10) / (1.02 - y), 0, 1)
            middle = foot + way * 0.085 * (1 - up) ** 1.6
            blade = 0.020 * np.sqrt(np.clip(up * 1.4, 0, 1))
            cartoon.add((np.abs(cartoon.x - middle) < blade) & (up > 0), "leaf", 0.20)
        glass = "petal" if rng.random() < 0.6 else "rose"
        for angle, long, half in (
            (-90, 0.100, 0.036),
            (-140, 0.085, 0.030),
            (-40, 0.085, 0.030),
            (155, 0.095, 0.034),
            (25, 0.095, 0.034),
            (90, 0.085, 0.036),
        ):
            turn = np.radians(angle + rng.normal(0, 6))
            window = brush.patch(
                side,
                y * side + long / 2 * side * np.sin(turn),
                x * side + long / 2 * side * np.cos(turn),
                turn,
                long * side,
            )
            if window is None:
                continue
            where, along, across = window
            u = along / (long * side) + 0.5
            petal = (
                np.abs(across)
                < half
                * side
                * np.sqrt(np.clip(u, 0, 1))
                * np.sqrt(np.clip(1.25 * (1.0 - u), 0, 1))
                * 1.3
            )
            whole = np.zeros((side, side), bool)
            whole[where] = petal & (u > 0) & (u < 1)
            cartoon.add(whole, glass, 0.3)
        cartoon.add(np.hypot(cartoon.y - y - 0.008, cartoon.x - x) < 0.021, "heart", 0.3)


def _cut(cartoon: Cartoon) -> tuple[np.ndarray, np.ndarray]:
    """Cuts each form into panes; returns the number of each pixel's pane and each pane's form."""
    side, rng = cartoon.side, cartoon.rng
    warp = [0.016 * side * brush.noise(rng, side, 6) for _ in range(2)]
    panes = np.zeros((side, side), np.int32)
    forms: list[int] = []
    for form, gap in enumerate(cartoon.gaps):
        here = np.nonzero(cartoon.form == form)
        if not len(here[0]):
            continue
        sites = brush.scatter(rng, gap, 600) * side
        pixels = np.stack([here[0] + warp[0][here], here[1] + warp[1][here]], -1)
        _, nearest = spatial.cKDTree(sites).query(pixels)
        kept, number = np.unique(nearest, return_inverse=True)
        panes[here] = number + len(forms)
        forms += [form] * len(kept)
    return panes, np.array(forms)


def _light(cartoon: Cartoon, panes: np.ndarray, forms: np.ndarray) -> np.ndarray:
    """Returns the panes lit from behind, each of its own sheet of glass."""
    side, rng = cartoon.side, cartoon.rng
    tints = np.zeros((len(forms), 3), np.float32)
    for number, form in enumerate(forms):
        colors = GLASS[cartoon.glass[form]]
        tints[number] = brush.ramp(colors, np.float32(rng.random()))
    canvas = tints[panes]
    # Streaks of the melt, along one of three directions for each sheet.
    which = rng.integers(3, size=len(forms))[panes]
    streaks = np.zeros((side, side), np.float32)
    for number, turn in enumerate(rng.uniform(0, np.pi, 3)):
        sway = turn + 0.5 * brush.noise(rng, side // 4, 5, 2)
        hairs = brush.bristles(rng, np.sin(sway), np.cos(sway), max(side // 40, 2))
        hairs = ndimage.gaussian_filter(hairs, side / 1600)
        big = np.kron(hairs / hairs.std(), np.ones((4, 4), np.float32))
        big = np.pad(big, ((0, side - len(big)), (0, side - len(big))), mode="edge")
        streaks[which == number] = ndimage.gaussian_filter(big, 2)[which == number]
    clouds = brush.noise(rng, side, 9, 3)
    inner = ndimage.distance_transform_edt(~_edges(panes)) / side
    glow = brush.smooth(0.0, 0.045, inner)
    light = 0.70 + 0.36 * glow + 0.085 * clouds + 0.06 * streaks
    canvas *= light[..., None]
    brush.over(
        canvas,
        np.clip(0.30 * (glow - 0.45) + 0.10 * clouds + 0.05 * streaks, 0, 0.5),
        0.25 * canvas + 0.75,
    )
    return canvas


def _edges(numbers: np.ndarray) -> np.ndarray:
    """Returns where a pixel differs from the next one below or to the right."""
    edges = np.zeros(numbers.shape, bool)
    edges[:-1] |= numbers[:-1] != numbers[1:]
    edges[:, :-1] |= numbers[:, :-1] != numbers[:, 1:]
    return edges


def _lead(cartoon: Cartoon, canvas: np.ndarray, panes: np.ndarray) -> None:
    """Lays the lead between panes, heavier between forms, with a gleam on its upper side."""
    side = cartoon.side
    hand = 1 + 0.16 * brush.noise(cartoon.rng, side, 24)
    for numbers, half in ((panes, 0.0030), (cartoon.form, 0.0050)):
        far = ndimage.distance_transform_edt(~_edges(numbers))
        wide = half * side * hand
        brush.over(canvas, 0.55 * brush.smooth(2.6, 1.0, far / wide), LEAD)
        brush.over(canvas, np.clip(wide - far + 0.5, 0, 1), LEAD)
        relief = ndimage.gaussian_filter(np.clip(1 - far / wide, 0, 1), 0.0008 * side)
        gleam = np.clip(np.gradient(relief, axis=0) + np.gradient(relief, axis=1), 0, None)
        brush.over(
            canvas, np.clip(0.9 * gleam * wide.mean() - 0.1, 0, 0.35), np.ones(3, np.float32)
        )
