"""Carries out all controls around a network, or around any other program that stylizes photos."""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
from typing import TypeAlias

import numpy as np

from fastnst import images, planes
from fastnst.controls import colors, grain, masks, strokes
from fastnst.controls.controls import Controls

# Maps RGB [B, H, W, 3] in [0, 255], a style or None, and a strength or None to the same shape.
Paint: TypeAlias = collections.abc.Callable[
    [planes.Pixels, str | None, float | None], planes.Pixels
]


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


def render(
    painter: Painter,
    photos: planes.Pixels,
    controls: Controls,
    workspace: planes.Workspace | None = None,
) -> planes.Pixels:
    """Stylizes photos; the order of operations is that of `Controls`.

    Args:
        painter: The model.
        photos: RGB [B, H, W, 3] in [0, 255].
        controls: The choices.
        workspace: Where results in between are kept; None for memory.

    Returns:
        The same shape, in about [0, 255]. What follows the network is computed when it is read.

    Raises:
        UserError: If a mask does not fit, or the model lacks a style or the strength.
    """
    height, width = photos.shape[1:3]
    plan = _plan(painter, controls, height, width)

    def paint_once(scaled: planes.Pixels) -> planes.Pixels:
        if controls.grain:
            scaled = _with_grain(scaled, controls.grain, controls.seed or 0)
        return _paint(painter, scaled, controls, plan)

    workspace = workspace or planes.Workspace()
    painted = strokes.paint(paint_once, photos, sizes(height, width, controls), workspace)
    palette = colors.parse(controls.colors)
    covered = None if plan is None else plan.covered(height, width)
    if palette != 0.0:
        painted = _recolored(painted, photos, palette, covered)
    return painted if covered is None else planes.combined(_cover, photos, painted, covered)


def sizes(height: int, width: int, controls: Controls) -> list[tuple[int, int]]:
    """Lists the sizes in which a network stylizes a photo, from coarse to fine strokes."""
    stroke = strokes.parse(controls.stroke) or strokes.fitting(height, width)
    return strokes.passes(height, width, stroke, images.MIN_SIDE)


def pixels_to_paint(painter: Painter, height: int, width: int, controls: Controls) -> int:
    """Returns how many pixels a network stylizes in all passes and styles of one photo."""
    plan = _plan(painter, controls, height, width)
    once = sum(rows * columns for rows, columns in sizes(height, width, controls))
    return once * (1 if plan is None else len(plan.styles))


def _with_grain(photos: planes.Pixels, deviation: float, seed: int) -> planes.Pixels:
    def add(rows: slice, columns: slice) -> np.ndarray:
        height, width = rows.stop - rows.start, columns.stop - columns.start
        place = {"top": rows.start, "left": columns.start}
        drawn = grain.grain(height, width, seed=seed, **place)
        return photos.read(rows, columns) + np.float32(deviation) * drawn

    return planes.Computed(photos.shape, add)


def _plan(painter: Painter, controls: Controls, height: int, width: int) -> masks.Plan | None:
    if not controls.masks:
        return None
    # Masks that only keep the photo leave the rest to be painted.
    only_photo = set(controls.masks) == {masks.PHOTO}
    chosen = controls.style or painter.first if only_photo else controls.style
    rest = painter.styles[0] if only_photo and chosen is None else chosen
    return masks.fit(controls.masks, rest, height, width)


def _paint(
    painter: Painter, photos: planes.Pixels, controls: Controls, plan: masks.Plan | None
) -> planes.Pixels:
    """Stylizes photos in one style, or in those of a plan."""
    strength = controls.strength
    if plan is None:
        return painter.paint(photos, controls.style or painter.first, strength)
    if len(plan.styles) == 1:
        return painter.paint(photos, plan.styles[0], strength)
    # Pictures of the whole photo are blended, in every pass. To blend the styles inside the network
    # would be faster, but is pale and soft: its norms would have the statistics of no style.
    shares = plan.shares(*photos.shape[1:3])
    pictures = [painter.paint(photos, style, strength) for style in plan.styles]
    return planes.combined(_blend, *pictures, shares)


def _blend(*parts: np.ndarray) -> np.ndarray:
    """Adds pictures, all but the last part, weighted by their shares, the last part."""
    *pictures, shares = parts
    weighted = (shares[..., index, np.newaxis] * each for index, each in enumerate(pictures))
    return functools.reduce(np.add, weighted)


def _cover(photos: np.ndarray, painted: np.ndarray, covered: np.ndarray) -> np.ndarray:
    return photos + covered * (painted - photos)


def _recolored(
    painted: planes.Pixels,
    photos: planes.Pixels,
    choice: str | float,
    covered: planes.Pixels | None,
) -> planes.Pixels:
    """Gives each painting the colors of its photo; only the covered pixels are measured."""
    found = [_palettes(each, covered) for each in (painted, photos)]
    if any(palette.weight == 0.0 for palette in found[0]):
        return painted

    def apply(paintings: np.ndarray, photos: np.ndarray) -> np.ndarray:
        parts = zip(paintings, photos, *found, strict=True)
        return np.stack(
            [colors.apply(painting, photo, choice, *both) for painting, photo, *both in parts]
        )

    return planes.combined(apply, painted, photos)


def _palettes(pixels: planes.Pixels, covered: planes.Pixels | None) -> list[colors.Palette]:
    """Measures the colors of each image."""
    found: list[colors.Palette] = []
    for part in planes.bands(pixels):
        weights = None if covered is None else covered.read(*part)[0, ..., 0]
        palettes = [colors.Palette.of(image, weights) for image in pixels.read(*part)]
        pairs = zip(found, palettes, strict=True)
        found = [before + palette for before, palette in pairs] if found else palettes
    return found
