"""A cubist still life: a player, a guitar and a bottle seen from all sides at once.

The picture is painted in the order of a painter of 1912: a scaffold of planes over the whole
canvas, the things with their curves, translucent facets that break them up, pasted papers, then
the brush, whose short dabs stay within the planes, and charcoal on top. Every plane has one lit
edge and fades away from it, and the ground beyond that edge is darkened, so that each edge is light
against dark (the *passage* of analytic cubism).

Lengths are fractions of the picture's side, x to the right and y down; colors lie in [0, 1].
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from tools.styles import brush, still_life

Array = np.ndarray

# Each family from cool to warm; neighboring planes take neighboring paints.
LIT = {
    "wood": ("cream", "sand", "ochre", "honey", "ochre", "sienna"),
    "air": ("bluegrey", "mist", "cream", "mist", "bluegrey", "sand", "ochre", "olive"),
    "table": ("mist", "olive", "sand", "cream", "ochre", "sienna"),
    "skin": ("mist", "cream", "sand", "rose", "honey"),
}
SHADED = {
    "wood": ("bistre", "umber", "sienna", "umber"),
    "air": ("ink", "slate", "slate", "moss", "umber"),
    "table": ("ink", "moss", "bistre", "umber", "sienna"),
    "skin": ("slate", "olive", "umber", "sienna"),
}
ACCENTS = ("vermilion", "cobalt", "vermilion", "honey", "cobalt")
# The leanings of the scaffold, in degrees from the horizontal; most planes lean like the guitar.
LEANINGS = (90, 82, 99, 58, 62, 122, 118, 33, 8, 172)


def lit_first(points: Array, rng: np.random.Generator) -> Array:
    """Reorders the corners so that the first edge is, mostly, the one that faces the light."""
    normals = np.array([still_life.normal(np.roll(points, -i, 0)) for i in range(len(points))])
    facing = normals @ [0.45, 0.90] + rng.normal(0, 0.45, len(points))
    return np.roll(points, -int(np.argmax(facing)), 0)


def theme_at(x: float, y: float, rng: np.random.Generator) -> str:
    """Returns the family of paints for a place, with some random variation."""
    x, y = np.array([x, y]) + rng.normal(0, 0.05, 2)
    if np.hypot((x - 0.36) / 0.8, y - 0.25) < 0.17:
        return "skin"
    if np.hypot(x - 0.43, y - 0.64) < 0.23 or abs(x - 0.43 - (0.64 - y) * 0.66) < 0.06:
        return "wood"
    return "table" if y > 0.78 else "air"


def tones(canvas: still_life.Canvas, x: float, y: float, accent: float) -> tuple[Array, Array]:
    """Chooses a lit and a far color for a plane, in contrast to the color already there."""
    rng = canvas.rng
    theme = theme_at(x, y, rng)
    at = canvas.color[min(int(abs(y) * canvas.size), canvas.size - 1),
                       min(int(abs(x) * canvas.size), canvas.size - 1)]  # fmt: skip
    bright = at.mean() < 0.42
    warmth = 0.5 + 0.5 * np.sin(6 * x + 4 * y + 2 * np.sin(7 * y) + 4)
    warmth = np.clip(warmth + rng.normal(0, 0.2), 0, 0.999)
    lit = still_life.PAINTS[LIT[theme][int(warmth * len(LIT[theme]))]]
    shaded = still_life.PAINTS[SHADED[theme][int(warmth * len(SHADED[theme]))]]
    if rng.random() < accent:
        lit = still_life.PAINTS[rng.choice(ACCENTS)]
        shaded = 0.5 * lit
    elif bright or rng.random() < 0.35:
        shaded = 0.35 * lit + 0.65 * shaded
    else:
        lit = 0.35 * lit + 0.65 * shaded
        shaded = 0.6 * shaded
    stray = rng.normal(1, 0.07) * rng.normal(1, 0.02, 3)
    return np.clip(lit * stray, 0, 1), np.clip(shaded * stray, 0, 1)


def scaffold(canvas: still_life.Canvas) -> None:
    """Covers the whole canvas with planes: halves it along leaning lines, again and again."""
    rng = canvas.rng
    pieces = [np.array([[-0.05, -0.05], [1.05, -0.05], [1.05, 1.05], [-0.05, 1.05]])]
    while len(pieces) < 20:
        index = int(np.argmax([np.ptp(p, 0).prod() * rng.uniform(0.6, 1) for p in pieces]))
        points = pieces.pop(index)
        angle = np.radians(rng.choice(LEANINGS) + rng.normal(0, 3))
        normal = np.array([-np.sin(angle), np.cos(angle)])
        middle = rng.dirichlet(np.full(len(points), 4.0)) @ points
        pieces += [_clip(points, middle, normal), _clip(points, middle, -normal)]
    for points in pieces:
        points = lit_first(points, rng)
        x, y = points.mean(0)
        lit, base = tones(canvas, x, y, 0.03)
        still_life.facet(canvas, points, lit, base, density=1, fade=1)
        if rng.random() < 0.5:
            canvas.charcoal.append((points[:2], 2.2, 0.6))


def _clip(points: Array, middle: Array, normal: Array) -> Array:
    """Keeps the part of a convex polygon on the side of a line to which `normal` points."""
    kept = []
    side = (points - middle) @ normal
    for i, here in enumerate(points):
        j = (i + 1) % len(points)
        if side[i] >= 0:
            kept.append(here)
        if side[i] * side[j] < 0:
            kept.append(here + (points[j] - here) * side[i] / (side[i] - side[j]))
    return np.array(kept)


def strewn(side: int, rng: np.random.Generator) -> Array:
    """Returns side**2 points [n, 2] in the unit square in random order, leaving no gaps."""
    lattice = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), -1)
    points = lattice.reshape(-1, 2) + rng.random((side * side, 2))
    return rng.permutation(points / side)


def facets(canvas: still_life.Canvas, count: int, low: float, high: float, density: float) -> None:
    """Scatters translucent planes of sizes between `low` and `high` over the canvas."""
    rng = canvas.rng
    for x, y in strewn(int(np.ceil(np.sqrt(count))), rng):
        size = low * (high / low) ** rng.random()
        lean = rng.choice(LEANINGS) + rng.normal(0, 4)
        points = still_life.quad(x, y, lean, size, size * rng.uniform(0.35, 0.9))
        points = points + rng.normal(0, 0.10 * size, (4, 2))
        if rng.random() < 0.35:
            points = np.delete(points, 2, 0)
        points = lit_first(points, rng)
        cut = None
        if rng.random() < 0.22:  # a curved edge, an echo of the guitar
            radius = size * rng.uniform(0.45, 0.9)
            turn = rng.uniform(0, 2 * np.pi)
            cut = (x + radius * 0.7 * np.cos(turn), y + radius * 0.7 * np.sin(turn), radius)
        lit, base = tones(canvas, x, y, 0.09)
        still_life.facet(canvas, points, lit, base, density=density * rng.uniform(0.75, 1),
                         fade=rng.uniform(0, 0.35), cut=cut)  # fmt: skip
        weight = np.clip(size / 0.08, 0.6, 1.3)  # a larger plane gets a heavier line
        for first, chance in ((0, 0.75), (1, 0.4)):
            if rng.random() < chance:
                edge = points[first : first + 2]
                over = (edge[1] - edge[0]) * rng.uniform(-0.05, 0.22, (2, 1)) * [[-1], [1]]
                stroke = rng.uniform(1.7, 3.3) * weight, rng.uniform(0.6, 1)
                canvas.edges.append((canvas.planes, edge + over, *stroke))


def stamps(length: float, width: float, rng: np.random.Generator) -> Array:
    """Returns prints of a flat brush in [0, 1], [turns, kinds, side, side], turns over 180 degrees.

    Args:
        length: Half the length of a dab in pixels.
        width: Half its width in pixels.
        rng: Source of the bristles.
    """
    reach = int(np.ceil(length * 1.1))
    across = np.arange(-reach, reach + 1, dtype=np.float32)
    turns = np.pi * np.arange(24, dtype=np.float32)[:, None, None, None] / 24
    u = across * np.cos(turns) + across[:, None] * np.sin(turns)
    v = across[:, None] * np.cos(turns) - across * np.sin(turns)
    first, second = rng.uniform(0, 2 * np.pi, (2, 1, 5, 1, 1)).astype(np.float32)
    ragged = u + 0.10 * length * np.sin(v / width * 4 + first)
    comb = 0.84 + 0.16 * np.sin(v / width * 7 + second + 0.5 * np.sin(u / length * 2))
    tip = brush.smooth(1.05, 0.80, np.abs(ragged) / length)
    return tip * brush.smooth(1.0, 0.72, np.abs(v) / width) * comb


def dabs(canvas: still_life.Canvas, dab: float, spacing: float, strength: float) -> None:
    """Covers the canvas with short dabs that stay within their plane.

    Args:
        canvas: The canvas; its color is repainted and its `relief` grows.
        dab: Length of a dab.
        spacing: Distance between dabs.
        strength: How far a dab's color strays from the plane's.
    """
    rng, size = canvas.rng, canvas.size
    prints = stamps(dab * size / 2, dab * size / 4.2, rng)
    turns, kinds, side, _ = prints.shape
    reach = side // 2
    source = canvas.color.copy()
    for row, column in (strewn(int(1 / spacing), rng) * size).astype(int):
        angle = canvas.hatch[row, column] + rng.normal(0, 0.10)
        stamp = prints[int(np.round(angle / np.pi * turns)) % turns, rng.integers(kinds)]
        top, left = row - reach, column - reach
        window = np.s_[max(top, 0) : row + reach + 1, max(left, 0) : column + reach + 1]
        part = stamp[window[0].start - top :, window[1].start - left :]
        part = part[: size - window[0].start, : size - window[1].start]
        mask = part * (canvas.plane[window] == canvas.plane[row, column])
        color = source[row, column] * rng.normal(1, strength) + rng.normal(0, strength / 9, 3)
        brush.over(canvas.color[window], 0.9 * mask, color)
        canvas.relief[window] += mask * (part - canvas.relief[window])
    np.clip(canvas.color, 0, 1, out=canvas.color)


def seen(canvas: still_life.Canvas, plane: int, edge: Array) -> bool:
    """Returns whether a good part of a plane's edge is still visible."""
    along = np.linspace(0.1, 0.9, 12)[:, None]
    spots = edge[0] + along * (edge[1] - edge[0]) + 0.004 * still_life.normal(edge)
    column, row = np.clip(spots.T * canvas.size, 0, canvas.size - 1).astype(int)
    return bool(np.mean(canvas.plane[row, column] == plane) > 0.4)


