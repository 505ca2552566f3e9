"""Candy: swirling saturated bands with dark contours, strings of beads, balls and glints.

A phase grows across the picture: contours lie at its integers, and bands between them. Everything
follows the phase: streaks run along the bands, and beads hang along their middle.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from tools.styles import brush

# Neighbors in this circle differ in hue and in lightness. A spiral with as many arms as there are
# colors closes without a seam.
BANDS = brush.palette("e8127c ffd21f 1b2fa8 ff7a12 10b8b4 7a1fb0 f4efd8 d81e2c")
LIGHTS = brush.palette("ff6db4 fff38a 4a72f5 ffb648 74f2df b46cf2 ffffff ff6f52")
SHADES = brush.palette("98085f f39200 0b1162 cf3f08 04708f 420c7a e6b673 8e0a34")
BEADS = brush.palette("fff6d6 ffe14a ff4fa3 27d3cf ff8c1a 2b3fd0 b5f03c")
INK = brush.palette("150a2a")[0]
WHITE = np.ones(3, np.float32)
SUPERSAMPLING = 2
BAND = 0.066
"""Width of a band as a fraction of the picture's side."""
THREADED = (2, 5)
"""Bands that carry beads; the others stay clean, so that color dominates."""


@dataclasses.dataclass(frozen=True)
class Swirls:
    """The field that all strokes follow, each array float32 [side, side].

    Attributes:
      phase: Contours between bands lie at its integers.
      slope_y: Row component of the unit vector across the bands.
      slope_x: Column component.
      steepness: Growth of the phase per pixel; one over it is the width of the band there.
      eyes: Centers of the spirals as (row, column) as fractions of the side, [N, 2].
    """

    phase: np.ndarray
    slope_y: np.ndarray
    slope_x: np.ndarray
    steepness: np.ndarray
    eyes: np.ndarray

    @property
    def side(self) -> int:
        """Pixels along each edge."""
        return self.phase.shape[0]

    @property
    def place(self) -> np.ndarray:
        """Place within the band, from 0 at one contour to 1 at the next."""
        return self.phase - np.floor(self.phase)

    @property
    def band(self) -> np.ndarray:
        """Index of the band's color."""
        return np.floor(self.phase).astype(np.int64) % len(BANDS)


def paint(size: int, seed: int = 7) -> np.ndarray:
    """Paints the picture.

    Args:
      size: Pixels along each edge.
      seed: Seed of the composition.

    Returns:
      uint8 RGB [size, size, 3].
    """
    rng = np.random.default_rng(seed)
    swirls = _swirl(rng, size * SUPERSAMPLING)
    canvas = _fill(rng, swirls)
    _thread(rng, canvas, swirls)
    _outline(rng, canvas, swirls)
    _set_balls(rng, canvas, swirls)
    return brush.finish(canvas, SUPERSAMPLING)


def _swirl(rng: np.random.Generator, side: int) -> Swirls:
    """Composes the picture: where the spirals sit and how their bands meet.

    Around each eye the bands run in as many spiral arms as there are colors; farther out the
    soft minimum of the distances lets neighboring swirls flow into one another.
    """
    centers = brush.scatter(rng, 0.40, 400)
    y, x = np.mgrid[:side, :side].astype(np.float32) / (side - 1)
    y += 0.022 * brush.noise(rng, side, 5, 2)
    x += 0.022 * brush.noise(rng, side, 5, 2)
    turns = np.zeros_like(x)
    near = np.zeros_like(x)
    eyes = []
    for i, (cy, cx) in enumerate(centers):
        dy, dx = y - cy, x - cx
        distance = np.sqrt(dy**2 + dx**2)
        if distance.min() < max(0.002, 1.5 / side):  # The eye lies inside the picture.
            eyes.append(np.unravel_index(distance.argmin(), distance.shape))
        near += np.exp(-distance / 0.07)
        turns += (-1) ** i * np.arctan2(dy, dx) / (2 * np.pi)
    phase = -0.07 * np.log(near) / BAND + len(BANDS) * turns
    dy, dx = _growth(phase, 0), _growth(phase, 1)
    steepness = np.sqrt(dy**2 + dx**2) + 1e-5
    return Swirls(phase, dy / steepness, dx / steepness, steepness, np.array(eyes) / side)


