"""The size of the strokes, apart from the size of the picture.

A network's strokes have a fixed size in pixels. Larger ones are painted in a smaller version of the
photo; the enlarged result is then mixed with the photo and painted again at a larger size, which
adds detail. Each pass contributes the spatial frequencies that are its own, as in a Laplacian
pyramid (Burt and Adelson 1983): otherwise the last pass would replace the large shapes by small
ones.
"""

from __future__ import annotations

import collections.abc
import math
from typing import TypeAlias

import numpy as np

from fastnst import errors, planes

AUTO = "auto"
SMALLEST, LARGEST = 0.5, 8.0
# A photo of this shorter side is about as large as those that the networks are trained with: the
# strokes fill it as the painting's do. Slightly larger ones are not worth a second pass.
_NATURAL_SIDE, _WORTHWHILE = 448, 1.4
# From pass to pass, pictures become at most this many times as large. With larger steps, the small
# strokes no longer follow the large ones.
_LARGEST_STEP = 2.6
# Share of the previous pass in the photo to paint next. The rest brings back edges and details.
_MIX = 0.5
# Up to half the highest frequency of its own picture, a pass keeps its shapes. Its higher ones are
# blurred when enlarged, and come from the next pass.
_BAND = 2

# Stylizes RGB [B, H, W, 3] in [0, 255].
Paint: TypeAlias = collections.abc.Callable[[planes.Pixels], planes.Pixels]


def parse(text: str | float | None) -> float | None:
    """Parses a size of strokes.

    Args:
        text: A number from 0.5 to 8, also as text, or "auto"; None for "auto".

    Returns:
        The number; None for "auto".

    Raises:
        UserError: If it is something else.
    """
    if text is None or text == AUTO:
        return None
    try:
        stroke = float(text)
        if not SMALLEST <= stroke <= LARGEST:
            raise ValueError
    except (TypeError, ValueError):
        raise errors.UserError(
            f"stroke {text}: should be {AUTO}, or a number from {SMALLEST:g} to {LARGEST:g}"
        ) from None
    return stroke


def fitting(height: int, width: int) -> float:
    """Returns the size of the strokes that fits a picture: 1 if its shorter side is below 627."""
    ratio = min(height, width) / _NATURAL_SIDE
    return min(ratio, LARGEST) if ratio >= _WORTHWHILE else 1.0


def passes(height: int, width: int, stroke: float, smallest: int) -> list[tuple[int, int]]:
    """Lists the sizes in which a picture is painted, from coarse to fine.

    Args:
        height: Height of the picture.
        width: Width of the picture.
        stroke: Size of the strokes.
        smallest: Shorter side that a pass must have.
    """
    stroke = min(stroke, max(min(height, width) / smallest, 1.0))
    steps = math.ceil(math.log(stroke, _LARGEST_STEP)) if stroke > 1.0 else 0
    scales = [stroke ** ((steps - step) / steps) for step in range(steps)]
    scales.append(min(stroke, 1.0))
    return [(round(height / scale), round(width / scale)) for scale in scales]


def paint(
    paint_once: Paint,
    photos: planes.Pixels,
    sizes: collections.abc.Sequence[tuple[int, int]],
    workspace: planes.Workspace,
) -> planes.Pixels:
    """Stylizes photos with strokes of a given size.

    Args:
        paint_once: Stylizes photos with strokes as trained.
        photos: RGB [B, H, W, 3] in [0, 255].
        sizes: Height and width of each pass, as returned by `passes`.
        workspace: Where results in between are kept.

    Returns:
        The same shape, in about [0, 255].
    """
    height, width = photos.shape[1:3]
    painted: planes.Pixels | None = None
    for size in sizes:
        scaled = planes.resized(photos, *size)
        if painted is None:
            painted = paint_once(scaled)
            continue
        mixed = planes.combined(_mix, planes.resized(painted, *size), scaled)
        painted = _with_shapes(paint_once(mixed), painted, workspace)
    assert painted is not None
    return planes.resized(painted, height, width)


def _mix(painted: np.ndarray, photos: np.ndarray) -> np.ndarray:
    return _MIX * painted + (1.0 - _MIX) * photos


def _with_shapes(
    fine: planes.Pixels, coarse: planes.Pixels, workspace: planes.Workspace
) -> planes.Pixels:
    """Replaces the low frequencies of a picture by those of a smaller one."""
    low = [max(1, side // _BAND) for side in coarse.shape[1:3]]
    shapes = [planes.resized(each, *low) for each in (coarse, fine)]
    difference = workspace.keep(planes.combined(np.subtract, *shapes))
    return planes.combined(np.add, fine, planes.resized(difference, *fine.shape[1:3]))