def draw(canvas: still_life.Canvas) -> None:
    """Draws the charcoal over the paint: uneven pressure, broken by the grain of the canvas."""
    rng, size = canvas.rng, canvas.size
    fine = 2
    sheet = Image.new("L", (size * fine, size * fine))
    pen = ImageDraw.Draw(sheet)
    lines = canvas.charcoal + [edge[1:] for edge in canvas.edges if seen(canvas, *edge[:2])]
    for points, width, strength in sorted(lines, key=lambda line: line[2]):
        wide = width * size * fine / 1000
        path = points * size * fine
        ink = round(255 * strength)
        normal = still_life.normal(path) * wide / 2
        start, stop = path  # a stroke starts heavy and lifts off
        ends = [start - normal, start + normal, stop + 0.3 * normal, stop - 0.3 * normal]
        pen.polygon([tuple(p) for p in ends], fill=ink)
    mark = np.asarray(sheet.resize((size, size), Image.Resampling.BOX), np.float32) / 255
    mark = np.maximum(mark, canvas.curves)
    grain = ndimage.gaussian_filter(rng.normal(size=mark.shape).astype(np.float32), 1.2)
    press = ndimage.gaussian_filter(rng.normal(size=mark.shape).astype(np.float32), size / 40)
    mark *= np.clip(0.88 + 0.15 * grain / grain.std() + 0.20 * press / press.std(), 0.1, 1)
    smudge = ndimage.gaussian_filter(mark, size / 350)
    mark = np.clip(mark + 0.35 * smudge, 0, 1)[..., None]
    canvas.color += 0.92 * mark * (np.array([0.085, 0.07, 0.065], np.float32) - canvas.color)


