"""Carries out all controls around a network, or around any other program that stylizes photos."""

from __future__ import annotations

import collections.abc
import dataclasses
from typing import TypeAlias

import numpy as np

from fastnst.controls import colors, masks, strokes
from fastnst.controls.controls import Controls
from fastnst.nets import grain, transform_net

# Maps float32 RGB [B, H, W, 3] in [0, 255], a style or None, and a strength or None to the same
# shape, float or uint8.
Paint: TypeAlias = collections.abc.Callable[[np.ndarray, str | None, float | None], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Painter:
    """A model, as the controls use it.

    Attributes:
        paint: Stylizes photos in one style.
        styles: Names of the model's styles.
        first: The style of a photo for which none is chosen; None for the first of `styles`.
    """

    paint: Paint
    styles: collections.abc.Sequence[str]
    first: str | None = None


def render(painter: Painter, photos: np.ndarray, controls: Controls) -> np.ndarray:
    """Stylizes photos; the order of operations is that of `Controls`.

    Args:
        painter: The model.
        photos: float32 RGB [B, H, W, 3] in [0, 255].
        controls: The choices.

    Returns:
        The same shape, float or uint8, in about [0, 255].

    Raises:
        UserError: If a mask does not fit, or the model lacks a style or the strength.
    """
    height, width = photos.shape[1:3]
    plan = _plan(painter, controls, height, width)
    stroke = strokes.parse(controls.stroke) or strokes.fitting(height, width)

    def paint_once(scaled: np.ndarray) -> np.ndarray:
        if controls.grain:
            drawn = grain.grain(*scaled.shape[1:3], seed=np.uint32(controls.seed or 0))
            scaled = scaled + np.float32(controls.grain) * np.asarray(drawn)
        return _paint(painter, scaled, controls, plan)

    painted = strokes.paint(paint_once, photos, stroke, transform_net.MIN_SIDE)
    palette = colors.parse(controls.colors)
    covered = None if plan is None else plan.covered
    if palette != 0.0 and (covered is None or covered.any()):
        pairs = zip(painted, photos, strict=True)
        painted = np.stack([colors.apply(*pair, palette, covered) for pair in pairs])
    if covered is None:
        return painted
    return photos + covered[..., np.newaxis] * (painted - photos)


def _plan(painter: Painter, controls: Controls, height: int, width: int) -> masks.Plan | None:
    if not controls.masks:
        return None
    # Masks that only keep the photo leave the rest to be painted.
    only_photo = set(controls.masks) == {masks.PHOTO}
    chosen = controls.style or painter.first if only_photo else controls.style
    rest = painter.styles[0] if only_photo and chosen is None else chosen
    return masks.fit(controls.masks, rest, height, width)


def _paint(
    painter: Painter, photos: np.ndarray, controls: Controls, plan: masks.Plan | None
) -> np.ndarray:
    """Stylizes photos in one style, or in those of a plan."""
    strength = controls.strength
    if plan is None:
        return painter.paint(photos, controls.style or painter.first, strength)
    if len(plan.styles) == 1:
        return painter.paint(photos, plan.styles[0], strength)
    # Pictures of the whole photo are blended, in every pass. To blend the styles inside the network
    # would be faster, but is pale and soft: its norms would have the statistics of no style.
    shares = plan.at(*photos.shape[1:3])
    pictures = (painter.paint(photos, style, strength) for style in plan.styles)
    parts = zip(np.moveaxis(shares, -1, 0), pictures, strict=True)
    return np.sum([share[..., np.newaxis] * picture for share, picture in parts], axis=0)
