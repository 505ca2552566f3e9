"""Paints photos in tiles with a restored model, and decides when tiles are needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import devices, images, planes
from fastnst.models import model, work
from fastnst.nets import sweeps, tiling, transform_net

# Longer side in pixels of the version from which `thumbnail` takes the moments.
THUMBNAIL_SIDE = 1024


class TiledPainter:
    """Paints photos of any size with one restored model.

    Attributes:
        in_main_memory: Whether the layers are in the memory of the process, and not of a GPU.
    """

    def __init__(self, restored: model.Model, net: transform_net.TransformNet) -> None:
        """Takes a model, and its frozen network."""
        self.in_main_memory = not devices.has_gpu()
        self._restored = restored
        self._painter = tiling.TilePainter(net)
        self._network = tuple(self._painter.steps.values())

    def choose(self, height: int, width: int, mode: str, memory: float) -> str:
        """Returns how to paint a photo: "exact", "thumbnail", or "off" for whole.

        Args:
            height: Height of the photo.
            width: Width of the photo.
            mode: The user's choice, one of `work.MODES`.
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
        *,
        mode: str,
        memory: float,
        folder: Path | None,
        progress: work.OnPixels,
    ) -> None:
        """Paints a photo in tiles.

        Args:
            photo: RGB [1, H, W, 3] in 0..255.
            write: Receives the picture in parts, float32 in [0, 255].
            style: As in `Stylizer.__call__`.
            strength: As in `Stylizer.__call__`.
            mode: "exact" or "thumbnail".
            memory: Bytes for the network's layers.
            folder: Where layers are kept that do not fit into memory.
            progress: Receives the number of tiles done, and of all.
        """
        resources = tiling.Resources(memory, folder, progress)
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
    height, width = (max(round(size * scale), min(size, images.MIN_SIDE)) for size in sizes)
    return planes.whole(planes.resized(photo, height, width))
