"""Stylizers: restored models that stylize photos.

This module imports nothing of training: no loss network and no data pipeline.
"""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import functools
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from fastnst import controls as controls_module
from fastnst import devices, errors, files, images, planes
from fastnst.controls import rendering
from fastnst.models import model, store, tiled
from fastnst.nets import tiling, transform_net

_TILES = tiled.Tiles()
# Bytes per pixel of a photo and its picture in memory, besides what the network needs.
_PHOTO_MEMORY = 24
# Receives the number of pixels painted, and their total in all passes.
Progress: TypeAlias = collections.abc.Callable[[int, int], None]
# Maps float32 RGB [B, H, W, 3] in [0, 255], a style or None, and a strength or None to the same
# shape, float or uint8.
Paint: TypeAlias = collections.abc.Callable[[tf.Tensor, str | None, float | None], tf.Tensor]
# Raises a UserError if a style, or None, cannot be painted with a strength, or None.
Check: TypeAlias = collections.abc.Callable[[str | None, float | None], object]


class Stylizer:
    """Stylizes photos with one trained model.

    Example:
        >>> stylizer = fastnst.load("gallery", style="wave")
        >>> stylized = stylizer(photo)  # uint8 [H, W, 3] in, uint8 [H, W, 3] out
        >>> softer = stylizer(photo, strength=0.5)
        >>> blended = stylizer(photo, style="wave:0.6,candy:0.4")
        >>> recolored = stylizer(photo, stroke=2, colors="photo")

    Attributes:
        name: Name of the model.
        styles: Names of its styles.
        controls: Choices for all calls that make none.
        tiles: Whether and how large photos are painted in tiles.
    """

    def __init__(
        self,
        paint: Paint,
        name: str,
        styles: collections.abc.Sequence[str] = (),
        controls: controls_module.Controls | None = None,
        *,
        first: str | None = None,
        in_tiles: tiled.TiledPainter | None = None,
        tiles: tiled.Tiles = _TILES,
    ) -> None:
        """Wraps a function.

        Args:
            paint: Function that stylizes a batch in a style with a strength.
            name: Name of the model.
            styles: Names of its styles.
            controls: Choices for all calls that make none; None for no choices.
            first: Style to use if none is chosen; None for the first of `styles`.
            in_tiles: Paints large photos; None if the model can paint only whole photos.
            tiles: Whether and how large photos are painted in tiles.
        """
        self.name = name
        self.styles = tuple(styles) or (name,)
        self.controls = controls or controls_module.Controls()
        self.tiles = tiles
        self._paint, self._in_tiles, self._first = paint, in_tiles, first

    def __call__(
        self,
        photos: np.ndarray,
        style: str | None = None,
        strength: float | None = None,
        *,
        stroke: float | str | None = None,
        colors: float | str | None = None,
        masks: collections.abc.Mapping[str, np.ndarray] | None = None,
        grain: float | None = None,
        seed: int | None = None,
    ) -> np.ndarray:
        """Stylizes one photo, or a batch of photos of the same size.

        Args:
            photos: RGB [H, W, 3] or [B, H, W, 3] in 0..255, uint8 or float, at least 16 x 16;
                or anything that NumPy converts to such an array, such as a Pillow image.
            style: A style's name, or a blend such as "wave:0.6,candy:0.4"; None for the
                default.
            strength: From 0 (the photo itself) through 1 (the style as trained) to 1.5; None for
                the default.
            stroke: Size of the strokes, from 0.5 to 8 times as trained, or "auto", which fits them
                to the photo's size; None for the default.
            colors: "style", "photo", "match", or a number from 0 (style) to 1 (photo); None for
                the default.
            masks: Style to mask, [H, W] in 0..1 or uint8 in 0..255; None for the default.
            grain: Standard deviation of the grain in levels of 255; None for the default.
            seed: Seed of the grain; None for the default.
                `fastnst.controls.Controls` describes the choices.

        Returns:
            uint8 of the same shape.

        Raises:
            UserError: If the array has another shape or values that are not finite, a choice is
                not available, or memory is insufficient.
        """
        chosen = controls_module.Controls(style, strength, stroke, colors, masks, grain, seed)
        return self.paint(photos, chosen)

    def paint(
        self,
        photos: np.ndarray,
        controls: controls_module.Controls | None = None,
        *,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Stylizes one photo, or a batch of the same size, with choices in one object.

        Args:
            photos: As in `__call__`.
            controls: The choices; None for the defaults.
            progress: Called after each tile of a photo that is painted in tiles.

        Returns:
            uint8 of the same shape.

        Raises:
            UserError: As in `__call__`.
        """
        photos = np.asarray(photos)
        shape = photos.shape
        if len(shape) not in (3, 4) or shape[-1] != 3:
            raise errors.UserError(
                f"expected RGB of shape [H, W, 3] or [B, H, W, 3], found {list(shape)}"
            )
        if not (np.issubdtype(photos.dtype, np.number) and np.isfinite(photos).all()):
            raise errors.UserError(
                f"expected finite numbers in 0..255, found other values ({photos.dtype})"
            )
        batch = photos if len(shape) == 4 else photos[np.newaxis]
        if not len(batch):
            return np.zeros(shape, np.uint8)
        chosen = controls.over(self.controls) if controls else self.controls
        stylized = np.empty(batch.shape, np.uint8)
        height, width = batch.shape[1:3]
        _check_size(height, width)
        step = 1 if self._needs_tiles(height, width, chosen) else len(batch)
        for first in range(0, len(batch), step):
            part = slice(first, first + step)
            picture = planes.Plane.of(stylized[part])
            self.paint_parts(planes.Plane.of(batch[part]), picture.write, chosen, progress=progress)
        return stylized.reshape(shape)

    def paint_parts(
        self,
        photos: planes.Pixels,
        write: collections.abc.Callable[[slice, slice, np.ndarray], None],
        controls: controls_module.Controls | None = None,
        *,
        folder: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Stylizes a photo, or a batch of the same size, that is read and written in parts.

        Args:
            photos: RGB [B, H, W, 3] in 0..255; one that is painted in tiles is alone.
            write: Receives the rows and columns of a part, and its pixels, uint8.
            controls: The choices; None for the defaults.
            folder: Folder for results in between, which are deleted later; None keeps them in
                memory.
            progress: Called after each tile.

        Raises:
            UserError: As in `__call__`.
        """
        count, height, width, _ = photos.shape
        _check_size(height, width)
        chosen = controls.over(self.controls) if controls else self.controls
        with contextlib.ExitStack() as stack:
            place = _Place(planes.Workspace(), progress)
            if folder or self._needs_tiles(height, width, chosen):
                place.folder = stack.enter_context(files.scratch(folder))
                place.workspace = planes.Workspace(folder and place.folder)
            painter = rendering.Painter(
                functools.partial(self._paint_once, place), self.styles, self._first
            )
            place.total = count * rendering.pixels_to_paint(painter, height, width, chosen)
            try:
                stylized = rendering.render(painter, photos, chosen, place.workspace)
                for part in planes.bands(stylized):
                    write(*part, images.to_uint8(stylized.read(*part)))
            except (tf.errors.ResourceExhaustedError, MemoryError):
                raise errors.UserError(
                    f"{count} of {width} x {height} pixels: not enough memory to stylize; scale "
                    "it down (--size), stylize fewer at once (--batch), or paint in tiles "
                    "(--tiles thumbnail)"
                ) from None

    def _needs_tiles(self, height: int, width: int, controls: controls_module.Controls) -> bool:
        sizes = rendering.sizes(height, width, controls)
        return any(self.mode_for(*size) != "off" for size in sizes)

    def mode_for(self, height: int, width: int) -> str:
        """Returns how photos of a size are painted: "exact", "thumbnail", or "off" for whole.

        Raises:
            UserError: If the model cannot paint in tiles as chosen, or memory is insufficient.
        """
        if self._in_tiles is not None:
            return self._in_tiles.choose(height, width, self.tiles, overhead=_PHOTO_MEMORY)
        if self.tiles.mode in ("exact", "thumbnail"):
            raise errors.UserError(
                f"{self.name}: an exported SavedModel cannot paint in tiles; name the run or its "
                "weights, or use --tiles off"
            )
        return "off"

    def _paint_once(
        self, place: _Place, photos: planes.Pixels, style: str | None, strength: float | None
    ) -> planes.Pixels:
        """Stylizes photos in one pass of the strokes."""
        count, height, width, _ = photos.shape
        mode = self.mode_for(height, width)
        if mode == "off" or self._in_tiles is None or count > 1:
            pixels = tf.constant(planes.whole(photos), tf.float32)
            # Unlike .numpy(), np.asarray does not copy.
            picture = planes.Plane.of(np.asarray(self._paint(pixels, style, strength)))
        else:
            picture = place.workspace.new(photos.shape)
            resources = tiling.Resources(
                self.tiles.free(), place.folder, functools.partial(place.report, height * width)
            )
            self._in_tiles.paint(photos, picture.write, style, strength, resources, mode=mode)
        place.done += count * height * width
        return picture


def _check_size(height: int, width: int) -> None:
    if min(height, width) < transform_net.MIN_SIDE:
        raise errors.UserError(
            f"{width} x {height} pixels is too small to stylize; each side should be at least "
            f"{transform_net.MIN_SIDE}"
        )


@dataclasses.dataclass
class _Place:
    """Where the parts of one photo are painted, and how far the work is.

    Attributes:
        workspace: Where pictures in between are kept.
        progress: Receives the pixels painted, and their total; None for nothing.
        folder: A folder for layers that do not fit into memory; None if there are no tiles.
        done: Number of pixels painted.
        total: Number of pixels to paint, in all passes.
    """

    workspace: planes.Workspace
    progress: Progress | None
    folder: Path | None = None
    done: int = 0
    total: int = 0

    def report(self, pixels: int, done: int, total: int) -> None:
        """Reports that `done` of `total` tiles of a pass with this many pixels are painted."""
        if self.progress:
            self.progress(self.done + round(pixels * done / total), self.total)


def load(
    name: str | Path | store.Reference,
    precision: str = "auto",
    *,
    tiles: str = "auto",
    max_memory: int | None = None,
    **defaults: Any,
) -> Stylizer:
    """Loads a model to stylize with.

    Args:
        name: Name of a model, which is looked up in ./models and then among the shipped models;
            the name of one of their styles; or the path of a run, a checkpoint or an exported
            SavedModel.
        precision: "float32"; "bfloat16", whose pictures differ slightly; or "auto", which selects
            bfloat16 if the device is fast at it. A SavedModel keeps its own precision.
        tiles: How to paint large photos: "exact", in tiles that give the same picture; "thumbnail",
            in tiles with the statistics of a small version; "off", whole; or "auto".
        max_memory: Bytes of memory that the program may use; None for three quarters of what is
            free.
        **defaults: Choices for all calls that make none, the attributes of
            `fastnst.controls.Controls`: style, strength, stroke, colors, masks, grain, seed.

    Raises:
        UserError: If the model or a choice is not available; the message says what is.
    """
    choice = tiled.Tiles(tiles, max_memory)
    reference = name if isinstance(name, store.Reference) else store.find(name)
    controls = controls_module.Controls(**defaults)
    if (reference.path / store.SAVED_MODEL).exists():
        names, grain = store.styles(reference.path), store.grain(reference.path)
        paint, check = _saved_model(reference.path, names)
        in_tiles = None
    else:
        dtype = devices.compute_dtype(precision)
        restored = store.load(reference, dtype, fused_norms=not devices.has_gpu())
        names, grain = restored.description.names, restored.description.grain
        # Constants can be folded, and single photos have faster norms.
        net = restored.net.frozen()
        paint, check = _painter(restored, net), restored.select
        in_tiles = tiled.TiledPainter(restored, net)
    controls = controls.over(controls_module.Controls(grain=grain))
    # Raises errors now rather than at the first photo.
    check(controls.style or reference.style, controls.strength)
    for style in controls.masked_styles:
        check(style, controls.strength)
    return Stylizer(
        paint,
        reference.name,
        names,
        controls,
        first=reference.style,
        in_tiles=in_tiles,
        tiles=choice,
    )


def _painter(restored: model.Model, net: transform_net.TransformNet) -> Paint:
    row = tf.TensorSpec([net.layout.size])
    photos = [tf.TensorSpec([count, None, None, 3]) for count in (1, None)]
    whole = {
        (one, keeps): tf.function(
            net, [batch, row, *([tf.TensorSpec([])] if keeps else [])], autograph=False
        )
        for one, batch in zip((True, False), photos, strict=True)
        for keeps in (True, False)
    }

    def paint(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        row, keep = restored.select(style, strength)
        chosen = [tf.constant(row), *([] if keep is None else [tf.constant(keep)])]
        return whole[len(photos) == 1, keep is not None](photos, *chosen)

    return paint


def _saved_model(path: Path, names: collections.abc.Sequence[str]) -> tuple[Paint, Check]:
    """Restores an exported SavedModel, of fastnst's own or of another program's."""
    try:
        signatures = tf.saved_model.load(str(path)).signatures
        default = signatures["serving_default"]
        (given,) = default.structured_input_signature[1]
        (returned,) = default.structured_outputs
    except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
        reason = str(error).strip().splitlines()[0]
        raise errors.UserError(f"{path}: not an exported style ({reason})") from None

    def check(style: str | None, strength: float | None) -> list[float]:
        if strength is not None and strength != 1.0:
            if "serving_strength" not in signatures:
                raise errors.UserError(
                    f"{path}: strength {strength:g}: this SavedModel supports 1 only; name the "
                    "run or its weights, or export a model with `identity: on` again"
                )
            model.check_strength(strength)
        return model.parse_blend(style, names)

    def paint(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        shares = check(style, strength)
        if strength is not None and strength != 1.0:
            chosen = signatures["serving_strength"]
            choices = {"style": tf.constant(shares), "strength": tf.constant(strength)}
            return chosen(images=photos, **choices)["stylized"]
        if style is None or len(names) == 1:
            return default(**{given: photos})[returned]
        of_styles = signatures["serving_styles"]
        return of_styles(images=photos, style=tf.constant(shares))["stylized"]

    return paint, check