def paint(size: int = 1024, seed: int = 5) -> Array:
    """Paints the still life: uint8 RGB [size, size, 3], the same for the same seed."""
    canvas = still_life.Canvas(size, np.random.default_rng(seed))
    scaffold(canvas)
    facets(canvas, 20, 0.26, 0.50, 0.97)
    still_life.newsprint(canvas)
    still_life.patterns(canvas)
    still_life.head(canvas, 0.36, 0.225)
    still_life.bottle(canvas, 0.845, 0.63, 5)
    still_life.guitar(canvas, 0.43, 0.655, 31)
    facets(canvas, 25, 0.09, 0.20, 0.75)
    facets(canvas, 16, 0.035, 0.08, 0.85)
    # Restore the contrast that the many thin coats have reduced.
    gray = canvas.color.mean(2, keepdims=True)
    canvas.color = np.clip(0.43 + 1.22 * (gray + 1.14 * (canvas.color - gray) - 0.41), 0.03, 0.97)
    dabs(canvas, 0.034, 0.0120, 0.025)
    dabs(canvas, 0.024, 0.0135, 0.045)
    draw(canvas)
    # Light from the upper left catches the ridges of the paint.
    slope_y, slope_x = np.gradient(ndimage.gaussian_filter(canvas.relief, 0.7))
    canvas.color *= 1 + np.clip(0.42 * (slope_x + slope_y), -0.2, 0.2)[..., None]
    return np.round(np.clip(canvas.color, 0, 1) * 255).astype(np.uint8)
