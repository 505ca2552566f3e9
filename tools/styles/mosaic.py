"""A glass mosaic: a sun, wheels of light and rolling waves, laid in flowing rows of tesserae.

The picture is made the way a mosaicist works. A plan divides the wall into regions; rows are drawn
in each region that follow its outline (opus vermiculatum) or wind up into a spiral; tesserae are
set along the rows and shift until they fit their neighbors; then each piece gets its own shade of
glass, its tilt in the mortar, and the light.

The fitting is Lloyd's relaxation with square distances rotated along the rows, after A. Hausner,
"Simulating decorative mosaics", SIGGRAPH 2001.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from tools.styles import brush

Array = np.ndarray

ROW = 0.033  # the width of a row, as a fraction of the picture's width
FINE = 0.84  # rows in the wheels are finer by this factor
PLAN = 640  # pixels of the grid on which rows are drawn and tesserae are fitted
OVERSAMPLE = 2  # the glass is lit on a finer grid than the picture's, for smooth edges

# Each kind of glass from its darkest to its lightest batch.
GLASS = {
    "night": brush.palette("0a1246 0d1a66 122588 1a33a6"),
    "cobalt": brush.palette("0a2391 0f36bd 1a4fe0 3a74f0"),
    "turquoise": brush.palette("04788f 0a9fb0 1cc3c6 63e0da"),
    "emerald": brush.palette("04512f 08784a 12a160 3fc97a"),
    "gold": brush.palette("a8690b cf8f14 eab02a ffd765"),
    "amber": brush.palette("b0480a d96c0c f28c18 ffb040"),
    "vermilion": brush.palette("8f140c c22412 e63a1a f8613a"),
    "ivory": brush.palette("cdb991 e6d8b4 f5ecd2 fffaec"),
}
GROUT = np.array([0.175, 0.150, 0.150])
LIGHT = np.array([-0.60, -0.80])  # in the picture's plane, x to the right, y down


class Disc(NamedTuple):
    """A wheel of tesserae wound in spiral arms."""

    x: float
    y: float
    radius: float
    arms: int
    colors: tuple[str, ...]  # of the arms, then of the rim
    halo: tuple[str, ...]  # of the rows of sky around it, outwards


SUN = Disc(0.645, 0.330, 0.165, 3, ("gold", "ivory", "amber", "gold"),
           ("cobalt", "cobalt", "night"))  # fmt: skip
RAYS = 12
CORONA = ("vermilion", "amber", "gold", "ivory", "ivory")
# The sky is calm: a few rows of light around each wheel, and night beyond.
DISCS = (
    SUN,
    Disc(0.165, 0.205, 0.120, 3, ("turquoise", "ivory", "cobalt", "turquoise"),
         ("cobalt", "night", "night")),
    Disc(0.955, 0.055, 0.075, 2, ("ivory", "gold", "ivory"), ("cobalt", "night")),
)  # fmt: skip

# Waves from the farthest to the nearest: height, amplitude, length, phase, colors of the rows.
WAVES = (
    (0.690, 0.055, 0.80, 0.08, ("ivory", "turquoise", "turquoise", "turquoise", "emerald")),
    (0.830, 0.050, 0.66, 0.57, ("gold", "vermilion", "vermilion", "vermilion", "amber")),
    (0.945, 0.044, 0.72, 0.20, ("ivory", "cobalt", "cobalt", "night")),
)


class Tesserae(NamedTuple):
    """Where the pieces lie: arrays [count], lengths as fractions of the picture's width."""

    x: Array
    y: Array
    angle: Array  # of the row, in radians
    region: Array  # its number in the plan
    row: Array  # counted from the outline; in a wheel the arm
    width: Array  # of the row


def plan(x: Array, y: Array) -> Array:
    """Numbers the regions: sky 0, waves 1.., corona, discs; `x` and `y` lie in [0, 1]."""
    region = np.zeros(np.broadcast(x, y).shape, np.int32)
    for number, (height, amplitude, length, phase, _) in enumerate(WAVES, 1):
        # A crest that leans forward: the sine of a sine.
        turn = 2 * np.pi * (x / length + phase)
        region[y > height - amplitude * np.sin(turn + 0.7 * np.sin(turn))] = number
    dx, dy = x - SUN.x, y - SUN.y
    angle = np.arctan2(dy, dx) * RAYS / (2 * np.pi)
    ray = np.abs((angle + 0.25 * np.hypot(dx, dy) / SUN.radius) % 1 * 2 - 1)
    reach = SUN.radius * (1.30 + 0.42 * ray)
    region[np.hypot(dx, dy) < reach] = len(WAVES) + 1
    for number, disc in enumerate(DISCS, len(WAVES) + 2):
        region[np.hypot(x - disc.x, y - disc.y) < disc.radius] = number
    return region


