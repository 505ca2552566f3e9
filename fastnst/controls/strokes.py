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

from fastnst import errors, images

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

# Stylizes float32 RGB [B, H, W, 3] in [0, 255].
Paint: TypeAlias = collections.abc.Callable[[np.ndarray], np.ndarray]


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


def paint(paint_once: Paint, photos: np.ndarray, stroke: float, smallest: int) -> np.ndarray:
    """Stylizes photos with strokes of a given size.

    Args:
        paint_once: Stylizes photos with strokes as trained.
        photos: float32 RGB [B, H, W, 3] in [0, 255].
        stroke: Size of the strokes: 1 as trained, 2 twice as large.
        smallest: Shorter side that `paint_once` requires.

    Returns:
        The same shape, in about [0, 255].
    """
    height, width = photos.shape[1:3]
    painted: np.ndarray | None = None
    for size in passes(height, width, stroke, smallest):
        scaled = images.resize_batch(photos, *size)
        if painted is None:
            painted = paint_once(scaled)
            continue
        mixed = _MIX * images.resize_batch(painted, *size) + (1.0 - _MIX) * scaled
        painted = _with_shapes(paint_once(mixed), painted)
    assert painted is not None
    return images.resize_batch(painted, height, width)


def _with_shapes(fine: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """Replaces the low frequencies of a picture by those of a smaller one."""
    height, width = (max(1, side // _BAND) for side in coarse.shape[1:3])
    difference = images.resize_batch(coarse, height, width)
    difference -= images.resize_batch(fine, height, width)
    return fine + images.resize_batch(difference, *fine.shape[1:3])
