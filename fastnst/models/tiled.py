"""Paints photos in tiles with a restored model, and decides when tiles are needed."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from fastnst import devices, errors, planes
from fastnst.models import model
from fastnst.nets import passes, tiling, transform_net

# The choices of a user; see `Tiles`.
MODES = ("auto", "exact", "thumbnail", "off")
# Longer side in pixels of the version from which `thumbnail` takes the moments.
THUMBNAIL_SIDE = 1024
# A tile of about 128 x 128 pixels of the default network, and TensorFlow's own buffers.
_LEAST_MEMORY = 192 * 2**20
# Share of the free memory that is used by default.
_SHARE = 0.75


@dataclasses.dataclass(frozen=True)
class Tiles:
    """Whether and how large photos are painted in tiles.

    Attributes:
        mode: "exact" paints the same picture as the whole photo would give; "thumbnail" takes the
            moments of the norms from a small version; "off" paints all photos whole; "auto" paints
            whole, exactly, or if memory is too small, with a thumbnail.
        max_memory: Bytes that the process may use; None for what is used and three quarters of
            what is free.
    """

    mode: str = "auto"
    max_memory: int | None = None

    def __post_init__(self) -> None:
        """Checks the mode.

        Raises:
            UserError: If there is no such mode.
        """
        if self.mode not in MODES:
            raise errors.UserError(f"tiles {self.mode}: should be one of {', '.join(MODES)}")

    def free(self) -> float:
        """Returns the bytes that are left.

        Raises:
            UserError: If they are too few for any photo.
        """
        used = devices.used_memory()
        if self.max_memory is None:
            return _SHARE * devices.available_memory()
        left = self.max_memory - used
        if left < _LEAST_MEMORY:
            raise errors.UserError(
                f"{self.max_memory / 2**20:,.0f} MiB is too little memory: the program and the "
                f"model already take {used / 2**20:,.0f} MiB; allow at least "
                f"{(used + _LEAST_MEMORY) / 2**20:,.0f} MiB"
            )
        return left


class TiledPainter:
    """Paints photos of any size with one restored model."""

    def __init__(self, restored: model.Model, net: transform_net.TransformNet) -> None:
        """Takes a model, and its frozen network."""
        self._restored = restored
        self._painter = tiling.TilePainter(net)
        self._network = tuple(self._painter.steps.values())

    def choose(self, height: int, width: int, tiles: Tiles, *, overhead: int = 0) -> str:
        """Returns how to paint a photo: "exact", "thumbnail", or "off" for whole.

        Args:
            height: Height of the photo.
            width: Width of the photo.
            tiles: The user's choice.
            overhead: Bytes per pixel for the photo and the picture themselves.

        Raises:
            UserError: If memory is insufficient for any photo.
        """
        pixels = height * width
        whole = passes.tile_memory(self._network) * pixels
        if tiles.mode == "off":
            return "off"
        if tiles.mode == "thumbnail":
            return "off" if max(height, width) <= THUMBNAIL_SIDE else "thumbnail"
        free = tiles.free() - overhead * pixels
        if whole <= min(passes.WHOLE_MEMORY, free) or (tiles.mode == "auto" and devices.has_gpu()):
            return "off"
        frugal = passes.most_frugal(self._network).kept_memory * pixels + tiling.TILE_MEMORY
        return "exact" if tiles.mode == "exact" or frugal <= free else "thumbnail"

    def paint(
        self,
        photo: planes.Pixels,
        write: tiling.Write,
        style: str | None,
        strength: float | None,
        resources: tiling.Resources,
        *,
        mode: str,
    ) -> None:
        """Paints a photo in tiles.

        Args:
            photo: RGB [1, H, W, 3] in 0..255.
            write: Receives the picture in parts, float32 in [0, 255].
            style: As in `Stylizer.__call__`.
            strength: As in `Stylizer.__call__`.
            resources: The resources to use.
            mode: "exact" or "thumbnail".
        """
        row, keep = self._restored.select(style, strength)
        chosen = tiling.Style(tf.constant(row), None if keep is None else tf.constant(keep))
        moments = None
        if mode == "thumbnail":
            moments = self._painter.moments(thumbnail(photo), chosen)
        self._painter.paint(photo, write, chosen, moments, resources)


def thumbnail(photo: planes.Pixels, side: int = THUMBNAIL_SIDE) -> np.ndarray:
    """Scales a photo to a longer side of `side`.

    Returns:
        float32 [1, h, w, 3], each side at least that of the smallest photo that can be stylized.
    """
    sizes = photo.shape[1:3]
    scale = side / max(sizes)
    height, width = (max(round(size * scale), min(size, transform_net.MIN_SIDE)) for size in sizes)
    return planes.whole(planes.resized(photo, height, width))