def spiral(disc: Disc) -> Iterator[tuple[int, Array]]:
    """Yields (arm, places) for a disc's rim and the rows that wind to its heart.

    Places are [n, 3]: x, y and the row's angle there, close together.
    """
    width = ROW * FINE
    turns = np.linspace(0, 1, 500)
    rim = np.full_like(turns, disc.radius - width / 2)
    yield disc.arms, _circle(disc, rim, turns)
    turns = np.linspace(-1, disc.radius / width, 4000)
    for arm in range(disc.arms):
        radius = rim[0] - width * (1 + arm + turns * disc.arms)
        keep = (radius > 0.2 * width) & (radius < rim[0] - 0.75 * width)
        yield arm, _circle(disc, radius[keep], turns[keep])


def _circle(disc: Disc, radius: Array, turns: Array) -> Array:
    angle = 2 * np.pi * (turns + 3 * disc.y)
    x, y = disc.x + radius * np.cos(angle), disc.y + radius * np.sin(angle)
    return np.stack([x, y, angle + np.pi / 2], 1)


def outline_rows(distance: Array) -> Iterator[tuple[int, Array]]:
    """Yields (row, places) at equal distances, in pixels, from an outline; [PLAN, PLAN]."""
    down, right = np.gradient(ndimage.gaussian_filter(distance, 0.15 * ROW * PLAN))
    angle = np.arctan2(down, right) + np.pi / 2
    for row in range(int(distance.max() / (ROW * PLAN)) + 1):
        y, x = np.nonzero(np.abs(distance - (row + 0.5) * ROW * PLAN) < 0.7)
        yield row, np.stack([(x + 0.5) / PLAN, (y + 0.5) / PLAN, angle[y, x]], 1)


def set_rows(rng: np.random.Generator) -> Tesserae:
    """Sets tesserae one by one along the rows of every region, wherever there is room."""
    axis = np.linspace(0, 1, PLAN)
    regions = plan(axis, axis[:, None])
    pieces: list[tuple[float, ...]] = []
    for region in range(regions.max() + 1):
        width = ROW
        if region == len(WAVES) + 1:  # the corona: rings around the sun
            distance = np.hypot(axis - SUN.x, axis[:, None] - SUN.y) - SUN.radius
            rows = outline_rows(distance * PLAN)
        elif region > len(WAVES):
            rows, width = spiral(DISCS[region - len(WAVES) - 2]), ROW * FINE
        else:
            above = regions < region if region else regions > 0
            rows = outline_rows(ndimage.distance_transform_edt(~above))
        for row, places in rows:
            places = places[plan(places[:, 0], places[:, 1]) == region]
            pieces += [(*spot, region, row, width) for spot in walk(places, width, rng)]
    laid: list[int] = []
    table = np.array(pieces)
    taken = np.empty((len(pieces), 2))
    for index in range(len(pieces)):
        gap = np.abs(taken[: len(laid)] - table[index, :2])
        if not laid or np.hypot(gap[:, 0], gap[:, 1]).min() > 0.74 * table[index, 5]:
            taken[len(laid)] = table[index, :2]
            laid.append(index)
    x, y, angle, region, row, widths = table[laid].T
    return Tesserae(x, y, angle, region.astype(int), row.astype(int), widths)


def walk(places: Array, width: float, rng: np.random.Generator) -> Iterator[Array]:
    """Yields places of pieces of uneven length that follow one another along a row."""
    while len(places):
        near = 0
        while len(places):
            here = places[near]
            yield here
            gap = np.hypot(*(places[:, :2] - here[:2]).T)
            free = gap > width * rng.uniform(0.9, 1.3)
            places, gap = places[free], gap[free]
            near = int(np.argmin(gap)) if len(gap) else 0


