"""The things of the cubist still life, and the canvas and strokes that they are painted with.

A thing consists of planes (`facet`), which have straight edges, shapes with curved outlines
(`solid`), and charcoal. Curved shapes are fields: how far a pixel lies inside.

Lengths are fractions of the picture's side, x to the right and y down; colors lie in [0, 1].
"""

from __future__ import annotations

import numpy as np

from tools.styles import brush

Array = np.ndarray

_CODES = {
    "cream": "f4e6c4", "sand": "dcbd86", "ochre": "c98f35", "honey": "e3a94a",
    "sienna": "a8541f", "umber": "5d3a20", "bistre": "2e2018", "olive": "77753a",
    "moss": "45502f", "mist": "b4c2c4", "bluegrey": "738c98", "slate": "3d5363",
    "ink": "1b2530", "cobalt": "1f4f9e", "vermilion": "cf3d22", "rose": "d59a7d",
}  # fmt: skip
PAINTS = {name: brush.palette(code)[0] for name, code in _CODES.items()}


class Canvas:
    """The picture while it is painted.

    Attributes:
        color: RGB [size, size, 3].
        plane: Number of the plane on top, [size, size]; dabs stay within their plane.
        planes: Number of planes painted so far.
        hatch: Direction of the brush in radians, [size, size].
        relief: Height of the paint, [size, size].
        curves: Charcoal of the outlines of things in [0, 1], [size, size].
        charcoal: Straight lines to be drawn at the end: (points, width in thousandths, strength).
        edges: The same for edges of planes, each after its plane's number.
    """

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        """Stretches a canvas of `size` pixels a side, primed with umber."""
        self.size = size
        self.rng = rng
        self.color = np.tile(PAINTS["umber"], (size, size, 1))
        self.plane = np.zeros((size, size), np.int32)
        self.planes = 0
        self.hatch = np.zeros((size, size), np.float32)
        self.relief = np.zeros((size, size), np.float32)
        self.curves = np.zeros((size, size), np.float32)
        self.charcoal: list[tuple[Array, float, float]] = []
        self.edges: list[tuple[int, Array, float, float]] = []
        axis = (np.arange(size, dtype=np.float32) + 0.5) / size
        self.x, self.y = axis[None, :], axis[:, None]

    def cover(self, window: tuple[slice, slice], alpha: Array, color: Array, hatch: float) -> None:
        """Lays a color over a window with an opacity for each pixel; takes the plane where dense.

        Args:
            window: Rows and columns.
            alpha: Opacity in [0, 1], of the window's shape.
            color: RGB, of the window's shape and 3, or [3].
            hatch: Direction of the brush in radians.
        """
        brush.over(self.color[window], alpha, color)
        dense = alpha > 0.4
        self.planes += 1
        self.plane[window][dense] = self.planes
        self.hatch[window][dense] = hatch

    def window(self, points: Array, margin: float = 0.0) -> tuple[slice, slice]:
        """Returns the rows and columns that hold some points."""
        low = np.clip((points.min(0) - margin) * self.size, 0, self.size).astype(int)
        high = np.clip((points.max(0) + margin) * self.size + 1, 0, self.size).astype(int)
        return slice(low[1], high[1]), slice(low[0], high[0])


def half_planes(canvas: Canvas, points: Array, window: tuple[slice, slice]) -> Array:
    """Returns how far pixels lie inside each edge of a convex polygon, [edges, height, width]."""
    x, y = canvas.x[:, window[1]], canvas.y[window[0]]
    after = np.roll(points, -1, 0)
    along = (after - points) / np.maximum(np.hypot(*(after - points).T), 1e-6)[:, None]
    edges = zip(points, along, strict=True)
    return np.stack([(y - p[1]) * a[0] - (x - p[0]) * a[1] for p, a in edges])