def _growth(phase: np.ndarray, axis: int) -> np.ndarray:
    """Returns the phase's derivative per pixel, ignoring full turns at the seam of an angle."""
    step = np.diff(phase, axis=axis, append=np.take(phase, [-1], axis))
    return ndimage.gaussian_filter(step - np.round(step), 1.0)


def _fill(rng: np.random.Generator, swirls: Swirls) -> np.ndarray:
    """Returns a canvas with every band filled: rounded by light and shade, streaked, glinting."""
    side, band, place = swirls.side, swirls.band, swirls.place
    coarse = np.s_[::SUPERSAMPLING, ::SUPERSAMPLING]
    along = swirls.slope_x[coarse], -swirls.slope_y[coarse]
    streaks = brush.bristles(rng, *along, length=max(side // 140, 2))
    streaks = np.kron(streaks, np.ones((SUPERSAMPLING,) * 2, np.float32))
    # The brush was loaded unevenly: streaks lean to the tint or the shade of their color.
    light = 0.8 * (0.5 - place) + 0.22 * streaks
    canvas = BANDS[band]
    brush.over(canvas, np.clip(light, 0, 1), LIGHTS[band])
    brush.over(canvas, np.clip(-1.2 * light, 0, 1), SHADES[band])
    # A broken glint runs along the lit edge.
    glint = np.abs(place - 0.24) / swirls.steepness < side * 0.0016
    glint &= brush.noise(rng, side, 26) + 0.5 * streaks > 0.35
    brush.over(canvas, 0.85 * glint, WHITE)
    return canvas


def _outline(rng: np.random.Generator, canvas: np.ndarray, swirls: Swirls) -> None:
    """Draws the dark lines between the bands, their weight varying as by hand."""
    side, place, steepness = swirls.side, swirls.place, swirls.steepness
    away = np.minimum(place, 1 - place) / steepness
    hand = brush.noise(rng, side, 14)
    weight = np.minimum(side * (0.0040 + 0.0010 * hand), 0.2 / steepness)
    brush.over(canvas, np.clip(weight - away + 0.5, 0, 1), INK)
    # Wide bands are split once more by fine lines that taper off where the band narrows.
    room = 1 / steepness / side
    fine = side * np.clip(0.05 * (room - 0.060), 0, 0.0016 + 0.0002 * hand)
    for part in (0.2, 0.8):
        away = np.abs(place - part) / steepness
        brush.over(canvas, np.clip(fine - away + 0.5, 0, 1) * (fine > 0.3), INK)


def _thread(rng: np.random.Generator, canvas: np.ndarray, swirls: Swirls) -> None:
    """Threads beads along the middle of every band, in strings of one kind and one color.

    A string starts at any free spot and runs both ways until it meets another or the border.
    """
    side, place, band = swirls.side, swirls.place, swirls.band
    taken = np.zeros(place.shape, bool)
    starts = 4 * np.argwhere(np.abs(place[::4, ::4] - 0.5) < 0.12)
    for y, x in starts[rng.permutation(len(starts))]:
        if taken[y, x] or band[y, x] not in THREADED:
            continue
        kind = int(band[y, x]) % 4
        if kind == 1 and swirls.steepness[y, x] * side < 26:
            kind = 0  # Rungs would not reach across so wide a band.
        color = BEADS[rng.integers(len(BEADS))]
        for way in (1, -1):
            walk = _walk(swirls, place, float(y), float(x), way)
            if way == -1:
                next(walk, None)  # The first bead is already placed.
            for at_y, at_x, angle, half in walk:
                if taken[int(at_y), int(at_x)]:
                    break
                window = brush.patch(side, at_y, at_x, angle, 1.3 * half)
                if window is None:
                    break
                where, along, across = window
                taken[where] |= np.hypot(along, across) < 1.2 * half
                if half > 0.003 * side:
                    _bead(canvas[where], along, across, half, kind, color)


def _walk(
    swirls: Swirls, place: np.ndarray, y: float, x: float, way: int
) -> Iterator[tuple[float, float, float, float]]:
    """Yields row, column, direction and half the band's width, bead by bead along a band."""
    side = swirls.side
    for _ in range(400):
        for _ in range(2):  # Two Newton steps back to the middle of the band.
            here = int(y), int(x)
            if not (0 <= here[0] < side and 0 <= here[1] < side):
                return
            shift = np.clip((0.5 - place[here]) / swirls.steepness[here], -4, 4)
            y += float(shift * swirls.slope_y[here])
            x += float(shift * swirls.slope_x[here])
        here = int(y), int(x)
        if not (0 <= here[0] < side and 0 <= here[1] < side):
            return
        slope_y, slope_x = swirls.slope_y[here], swirls.slope_x[here]
        half = min(0.5 / swirls.steepness[here], 0.03 * side)
        yield y, x, np.arctan2(slope_y, slope_x) + np.pi / 2, half
        y -= float(1.35 * half * way * slope_x)
        x += float(1.35 * half * way * slope_y)


def _bead(
    canvas: np.ndarray,
    along: np.ndarray,
    across: np.ndarray,
    half: float,
    kind: int,
    color: np.ndarray,
) -> None:
    """Paints a pearl (0), a rung (1), a dot (2) or a leaf (3) on its window of the canvas."""
    r = np.hypot(along, across)
    if kind == 0:
        brush.over(canvas, np.clip(0.52 * half - r, 0, 1), INK)
        brush.over(canvas, np.clip(0.38 * half - r, 0, 1), color)
        spark = np.hypot(along + 0.1 * half, across + 0.12 * half)
        brush.over(canvas, np.clip(0.1 * half - spark, 0, 1), WHITE)
    elif kind == 1:
        rung = np.clip(0.16 * half - np.abs(along + 0.3 * across), 0, 1)
        brush.over(canvas, rung * (np.abs(across) < 0.8 * half), INK)
    elif kind == 2:
        brush.over(canvas, np.clip(0.40 * half - r, 0, 1), INK)
        brush.over(canvas, np.clip(0.30 * half - r, 0, 1), color)
    else:
        leaf = np.abs(across) - 0.34 * half * (1 - (along / (0.62 * half)) ** 2)
        brush.over(canvas, np.clip(0.5 + 0.1 * half - leaf, 0, 1), INK)
        brush.over(canvas, np.clip(0.5 - leaf, 0, 1), color)


def _set_balls(rng: np.random.Generator, canvas: np.ndarray, swirls: Swirls) -> None:
    """Sets a ringed ball on the eye of every swirl and sprinkles smaller ones between them."""
    side = swirls.side
    small = brush.scatter(rng, 0.27, 400)
    small = small[[np.hypot(*(swirls.eyes - point).T).min() > 0.09 for point in small]]
    for number, (y, x) in enumerate(np.concatenate([small, swirls.eyes])):
        radius = side * (rng.uniform(0.012, 0.022) if number < len(small) else 0.045)
        window = brush.patch(side, y * side, x * side, 0.0, 1.2 * radius)
        if window is None:
            continue
        where, along, across = window
        ball, r = canvas[where], np.hypot(along, across)
        brush.over(ball, np.clip(1.12 * radius - r, 0, 1), INK)
        first = rng.integers(len(BANDS))
        for ring, part in enumerate((0.92, 0.62, 0.34)):
            color = BANDS[(first + 3 * ring) % len(BANDS)]
            brush.over(ball, np.clip(part * radius + 1.5 - r, 0, 1), INK)
            brush.over(ball, np.clip(part * radius - 1.5 - r, 0, 1), color)
        spark = np.hypot(along + 0.35 * radius, across + 0.4 * radius)
        brush.over(ball, np.clip(0.16 * radius - spark, 0, 1), WHITE)
