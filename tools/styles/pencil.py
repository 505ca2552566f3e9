"""Pencil: pears, an apple and a jug before a wall, hatched in graphite on rough paper.

Tones come from several layers of hatching, each at its own angle to the form and only where the
form is darker than the layer's threshold, so that shadows are crossed three times and lights stay
paper. Contours are searched for with a few loose lines each.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from tools.styles import brush

PAPER = brush.palette("f4f0e6")[0]
GRAPHITE = brush.palette("26262b")[0]
LIGHT = np.array([-0.62, -0.52, 0.59], np.float32)  # rows down, columns right, towards the viewer
TABLE = 0.66
SUPERSAMPLING = 2

# Threshold of the tone, angle to the form in degrees, strokes per unit of area, length.
LAYERS = (
    (0.12, 8, 2900, 0.110),
    (0.26, -24, 3400, 0.092),
    (0.44, 48, 3900, 0.072),
    (0.60, -58, 4600, 0.060),
    (0.76, 15, 5400, 0.050),
)


class Drawing:
    """The scene to draw.

    Attributes:
        tone: Darkness of each pixel in [0, 1], [side, side].
        flow: Direction of the form in radians from the columns to the rows, [side, side].
        owner: Number of the thing that is seen there, 0 for the wall and the table, [side, side].
        contours: Each thing's number and a line [n, 2] of `(row, column)` fractions.
    """

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        """Begins with a wall that darkens to one side and a table."""
        self.side, self.rng = side, rng
        self.y, self.x = brush.axes(side)
        wall = 0.06 + 0.54 * brush.smooth(0.34, 1.08, self.x + 0.25 * self.y)
        wall = wall + 0.05 * brush.noise(rng, side, 4, 2)
        wall = wall * brush.smooth(-0.05, 0.25, self.y)
        board = 0.09 + 0.22 * brush.smooth(1.05, 0.66, self.y) * brush.smooth(0, 1, self.x)
        self.tone = np.where(self.y < TABLE, wall, board)
        angle = -0.9 + 0.25 * brush.noise(rng, side, 3)
        self.flow = np.where(self.y < TABLE, angle, 0.06 * brush.noise(rng, side, 5))
        edge = np.linspace(-0.02, 1.02, 60)
        self.owner = np.zeros((side, side), np.int32)
        self.contours = [(0, np.stack([TABLE + 0.004 * np.sin(7 * edge), edge], -1))]

    def turned(self, y: float, x: float, profile: np.ndarray, dark: float, lean: float = 0) -> None:
        """Draws a thing turned on a lathe: pear, apple or jug.

        Args:
            y: Row of its foot.
            x: Column of its axis.
            profile: Half width [n] at even heights, from the foot to the top, which is n times
                0.02 above.
            dark: Its own color, 0 for white.
            lean: Columns by which the top leans.
        """
        height = 0.02 * (len(profile) - 1)
        up = (y - self.y) / height
        half = np.interp(up, np.linspace(0, 1, len(profile)), profile, left=0, right=0)
        half = ndimage.gaussian_filter1d(half, self.side * 0.004, axis=0)
        axis = x + lean * np.clip(up, 0, 1) ** 2
        u = (self.x - axis) / np.maximum(half, 1e-4)
        inside = (np.abs(u) < 1) & (up > 0) & (up < 1) & (half > 0.002) & (self.y < y)
        swell = -np.gradient(half[:, 0]) * self.side
        n_x = np.clip(u, -1, 1)
        n_z = np.sqrt(np.clip(1 - n_x**2, 0, 1))
        n_y = np.broadcast_to(np.tanh(1.5 * swell)[:, None], n_x.shape)
        norm = np.sqrt(n_x**2 + n_y**2 + n_z**2)
        lit = (LIGHT[0] * n_y + LIGHT[1] * n_x + LIGHT[2] * n_z) / norm
        tone = 0.92 - 0.88 * brush.smooth(-0.35, 0.85, lit) + dark
        tone -= 0.20 * brush.smooth(0.72, 1.0, n_x) * (lit < 0.2)  # light from the table
        gleam = np.hypot(u + 0.42, (up - 0.72) * 3.2)
        tone = np.where(gleam < 0.28, 0.02, tone)
        self._shadow(y, x, float(profile.max()))
        self.tone = np.where(inside, tone, self.tone)
        number = int(self.owner.max()) + 1
        self.owner[inside] = number
        # The hand follows the round of the form, across it.
        self.flow = np.where(inside, 0.75 * n_x + 0.25 * n_y, self.flow)
        rows = np.linspace(0, 1, 80)
        widths = np.interp(rows, np.linspace(0, 1, len(profile)), profile)
        widths = ndimage.gaussian_filter1d(widths, 1.5)
        for way in (-1, 1):
            line = np.stack([y - rows * height, x + lean * rows**2 + way * widths], -1)
            self.contours.append((number, line))

    def _shadow(self, y: float, x: float, half: float) -> None:
        """Casts the shadow of a thing over the table, to the right."""
        along = (self.x - x + 0.01) / (3.6 * half)
        across = (self.y - y - 0.02 * along + 0.006) / (0.34 * half)
        far = np.hypot(np.where(along > 0, along, along * 4), across)
        fade = brush.smooth(1.0, 0.55, far) * (self.y > TABLE)
        deep = 0.95 - 0.45 * np.clip(along, 0, 1)
        self.tone = np.maximum(self.tone, fade * deep)


def paint(size: int, seed: int = 6) -> np.ndarray:
    """Paints the picture.

    Args:
      size: Pixels along each edge.
      seed: Seed of the composition.

    Returns:
      uint8 RGB [size, size, 3].
    """
    rng = np.random.default_rng(seed)
    drawing = _arrange(size, rng)
    graphite = np.zeros((size, size), np.float32)
    tooth = brush.noise(rng, size, size // 3, 1) + 0.5 * brush.noise(rng, size, size // 8)
    tooth = np.clip(0.85 + 0.22 * tooth, 0.1, 1.3)
    for layer in LAYERS:
        graphite += 0.85 * _hatch(drawing, *layer) * tooth
    graphite += 1.3 * _outline(drawing) * tooth
    smudge = 0.16 * ndimage.gaussian_filter(np.clip(drawing.tone, 0, 1), size / 90)
    graphite = np.clip(1 - np.exp(-graphite - smudge), 0, 1)
    canvas = np.tile(PAPER, (size, size, 1)) * (1 + 0.012 * tooth[..., None] - 0.01)
    brush.over(canvas, 0.95 * graphite, GRAPHITE)
    return brush.finish(canvas, 1)


def _arrange(side: int, rng: np.random.Generator) -> Drawing:
    """Sets the things on the table, those behind first."""
    drawing = Drawing(side, rng)
    jug = np.array(
        [
            0.085,
            0.098,
            0.118,
            0.138,
            0.152,
            0.160,
            0.163,
            0.160,
            0.152,
            0.138,
            0.120,
            0.102,
            0.088,
            0.079,
            0.075,
            0.074,
            0.075,
            0.078,
            0.082,
            0.087,
            0.094,
            0.102,
        ]
    )
    pear = np.array(
        [
            0.035,
            0.082,
            0.106,
            0.117,
            0.120,
            0.117,
            0.107,
            0.092,
            0.075,
            0.060,
            0.050,
            0.043,
            0.037,
            0.027,
            0.008,
        ]
    )
    apple = np.array([0.045, 0.082, 0.102, 0.112, 0.116, 0.114, 0.106, 0.090, 0.060, 0.02])
    drawing.turned(0.775, 0.34, jug, 0.10)
    drawing.turned(0.80, 0.64, pear, 0.0, 0.035)
    drawing.turned(0.90, 0.50, apple, 0.16)
    drawing.turned(0.93, 0.83, pear * 0.96, 0.05, -0.05)
    drawing.turned(0.955, 0.17, apple * 0.92, -0.04)
    t = np.linspace(0, 1, 40)
    stems = (
        ((0.53, 0.675), (0.475, 0.70)),
        ((0.655, 0.78), (0.60, 0.755)),
        ((0.735, 0.50), (0.69, 0.515)),
        ((0.80, 0.17), (0.755, 0.155)),
    )
    for (y0, x0), (y1, x1) in stems:
        for shift in (0, 0.004, 0.008):
            bow = 0.012 * np.sin(np.pi * t)
            line = np.stack([y0 + (y1 - y0) * t, x0 + (x1 - x0) * t + bow + shift], -1)
            drawing.contours.append((int(drawing.owner.max()), line))  # nothing hides them
    return drawing


def _lines(side: int, strokes: list[tuple[np.ndarray, float, float]]) -> np.ndarray:
    """Draws lines (points, darkness, width in thousandths) and returns them, [side, side]."""
    big = side * SUPERSAMPLING
    image = Image.new("L", (big, big), 0)
    pen = ImageDraw.Draw(image)
    for points, dark, width in strokes:
        xy = [(float(p[1] * big), float(p[0] * big)) for p in points]
        pen.line(xy, fill=int(255 * min(dark, 1)), width=max(round(width * big / 1000), 1))
    small = np.asarray(image, np.float32).reshape(side, SUPERSAMPLING, side, SUPERSAMPLING)
    return small.mean(axis=(1, 3)) / 255


def _hatch(
    drawing: Drawing, threshold: float, degrees: float, count: int, length: float
) -> np.ndarray:
    """Returns one layer of hatching."""
    side, rng = drawing.side, drawing.rng
    patches = 0.30 * brush.noise(rng, side, 9)  # neighboring strokes are made in one go
    strokes = []
    for y, x in rng.permutation(rng.uniform(0, 1, (count, 2))):
        here = int(y * side), int(x * side)
        over = drawing.tone[here] - threshold + rng.normal(0, 0.03)
        if over <= 0:
            continue
        angle = drawing.flow[here] + np.radians(degrees) + patches[here] * 0.5 + rng.normal(0, 0.05)
        half = 0.5 * length * rng.uniform(0.7, 1.3)
        t = np.linspace(-1, 1, 7)
        bend = rng.normal(0, 0.05) * half * (1 - t**2)
        points = np.stack(
            [
                y + half * t * np.sin(angle) + bend * np.cos(angle),
                x + half * t * np.cos(angle) - bend * np.sin(angle),
            ],
            -1,
        )
        # Cut the stroke where it would leave the dark.
        at = np.clip((points * side).astype(int), 0, side - 1)
        points = points[drawing.tone[at[:, 0], at[:, 1]] > threshold - 0.06]
        if len(points) > 1:
            dark = (0.42 + 1.1 * min(over, 0.5)) * rng.uniform(0.6, 1.15)
            strokes.append((points, dark, rng.uniform(2.6, 5.4)))
    return _lines(side, strokes)


def _outline(drawing: Drawing) -> np.ndarray:
    """Returns the contours, each searched for with loose lines that start and end anywhere."""
    rng = drawing.rng
    strokes = []
    for number, line in drawing.contours:
        for _ in range(4):
            first = rng.integers(0, max(len(line) // 3, 1))
            last = rng.integers(2 * len(line) // 3, len(line))
            at = np.arange(first, last)
            sway = 0.0028 * np.sin(at[:, None] * rng.uniform(0.05, 0.2) + rng.uniform(0, 6, 2))
            points = line[first:last] + sway + rng.normal(0, 0.0012, 2)
            dark, width = rng.uniform(0.6, 1.2), rng.uniform(2.0, 4.5)
            here = np.clip((points * drawing.side).astype(int), 0, drawing.side - 1)
            hidden = drawing.owner[here[:, 0], here[:, 1]] > number
            for part in np.split(points, np.flatnonzero(np.diff(hidden)) + 1)[int(hidden[0]) :: 2]:
                if len(part) > 1:
                    strokes.append((part, dark, width))
    return _lines(drawing.side, strokes)
