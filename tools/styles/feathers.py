"""Feathers: a fan of large iridescent plumes with peacock eyes, spread over a calm night sky."""

from __future__ import annotations

import dataclasses

import numpy as np

from tools.styles import brush

GROUND = brush.palette("06040f")[0]
SKY = brush.palette("0a0a2a 10204c 0f4660 1f7a7a 7fb89a")
QUILL = brush.palette("ffe9b8")[0]
GLOW = brush.palette("e9fff0")[0]
# From the quill outwards.
VANES = {
    "teal": brush.palette("04222f 065a6b 0a9c98 35d6b4 0d6f86 f0b840"),
    "emerald": brush.palette("06261d 0b6a3c 38a83f b5d23a 17794f d78a2c"),
    "violet": brush.palette("160a38 43198f 8a35d0 d457c9 4a1f9e ff9d4d"),
    "copper": brush.palette("2a0a12 86260f d2601b f7b23f a13612 27c7b4"),
    "cobalt": brush.palette("060b34 1430a0 2b6be6 43c8f0 1b3fb5 c46bff"),
}
# From the pupil outwards.
EYE = brush.palette(
    "12083c 1a0c5e 2a1ab0 1b4fe0 12b4e6 49f2d6 3a1206 a83c16 e8842a ffd860 a4c832 1d7a44 06281f"
)
SUPERSAMPLING = 2
HUB = 1.02, 0.02  # row and column from which the plumes radiate


@dataclasses.dataclass(frozen=True)
class Plume:
    """One feather. Lengths are fractions of the picture's side, the angle is in radians.

    Attributes:
      y: Row of the root.
      x: Column of the root.
      angle: Direction of the tip.
      length: From root to tip.
      width: Length of the longest barb.
      bend: Sideways bow of the quill, as a fraction of the length.
      vane: Key of VANES.
      eye: Radius of the eye, or 0 for none.
      loose: Whether the barbs are spread and show the plumes beneath.
    """

    y: float
    x: float
    angle: float
    length: float
    width: float
    bend: float
    vane: str
    eye: float
    loose: bool


def paint(size: int, seed: int = 3) -> np.ndarray:
    """Paints the picture.

    Args:
      size: Pixels along each edge.
      seed: Seed of the composition.

    Returns:
      uint8 RGB [size, size, 3].
    """
    rng = np.random.default_rng(seed)
    side = size * SUPERSAMPLING
    canvas = _sky(rng, side)
    for plume in _fan(rng):
        _draw(rng, canvas, plume)
    return brush.finish(canvas, SUPERSAMPLING)


def _sky(rng: np.random.Generator, side: int) -> np.ndarray:
    """Paints the sky behind the fan: night above, green dusk towards the hub, in soft bands."""
    y, x = brush.axes(side)
    glow = 1.02 - 0.80 * np.hypot(y - HUB[0], x - HUB[1]) + 0.035 * brush.noise(rng, side, 3, 2)
    canvas = brush.ramp(SKY, np.clip(glow, 0, 1))
    return canvas * (1 + 0.02 * brush.noise(rng, side, 90, 2))[..., None]


def _fan(rng: np.random.Generator) -> list[Plume]:
    """Arranges the plumes in tiers around the hub, those nearest to it last, on top.

    Beyond the fan lies calm sky, into which a few long loose sickles reach.
    """
    plumes = []
    names = list(VANES)
    for reach, count, length, spread in ((0.62, 4, 0.56, 1.1), (0.42, 7, 0.44, 1.9),
                                         (0.22, 6, 0.40, 2.0), (0.02, 5, 0.36, 2.1)):  # fmt: skip
        sickle = reach > 0.5
        turns = np.linspace(-0.5, 0.5, count) * spread - 0.82 + rng.normal(0, 0.05, count)
        for number, angle in enumerate(rng.permutation(turns)):
            root = reach + rng.normal(0, 0.02)
            long = length * rng.uniform(0.9, 1.1)
            plumes.append(
                Plume(
                    y=HUB[0] + root * np.sin(angle),
                    x=HUB[1] + root * np.cos(angle),
                    angle=angle + rng.normal(0, 0.10),
                    length=long,
                    width=0.10 if sickle else long * rng.uniform(0.25, 0.29),
                    bend=rng.choice([-1, 1]) * (0.22 if sickle else 0.09),
                    vane=names[(number + int(10 * reach)) % len(names)],
                    eye=0.0 if sickle else long * rng.uniform(0.17, 0.20),
                    loose=sickle,
                )
            )
    return plumes