def cut(pieces: Tesserae, regions: Array) -> Array:
    """Assigns every pixel to the nearest piece of its own region, or -1 if none is near.

    Square distances, rotated along the rows, give cells that are blunt squares.
    """
    size = len(regions)
    owner = np.full(regions.shape, -1, np.int32)
    nearest = np.full(regions.shape, np.inf, np.float32)
    for number, (x, y, angle, region, _, width) in enumerate(zip(*pieces, strict=True)):
        # Plain floats keep the window in float32.
        at = float(y * size), float(x * size), np.float32(angle)
        spot = brush.patch(size, *at, float(2 * width * size))
        if spot is None:
            continue
        window, along, across = spot
        distance = np.square(np.square(0.9 * along)) + np.square(np.square(across))
        closer = (distance < nearest[window]) & (regions[window] == region)
        nearest[window][closer] = distance[closer]
        owner[window][closer] = number
    return owner


def relax(pieces: Tesserae, rounds: int = 6) -> Tesserae:
    """Moves each piece to the middle of its cell, several times, until all sit evenly."""
    axis = (np.arange(PLAN) + 0.5) / PLAN
    regions = plan(axis, axis[:, None])
    for _ in range(rounds):
        owner = cut(pieces, regions)
        line, column = np.nonzero(owner >= 0)
        label = owner[line, column]
        area = np.bincount(label, minlength=len(pieces.x))
        x = np.bincount(label, column + 0.5, len(area)) / np.maximum(area, 1) / PLAN
        y = np.bincount(label, line + 0.5, len(area)) / np.maximum(area, 1) / PLAN
        large = area > 0.12 * (pieces.width * PLAN) ** 2  # splinters are skipped
        pieces = Tesserae(*(part[large] for part in pieces._replace(x=x, y=y)))
    return pieces


def scheme_of(x: float, y: float, region: int) -> tuple[str, ...]:
    """Returns the colors of the rows around a place, from the outline inwards."""
    if region == 0:
        disc = min(DISCS, key=lambda d: np.hypot(x - d.x, y - d.y) - d.radius)
        return disc.halo
    if region <= len(WAVES):
        return WAVES[region - 1][4]
    return CORONA if region == len(WAVES) + 1 else DISCS[region - len(WAVES) - 2].colors


def glaze(pieces: Tesserae, rng: np.random.Generator) -> tuple[Array, Array]:
    """Chooses each piece's glass: its color [count, 3] in [0, 1], and whether it is gold leaf."""
    count = len(pieces.x)
    # Batches of glass change slowly along the wall; single pieces stray from their batch.
    batch = 0.5 + 0.33 * np.sin(17 * pieces.x + 5 * np.sin(9 * pieces.y)) * np.cos(15 * pieces.y)
    batch = np.clip(batch + rng.normal(0, 0.14, count), 0, 0.999)
    # One piece in fifty is of the next row's glass.
    row = pieces.row + (rng.random(count) < 0.02)
    color = np.empty((count, 3))
    gold = np.zeros(count, bool)
    for index, (x, y, region) in enumerate(zip(pieces.x, pieces.y, pieces.region, strict=True)):
        scheme = scheme_of(x, y, region)
        name = scheme[min(row[index], len(scheme) - 1)]
        color[index] = GLASS[name][int(batch[index] * len(GLASS[name]))]
        gold[index] = name == "gold"
    color *= rng.normal(1, 0.05, (count, 1)) * rng.normal(1, 0.035, (count, 3))
    return np.clip(color, 0, 1), gold


def grain(rng: np.random.Generator, size: int, width: float) -> Array:
    """Returns noise as coarse as `width` pixels, float32 [size, size] with deviation 1."""
    speckle = ndimage.gaussian_filter(rng.standard_normal((size, size), np.float32), width)
    return speckle / speckle.std()


