"""Paints photos in tiles with a restored model, and decides when tiles are needed."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from fastnst import devices, errors, planes
from fastnst.models import model
from fastnst.nets import sweeps, tiling, transform_net

# The choices of a user; see `Tiles`.
MODES = ("auto", "exact", "thumbnail", "off")
# Longer side in pixels of the version from which `thumbnail` takes the moments.
THUMBNAIL_SIDE = 1024
# The smallest useful tile, and TensorFlow's own buffers.
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
        used: Bytes that the process uses without a photo.
    """

    mode: str = "auto"
    max_memory: int | None = None
    used: int = dataclasses.field(default_factory=devices.used_memory)

    def __post_init__(self) -> None:
        """Checks the choices.

        Raises:
            UserError: If there is no such mode, or memory is insufficient for any photo.
        """
        if self.mode not in MODES:
            raise errors.UserError(f"tiles {self.mode}: should be one of {', '.join(MODES)}")
        if self.max_memory is not None and self.memory_left() < _LEAST_MEMORY:
            raise errors.UserError(
                f"max_memory {self.max_memory / 2**20:,.0f} MiB: is too little, because the "
                f"program and the model take {self.used / 2**20:,.0f} MiB; allow at least "
                f"{(self.used + _LEAST_MEMORY) / 2**20:,.0f} MiB"
            )

    def memory_left(self) -> float:
        """Returns the memory that a photo may use, in bytes."""
        if self.max_memory is None:
            return _SHARE * devices.available_memory()
        return self.max_memory - self.used


class TiledPainter:
    """Paints photos of any size with one restored model."""

    def __init__(self, restored: model.Model, net: transform_net.TransformNet) -> None:
        """Takes a model, and its frozen network."""
        self._restored = restored
        self._painter = tiling.TilePainter(net)
        self._network = tuple(self._painter.steps.values())

    def choose(self, height: int, width: int, mode: str, memory: float) -> str:
        """Returns how to paint a photo: "exact", "thumbnail", or "off" for whole.

        Args:
            height: Height of the photo.
            width: Width of the photo.
            mode: The user's choice, one of MODES.
            memory: Bytes for the network's layers.
        """
        is_small = max(height, width) <= THUMBNAIL_SIDE
        if mode == "thumbnail" and not is_small:
            return mode
        whole = self.memory_for(height, width)
        if mode == "off" or (mode == "auto" and devices.has_gpu()):
            return "off"
        if whole <= min(sweeps.WHOLE_MEMORY, memory):
            return "off"
        kept = sweeps.most_frugal(self._network).kept_memory * height * width
        fits = kept + tiling.TILE_MEMORY <= memory
        return "exact" if mode == "exact" or is_small or fits else "thumbnail"

    def memory_for(self, height: int, width: int) -> float:
        """Returns the bytes that it takes to paint a photo whole."""
        return sweeps.tile_memory(self._network) * height * width

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
        choice = tiling.Choice(tf.constant(row), None if keep is None else tf.constant(keep))
        moments = None
        if mode == "thumbnail":
            small = planes.Plane(thumbnail(photo, THUMBNAIL_SIDE))
            moments = self._painter.moments(small, choice, resources)
        self._painter.paint(photo, write, choice, moments, resources)


def thumbnail(photo: planes.Pixels, side: int) -> np.ndarray:
    """Scales a photo to a longer side of `side`.

    Returns:
        float32 [1, h, w, 3], each side at least that of the smallest photo that can be stylized.
    """
    sizes = photo.shape[1:3]
    scale = side / max(sizes)
    height, width = (max(round(size * scale), min(size, transform_net.MIN_SIDE)) for size in sizes)
    return planes.whole(planes.resized(photo, height, width))