def _draw(rng: np.random.Generator, canvas: np.ndarray, plume: Plume) -> None:
    """Lays one plume over the canvas: its shadow first, then its barbs, one by one frayed."""
    side = canvas.shape[0]
    length, width = plume.length * side, plume.width * side
    middle_y = plume.y * side + 0.5 * length * np.sin(plume.angle)
    middle_x = plume.x * side + 0.5 * length * np.cos(plume.angle)
    window = brush.patch(side, middle_y, middle_x, plume.angle, 0.62 * length + 0.3 * width)
    if window is None:
        return
    where, along, across = window
    u = along / length + 0.5
    v = (across - plume.bend * length * (4 * (u - 0.5) ** 2 - 0.5)) / width
    # An egg whose level 1 is the plume's outline, blunt at the tip and slim at the root.
    reach = np.where(u > 0.6, (u - 0.6) / 0.38, (0.6 - u) / 0.58)
    egg = np.sqrt(v**2 + reach ** np.where(u > 0.6, 2.4, 2.0))
    region = canvas[where]
    brush.over(region, np.clip(5.1 - 4.2 * egg, 0, 0.8), GROUND)
    near = egg < 1.25
    if not near.any():
        return
    u, v, egg = u[near], v[near], egg[near]
    q = np.abs(v)

    # Each barb leaves the quill at `root` and leans towards the tip.
    root = u - plume.width / plume.length * (0.8 * q + 0.35 * q**2)
    count = int(plume.length * 230)
    barb = (root + 1) * count
    number = barb.astype(np.int64) + 3 * count * (v > 0)
    profile = 1 - np.abs(2 * (barb % 1) - 1)
    single = rng.standard_normal(6 * count + 6)[number]
    clump = rng.standard_normal(6 * count + 6)[number // 4]
    rough = 0.045 * clump + 0.03 * single
    inside = egg + rough < 1 - 0.04 * (1 - profile)
    # Here and there neighboring barbs part, and the vane gapes from the rim inwards.
    for split in rng.uniform(-0.1, 0.8, 5):
        gape = 0.035 * np.clip(egg - rng.uniform(0.45, 0.75), 0, 1)
        flank = v > 0 if rng.random() > 0.5 else v < 0
        inside &= (np.abs(root - split) >= gape) | ~flank
    if plume.loose:
        inside &= (q < 0.12) | (profile > 0.25 + 0.45 * q) | (number % 5 < 2)

    light = 0.30 * clump + 0.16 * single + 0.75 * (profile - 0.62) - 0.20 * np.sign(v)
    shown = near.copy()
    shown[near] = inside
    region[shown] = _color(plume, width, u, v, egg, rough, light)[inside]


def _color(
    plume: Plume,
    width: float,
    u: np.ndarray,
    v: np.ndarray,
    egg: np.ndarray,
    rough: np.ndarray,
    light: np.ndarray,
) -> np.ndarray:
    """Returns the colors [N, 3] of a plume's pixels: its vane, eye, light, rim and quill.

    Args:
      plume: The plume.
      width: Its longest barb in pixels.
      u: Place along the plume, 0 at the root and 1 at the tip, [N].
      v: Place across the plume, 0 at the quill and 1 at the end of the longest barb, [N].
      egg: Level of the outline, 1 at the rim, [N].
      rough: By how much each barb is shorter than its neighbors, [N].
      light: Brightness of each barb and of the place on it, 0 on average, [N].
    """
    q = np.abs(v)
    vane = brush.ramp(VANES[plume.vane], np.clip(_tone(u, q, egg) + 0.5 * rough, 0, 1))
    if plume.eye:
        vane = _eye(vane, plume, u, v, rough)
    brush.over(vane, np.clip(-0.7 * light, 0, 0.62), GROUND)
    brush.over(vane, np.clip(0.68 * light, 0, 0.62), 0.3 * GLOW + 0.7 * np.sqrt(vane))
    brush.over(vane, np.clip(0.7 - 2.8 * u, 0, 0.9), GROUND)
    brush.over(vane, np.clip((egg + rough - 0.97) / 0.03, 0, 0.8), GROUND)
    tip = 0.62 if plume.eye else 0.97
    quill = 0.0035 * np.clip(tip - u, 0, None) ** 0.6 / plume.width
    brush.over(vane, np.clip((quill * 2.4 - q) * width / 2 + 0.5, 0, 1), GROUND)
    brush.over(vane, np.clip((quill - q) * width / 2 + 0.5, 0, 1), QUILL)
    return vane


def _tone(u: np.ndarray, q: np.ndarray, egg: np.ndarray) -> np.ndarray:
    """Returns how far along the vane's colors each pixel is: dark at the quill, rim last."""
    slide = 0.12 + 0.45 * q + 0.28 * egg**2 + 0.18 * (u - 0.5)
    return np.where(egg > 0.84, 0.8 + 2.0 * (egg - 0.84), np.minimum(slide, 0.8))


def _eye(
    vane: np.ndarray, plume: Plume, u: np.ndarray, v: np.ndarray, rough: np.ndarray
) -> np.ndarray:
    """Returns the vane with a peacock's eye on it: rings whose edges fray along the barbs."""
    along = (u - 0.64) * plume.length / plume.eye / 1.12
    across = v * plume.width / plume.eye
    ring = np.hypot(along, across) + 0.6 * rough
    # A notch towards the root makes the pupil a heart.
    notch = 0.35 * np.exp(-((across / 0.12) ** 2)) * np.clip(-along, 0, 0.4)
    at = np.clip(ring + notch, 0, 1) * (len(EYE) - 1)
    step = at % 1
    crisp = np.floor(at) + np.clip(3 * step - 1, 0, 1)
    eye = brush.ramp(EYE, crisp / (len(EYE) - 1))
    return np.where((ring < 1)[:, None], eye, vane)