def facet(
    canvas: Canvas,
    points: Array,
    lit: Array,
    base: Array,
    *,
    density: float = 0.95,
    fade: float = 0.2,
    cut: tuple[float, float, float] | None = None,
) -> None:
    """Paints a plane that is brightest along its first edge and fades away from it.

    Args:
        canvas: The canvas to paint on.
        points: Corners [n, 2] of a convex polygon, clockwise as seen.
        lit: Color at the first edge.
        base: Color at the far side.
        density: Opacity at the first edge.
        fade: Opacity at the far side.
        cut: A circle (x, y, radius) outside of which nothing is painted; inside, if radius < 0.
    """
    window = canvas.window(points, 0.03)
    if window[0].start >= window[0].stop or window[1].start >= window[1].stop:
        return
    inside = half_planes(canvas, points, window)
    edge = inside[0]
    reach = np.max((points - points[0]) @ normal(points)) + 1e-6
    body = inside.min(0)
    if cut is not None:
        x, y, radius = cut
        round_ = abs(radius) - np.hypot(canvas.x[:, window[1]] - x, canvas.y[window[0]] - y)
        body = np.minimum(body, round_ * np.sign(radius))
    mask = np.clip(body * canvas.size + 0.5, 0, 1)
    far = np.clip(edge / reach, 0, 1)
    # The shade that this plane throws past its lit edge, so that light meets dark.
    ends = np.clip(np.minimum(inside[1], inside[-1]) / 0.02, 0, 1)
    shade = np.exp(np.minimum(edge, 0) / 0.024) * (edge < 0) * ends
    canvas.color[window] *= 1 - 0.72 * density * shade[..., None]
    alpha = mask * (density + (fade - density) * brush.smooth(0.05, 1, far))
    color = lit + (base - lit) * brush.smooth(0, 0.8, far)[..., None]
    color *= 1 + 0.22 * np.exp(-np.maximum(edge, 0) / 0.007)[..., None]  # the edge itself gleams
    color = np.minimum(color, 1)
    slope = points[1] - points[0]
    hatch = np.arctan2(slope[1], slope[0]) + canvas.rng.choice([0, 0, np.pi / 2, 0.6])
    canvas.cover(window, alpha.astype(np.float32), color.astype(np.float32), hatch)


def normal(points: Array) -> Array:
    """Returns the unit normal [2] of the first edge; inwards, if the corners go clockwise."""
    along = points[1] - points[0]
    return np.array([-along[1], along[0]]) / max(np.hypot(*along), 1e-6)


def quad(x: float, y: float, degrees: float, length: float, width: float) -> Array:
    """Returns a rectangle's corners [4, 2], the first edge along its length."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    corners = np.array([[-length, -width], [length, -width], [length, width], [-length, width]]) / 2
    return corners @ np.array([[c, s], [-s, c]]) + [x, y]


def solid(
    canvas: Canvas, inside: Array, lit: str, base: str, across: Array, density: float = 0.92
) -> None:
    """Paints a thing with a curved outline, shaded from `lit` to `base` as `across` goes 0 to 1."""
    alpha = np.clip(inside * canvas.size + 0.5, 0, 1) * density
    rim = np.exp(np.minimum(inside, 0) / 0.014) * (inside < 0)
    canvas.color *= 1 - 0.38 * rim[..., None]
    mix = brush.smooth(0, 1, across)[..., None]
    color = PAINTS[lit] * (1 - mix) + PAINTS[base] * mix
    color = color * (1 + 0.25 * np.exp(-np.abs(inside) / 0.008))[..., None]
    whole = (slice(None), slice(None))
    canvas.cover(whole, alpha.astype(np.float32), np.clip(color, 0, 1), canvas.rng.uniform(0, 3.1))


def turned(canvas: Canvas, x: float, y: float, degrees: float) -> tuple[Array, Array]:
    """Returns coordinates (u across, v along) of a thing that leans by some degrees."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    dx, dy = canvas.x - x, canvas.y - y
    return dx * c + dy * s, dy * c - dx * s


def outline(canvas: Canvas, inside: Array, width: float, strength: float) -> None:
    """Draws the zero line of a field in charcoal; `width` in thousandths of the canvas."""
    slope = np.hypot(*np.gradient(inside, 1 / canvas.size))
    away = np.abs(inside) / np.maximum(slope, 1e-3)
    line = np.clip((width / 2000 - away) * canvas.size + 0.5, 0, 1) * strength
    np.fmax(canvas.curves, line, out=canvas.curves)  # no line where the field is not a number


