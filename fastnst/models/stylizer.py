"""Stylizers: restored models that stylize photos.

Nothing of training is imported, and TensorFlow only to load a model that needs it.
"""

from __future__ import annotations

import collections.abc
import contextlib
import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fastnst import controls as controls_module
from fastnst import errors, files, images, planes
from fastnst.controls import rendering
from fastnst.models import work as work_module

if TYPE_CHECKING:
    from fastnst.models import tiled

# Bytes per pixel of a photo and its picture in memory, besides what the network needs.
_PHOTO_MEMORY = 24
_ANY_NUMBER = 2**31
# Receives a note for the user.
Say: TypeAlias = collections.abc.Callable[[str], None]


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
        paint: work_module.Paint,
        name: str,
        styles: collections.abc.Sequence[str] = (),
        controls: controls_module.Controls | None = None,
        *,
        first: str | None = None,
        in_tiles: tiled.TiledPainter | None = None,
        tiles: work_module.Tiles | None = None,
        check: work_module.Check = lambda style, strength: None,
    ) -> None:
        """Wraps a function.

        Args:
            paint: Function that stylizes a batch in a style with a strength.
            name: Name of the model.
            styles: Names of its styles.
            controls: Choices for all calls that make none; None for no choices.
            first: Style to use if none is chosen; None for the first of `styles`.
            in_tiles: Paints large photos; None if the model can paint only whole photos.
            tiles: Whether and how large photos are painted in tiles; None for automatically.
            check: Raises a UserError unless the model has a style and supports a strength.
        """
        self.name = name
        self.styles = tuple(styles) or (name,)
        self.controls = controls or controls_module.Controls()
        self.tiles = tiles or work_module.Tiles()
        self._paint, self._in_tiles, self._first = paint, in_tiles, first
        self.check = check

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
        folder: Path | None = None,
        progress: work_module.OnPixels | None = None,
        say: Say | None = None,
    ) -> np.ndarray:
        """Stylizes one photo, or a batch of the same size, with choices in one object.

        Args:
            photos: As in `__call__`.
            controls: The choices; None for the defaults.
            folder: Where to create temporary files if the layers of a photo that is painted in
                tiles do not fit into memory; None for the system's folder for temporary files.
            progress: Called after each tile of a photo that is painted in tiles.
            say: Called if a photo is painted in another way because memory is short.

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
        stylized = np.empty(batch.shape, np.uint8)
        if not len(batch):
            return stylized
        how = work_module.Progress(progress, len(batch))
        height, width = batch.shape[1:3]
        with self._work(height, width, controls, folder, planes.Workspace(), how, say) as work:
            for first in range(0, len(batch), work.at_once):
                part = slice(first, first + work.at_once)
                picture = planes.Plane(stylized[part])
                self._render(planes.Plane(batch[part]), picture.write, work)
        return stylized.reshape(shape)

    def paint_parts(
        self,
        photo: planes.Pixels,
        write: collections.abc.Callable[[slice, slice, np.ndarray], None],
        controls: controls_module.Controls | None = None,
        *,
        folder: Path,
        progress: work_module.OnPixels | None = None,
        say: Say | None = None,
    ) -> None:
        """Stylizes a photo that is read and written in parts.

        Args:
            photo: RGB [1, H, W, 3] in 0..255.
            write: Receives the rows and columns of a part, and its pixels, uint8.
            controls: The choices; None for the defaults.
            folder: Where to create temporary files with intermediate pictures and layers.
            progress: Called after each tile.
            say: As in `paint`.

        Raises:
            UserError: As in `__call__`.
        """
        workspace = planes.Workspace(folder)
        _, height, width, _ = photo.shape
        how = work_module.Progress(progress, 1)
        with self._work(height, width, controls, folder, workspace, how, say) as work:
            self._render(photo, write, work)

    @contextlib.contextmanager
    def _work(
        self,
        height: int,
        width: int,
        controls: controls_module.Controls | None,
        folder: Path | None,
        workspace: planes.Workspace,
        progress: work_module.Progress,
        say: Say | None,
    ) -> collections.abc.Iterator[work_module.Work]:
        """Decides how to paint photos of one size; raises a UserError if memory or disk run out."""
        if min(height, width) < images.MIN_SIDE:
            raise errors.UserError(
                f"{width} x {height} pixels is too small to stylize; each side should be at least "
                f"{images.MIN_SIDE}"
            )
        chosen = controls.over(self.controls) if controls else self.controls
        sizes = rendering.sizes(height, width, chosen)
        memory = self.tiles.memory_left()
        layers = memory - (_PHOTO_MEMORY * height * width if workspace.in_memory else 0)
        modes = {size: self._mode(*size, layers) for size in sizes}
        if say and self.tiles.mode == "auto" and "thumbnail" in modes.values():
            say(
                f"{width} x {height} pixels do not fit into memory; painting with the statistics "
                "of a small version (--tiles exact uses the disk instead)"
            )
        work = work_module.Work(chosen, workspace, modes, layers, progress)
        if set(modes.values()) == {"off"}:
            work.at_once = self._at_once(height, width, sizes, memory)
        try:
            with contextlib.ExitStack() as stack:
                if "exact" in modes.values():
                    work.folder = stack.enter_context(files.scratch(folder))
                yield work
        except MemoryError:
            advice = ", or paint in tiles (--tiles thumbnail)" if self._in_tiles else ""
            raise errors.UserError(
                f"{width} x {height} pixels: not enough memory to stylize; scale the photo down "
                f"(--size), stylize fewer at once (--batch){advice}"
            ) from None
        except OSError as error:
            raise errors.UserError(
                f"{folder or tempfile.gettempdir()}: temporary files cannot be written "
                f"({error.strerror}); free disk space, or set TMPDIR to another folder"
            ) from None

    def _mode(self, height: int, width: int, memory: float) -> str:
        if self._in_tiles is not None:
            return self._in_tiles.choose(height, width, self.tiles.mode, memory)
        if self.tiles.mode == "thumbnail":
            raise errors.UserError(
                f"{self.name}: neither an exported SavedModel nor an imported network paints in "
                "tiles; name a run or its weights, or use --tiles off"
            )
        # The picture is the same as in exact tiles.
        return "off"

    def _at_once(self, height: int, width: int, sizes: list[tuple[int, int]], memory: float) -> int:
        """Returns how many whole photos fit into memory."""
        if self._in_tiles is None or not self._in_tiles.in_main_memory or self.tiles.mode == "off":
            return _ANY_NUMBER
        largest = max(self._in_tiles.memory_for(*size) for size in sizes)
        return max(1, int(memory // (largest + _PHOTO_MEMORY * height * width)))

    def _render(
        self,
        photos: planes.Pixels,
        write: collections.abc.Callable[[slice, slice, np.ndarray], None],
        work: work_module.Work,
    ) -> None:
        _, height, width, _ = photos.shape
        paint = functools.partial(self._paint_once, work)
        painter = rendering.Painter(paint, self.styles, self._first)
        work.progress.each = rendering.pixels_to_paint(painter, height, width, work.controls)
        stylized = rendering.render(painter, photos, work.controls, work.workspace)
        for part in planes.bands(stylized):
            write(*part, images.to_uint8(stylized.read(*part)))

    def _paint_once(
        self,
        work: work_module.Work,
        photos: planes.Pixels,
        style: str | None,
        strength: float | None,
    ) -> planes.Pixels:
        """Stylizes photos in one pass of the strokes."""
        count, height, width, _ = photos.shape
        mode = work.modes[height, width]
        picture: planes.Pixels
        if mode == "off" or self._in_tiles is None:
            picture = planes.Plane(self._paint(planes.whole(photos), style, strength))
        else:
            picture = work.workspace.new(photos.shape)
            self._in_tiles.paint(
                photos,
                picture.write,
                style,
                strength,
                mode=mode,
                memory=work.memory,
                folder=work.folder,
                progress=functools.partial(work.progress.report, height * width),
            )
        work.progress.done += count * height * width
        return picture


def checked(
    check: work_module.Check, first: str | None, grain: float, defaults: dict[str, Any]
) -> controls_module.Controls:
    """Returns the default choices of a stylizer.

    Args:
        check: As in `Stylizer`.
        first: As in `Stylizer`.
        grain: Of the model, in levels.
        defaults: The attributes of `fastnst.controls.Controls`.

    Raises:
        UserError: If a choice is not available, now rather than at the first photo.
    """
    controls = controls_module.Controls(**defaults)
    check(controls.style or first, controls.strength)
    for style in controls.masked_styles:
        check(style, controls.strength)
    return controls.over(controls_module.Controls(grain=grain))