def light(owner: Array, pieces: Tesserae, rng: np.random.Generator) -> Array:
    """Renders glass and grout, float RGB in [0, 1] of the shape of `owner`."""
    size = len(owner)
    row = ROW * size
    color, gold = glaze(pieces, rng)
    count = len(color)

    # Height: how far a point lies inside its piece, rounded a little at the corners.
    seam = owner != ndimage.grey_erosion(owner, 3)
    seam |= owner != ndimage.grey_dilation(owner, 3)
    depth = ndimage.distance_transform_edt(~seam).astype(np.float32)
    depth = ndimage.gaussian_filter(depth, 0.035 * row) / row
    depth += 0.016 * grain(rng, size, 0.1 * row)  # no edge is quite straight
    glass = np.clip((depth - 0.064) * row / 2.0 + 0.5, 0, 1)[..., None]
    glass[owner < 0] = 0

    # The bevel faces the light on one side and turns from it on the other.
    bevel = np.clip((depth - 0.06) / 0.13, 0, 1)
    dome = ndimage.gaussian_filter(bevel * bevel * (3 - 2 * bevel), 0.03 * row)
    slope_y, slope_x = np.gradient(dome, 1 / row)
    facing = (slope_x * LIGHT[0] + slope_y * LIGHT[1]) * -0.16

    # Each piece sits tilted in the mortar, so that one end shines more than the other.
    tilt = rng.normal(0, 0.5, (count, 2)) + 0.32 * LIGHT
    y, x = np.mgrid[:size, :size].astype(np.float32)
    width = (pieces.width * size)[owner].astype(np.float32)
    dx = (x - (pieces.x * size)[owner].astype(np.float32)) / width
    dy = (y - (pieces.y * size)[owner].astype(np.float32)) / width
    angle = pieces.angle[owner].astype(np.float32)
    facet = tilt[owner].astype(np.float32)
    sheen = facet[..., 0] * dx + facet[..., 1] * dy

    # Streaks and seeds in the glass, along the row.
    pits = grain(rng, size, 0.025 * row)
    foil = grain(rng, size, 0.055 * row) + pits
    along = dx * np.cos(angle) + dy * np.sin(angle)
    across = dy * np.cos(angle) - dx * np.sin(angle)
    streak = np.sin(11 * across + 3 * np.sin(4 * along + 6.3 * rng.random(count)[owner]))

    shade = 1 + 0.42 * sheen + 0.36 * np.clip(facing, -1, 0) + 0.035 * streak + 0.03 * pits
    leaf = gold[owner]
    shade = np.where(leaf, shade + 0.26 * sheen + 0.07 * foil, shade)[..., None]
    tessera = color[owner] * shade
    # Light that enters by the lit edge leaves the glass opposite it, deepened in color.
    through = np.clip(dx * -LIGHT[0] + dy * -LIGHT[1], 0, 1)[..., None]
    tessera += 0.30 * through * color[owner] ** 1.5
    tessera += 0.42 * np.clip(facing, 0, 1)[..., None]

    # Glints: a short stroke of white near the lit corner; gold has more of them, and brighter.
    spot = LIGHT * 0.27 + rng.normal(0, 0.06, (count, 2))
    bright = rng.uniform(0.4, 1, count) * (rng.random(count) < np.where(gold, 0.7, 0.5))
    gx = dx - spot[owner, 0]
    gy = dy - spot[owner, 1]
    stroke = gx * np.cos(angle) + gy * np.sin(angle)
    thick = gy * np.cos(angle) - gx * np.sin(angle)
    glint = np.exp(-((stroke / 0.13) ** 2) - (thick / 0.050) ** 2) * bright[owner]
    tessera += glint[..., None] * np.where(leaf[..., None], [1.0, 0.95, 0.75], 1.0)
    # Here and there a leaf throws the sun straight back.
    flash = (gold & (rng.random(count) < 0.16))[owner]
    bloom = np.exp(-np.hypot(gx, gy) / 0.16) * flash
    tessera += bloom[..., None] * np.array([0.9, 0.82, 0.5])

    # Grout is sandy, and lies in the shade of the pieces on the side of the light.
    sand = grain(rng, size, 0.033 * row)[..., None]
    mortar = GROUT * (1 + 0.22 * sand) * (0.8 + 0.5 * glass)
    return np.clip(mortar * (1 - glass) + tessera * glass, 0, 1)


def paint(size: int = 1024, seed: int = 5) -> Array:
    """Lays the mosaic: uint8 RGB [size, size, 3], the same for the same seed."""
    rng = np.random.default_rng(seed)
    pieces = relax(set_rows(rng))
    axis = (np.arange(size * OVERSAMPLE) + 0.5) / (size * OVERSAMPLE)
    fine = light(cut(pieces, plan(axis, axis[:, None])), pieces, rng)
    return brush.finish(fine, OVERSAMPLE)