def guitar(canvas: Canvas, x: float, y: float, lean: float) -> None:
    """Paints a guitar in two halves that have slipped along its axis, with its neck and strings."""

    def body(u: Array, v: Array) -> Array:
        upper = 0.118 - np.hypot(u, v + 0.125)
        lower = 0.165 - np.hypot(u, (v - 0.105) * 1.05)
        h = np.clip(0.5 + (upper - lower) / 0.10, 0, 1)
        return lower + (upper - lower) * h + 0.05 * h * (1 - h) - 0.006

    u, v = turned(canvas, x, y, lean)
    whole = body(u, v)
    solid(canvas, whole, "honey", "sienna", (u + 0.17) / 0.34)
    outline(canvas, whole, 3.4, 0.95)
    slipped = body(u - 0.020, v + 0.055)
    right = np.minimum(slipped, u - 0.012)
    solid(canvas, right, "cream", "ochre", (u - 0.012) / 0.20)
    outline(canvas, right, 2.8, 0.9)
    left = np.minimum(body(u + 0.035, v - 0.030), -u - 0.055)
    solid(canvas, left, "bistre", "umber", (-u - 0.05) / 0.14, 0.8)
    outline(canvas, left, 2.4, 0.8)
    hole = np.hypot(u, v + 0.012)
    solid(canvas, 0.058 - hole, "sand", "sienna", hole / 0.06)
    solid(canvas, 0.046 - hole, "ink", "umber", (u + 0.05) / 0.1, 1)
    for radius in (0.046, 0.053, 0.060):
        outline(canvas, radius - hole, 1.6, 0.9)

    def at(across: float, along: float) -> Array:
        c, s = np.cos(np.radians(lean)), np.sin(np.radians(lean))
        return np.array([x + across * c - along * s, y + across * s + along * c])

    neck = np.array([at(-0.026, -0.06), at(-0.021, -0.62), at(0.021, -0.62), at(0.026, -0.06)])
    facet(canvas, neck, PAINTS["umber"], PAINTS["bistre"], density=0.97, fade=0.97)
    light = np.array([at(0.026, -0.06), at(0.021, -0.62), at(0.040, -0.60), at(0.046, -0.06)])
    facet(canvas, light, PAINTS["cream"], PAINTS["ochre"], density=0.95, fade=0.9)
    for fret in 0.62 * 0.9 ** np.arange(1, 16):
        wire = np.array([at(-0.026, -fret - 0.03), at(0.026, -fret - 0.03)])
        canvas.charcoal.append((wire, 1.8, 0.8))
    bridge = np.array([at(-0.07, 0.135), at(0.07, 0.135), at(0.07, 0.160), at(-0.07, 0.160)])
    facet(canvas, bridge, PAINTS["bistre"], PAINTS["umber"], density=1, fade=1)
    for string in np.linspace(-0.019, 0.019, 6):
        canvas.charcoal.append((np.array([at(string * 1.15, 0.15), at(string, -0.60)]), 1.6, 0.9))
    head = np.array([at(-0.035, -0.61), at(-0.045, -0.74), at(0.045, -0.72), at(0.030, -0.61)])
    facet(canvas, head, PAINTS["sienna"], PAINTS["bistre"], density=0.97, fade=0.9)
    for peg in (-0.64, -0.675, -0.71):
        for side in (-1, 1):
            peg_x, peg_y = at(side * 0.055, peg)
            knob = quad(peg_x, peg_y, lean, 0.026, 0.014)
            facet(canvas, knob, PAINTS["cream"], PAINTS["bluegrey"], density=1, fade=1)


def bottle(canvas: Canvas, x: float, y: float, lean: float) -> None:
    """Paints a bottle whose two sides do not agree, seen from above at its mouth."""
    for shift, side, lit, base in ((0.0, 1, "bluegrey", "ink"), (0.035, -1, "mist", "slate")):
        u, v = turned(canvas, x, y + shift, lean)
        width = 0.022 + 0.052 * brush.smooth(-0.10, 0.0, v)
        inside = np.minimum(width - np.abs(u), np.minimum(v + 0.26, 0.20 - v)) * 0.9
        inside = np.minimum(inside, side * u + 0.012)
        solid(canvas, inside, lit, base, np.abs(u) / 0.08)
        outline(canvas, inside, 2.6, 0.9)
    u, v = turned(canvas, x, y, lean)
    mouth = 0.020 - np.hypot(u * 0.75, (v + 0.262) * 2.2)
    solid(canvas, mouth, "ink", "slate", (u + 0.02) / 0.04, 1)
    outline(canvas, mouth, 2.0, 0.9)
    c, s = np.cos(np.radians(lean)), np.sin(np.radians(lean))
    label = quad(x - 0.06 * s, y + 0.06 * c, lean, 0.125, 0.085)
    facet(canvas, label, PAINTS["cream"], PAINTS["sand"], density=0.95, fade=0.8)
    for i in range(5):
        at = (x - (0.035 + 0.014 * i) * s, y + (0.035 + 0.014 * i) * c)
        canvas.charcoal.append((quad(*at, lean, 0.09 - 0.012 * (i % 3), 0)[:2], 3.0, 0.8))


def head(canvas: Canvas, x: float, y: float) -> None:
    """Paints a face that is frontal and in profile at the same time."""
    u, v = turned(canvas, x, y, -9)
    oval = 0.118 - np.hypot(u * 1.18, v * 0.82)
    solid(canvas, oval, "sand", "sienna", (u + 0.1) / 0.2)
    outline(canvas, oval, 3.0, 0.9)
    # The profile: brow, nose, lips and chin as one line that divides light from shade.
    profile = np.interp(
        v, [-0.15, -0.07, -0.04, 0.035, 0.045, 0.062, 0.072, 0.090, 0.13],
        [0.020, 0.012, -0.002, -0.048, -0.020, -0.031, -0.022, -0.030, 0.014],
    )  # fmt: skip
    shade = np.minimum(oval + 0.012, (u - profile) * 0.8)
    solid(canvas, shade, "slate", "bluegrey", (u + 0.04) / 0.15, 0.95)
    outline(canvas, np.minimum(oval + 0.012, (u - profile) * 0.8), 3.0, 1.0)
    cheek = np.minimum(oval - 0.008, np.minimum(profile - u, v + 0.02) * 0.8)
    solid(canvas, cheek, "cream", "rose", (0.03 - u) / 0.12, 0.85)
    for eu, ev, size, light in ((-0.052, -0.030, 0.030, "cream"), (0.046, -0.046, 0.034, "mist")):
        lens = size - np.hypot(u - eu, np.abs(v - ev) + 0.62 * size)
        lens = np.minimum(lens, size * 0.9 - np.abs(u - eu))
        solid(canvas, lens, light, "sand", (u - eu) / 0.06 + 0.5, 1)
        outline(canvas, lens, 2.6, 1.0)
        iris = np.minimum(0.0105 - np.hypot(u - eu - 0.004, v - ev), lens)
        solid(canvas, iris, "ink", "ink", u * 0, 1)
        brow = 0.045 - np.hypot(u - eu, v - ev - 0.012)
        outline(canvas, np.where(v < ev - 0.018, brow, np.nan), 2.4, 0.9)
    # Hair: fans of combed arcs.
    for radius in np.linspace(0.104, 0.150, 8):
        lock = radius - np.hypot(u * 1.1, v * 0.86)
        outline(canvas, np.where((v < -0.035) & (u > -0.06), lock, np.nan), 2.6, 0.8)


def newsprint(canvas: Canvas) -> None:
    """Pastes two cuttings from a newspaper with a few words each.

    Full columns, like wallpaper with stripes, would fill the skies of stylized photos with lines.
    """
    rng = canvas.rng
    for x, y, lean, wide, high in ((0.145, 0.655, -14, 0.20, 0.24), (0.70, 0.885, 11, 0.23, 0.15)):
        facet(canvas, quad(x, y, lean, wide, high), PAINTS["cream"], PAINTS["sand"], fade=0.85)
        c, s = np.cos(np.radians(lean)), np.sin(np.radians(lean))
        for v in rng.uniform(-0.42, 0.42, 4) * high:
            words = rng.uniform(0.2, 0.7) * wide
            u = rng.uniform(-0.1, 0.1) * wide
            line = quad(x + u * c - v * s, y + u * s + v * c, lean, words, 0)[:2]
            canvas.charcoal.append((line, rng.uniform(2, 5), rng.uniform(0.35, 0.6)))


def patterns(canvas: Canvas) -> None:
    """Pastes a chessboard, a sheet of false wood grain and a strip of plain paper."""
    u, v = turned(canvas, 0.145, 0.905, -19)
    board = np.minimum(0.105 - np.abs(u), 0.085 - np.abs(v))
    solid(canvas, board, "cream", "sand", (u + 0.1) / 0.2)
    dark = np.sin(u * np.pi / 0.07) * np.sin(v * np.pi / 0.07) * 0.022
    solid(canvas, np.minimum(board, dark), "vermilion", "bistre", (v + 0.09) / 0.14, 1)
    outline(canvas, board, 2.4, 0.9)
    u, v = turned(canvas, 0.895, 0.20, 24)
    comb = u + 0.010 * np.sin(22 * v) + 0.006 * np.sin(61 * v + 40 * u)
    panel = np.minimum(0.062 - np.abs(u), 0.155 - np.abs(v))
    solid(canvas, panel, "honey", "sienna", (u + 0.06) / 0.12)
    grain = np.minimum(panel, 0.0016 * np.sin(comb * 2 * np.pi / 0.0125))
    solid(canvas, grain, "umber", "sienna", (v + 0.15) / 0.3, 0.85)
    outline(canvas, panel, 2.2, 0.8)
    u, v = turned(canvas, 0.105, 0.315, 12)
    strip = np.minimum(0.070 - np.abs(u), 0.135 - np.abs(v))
    solid(canvas, strip, "cobalt", "slate", (v + 0.13) / 0.26)
    outline(canvas, strip, 2.2, 0.8)
