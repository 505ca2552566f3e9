"""The work of painting photos of one size: the decisions about it, and its progress."""

from __future__ import annotations

import collections.abc
import dataclasses
from pathlib import Path
from typing import TypeAlias

import numpy as np

from fastnst import controls, errors, memory, planes

# Maps RGB [B, H, W, 3] in [0, 255], a style or None, and a strength or None to the same shape,
# float or uint8.
Paint: TypeAlias = collections.abc.Callable[[np.ndarray, str | None, float | None], np.ndarray]
# Raises a UserError if a style, or None, cannot be painted with a strength, or None.
Check: TypeAlias = collections.abc.Callable[[str | None, float | None], object]
# Receives the number of pixels painted, and their total in all passes of the strokes.
OnPixels: TypeAlias = collections.abc.Callable[[int, int], None]
# The choices of a user; see `Tiles`.
MODES = ("auto", "exact", "thumbnail", "off")
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
    used: int = dataclasses.field(default_factory=memory.used)

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
            return _SHARE * memory.available()
        return self.max_memory - self.used


class Progress:
    """Counts the pixels painted, of all photos and passes.

    Attributes:
        done: Pixels of the passes that are finished.
        each: Pixels of all passes of one photo.
    """

    def __init__(self, on_pixels: OnPixels | None, photos: int) -> None:
        self._on_pixels, self._photos = on_pixels, photos
        self.done = self.each = 0

    def report(self, pixels: int, done: int, total: int) -> None:
        """Reports that `done` of `total` tiles of a pass with this many pixels are painted."""
        if self._on_pixels:
            self._on_pixels(self.done + pixels * done // total, self._photos * self.each)


@dataclasses.dataclass
class Work:
    """How photos of one size are painted.

    Attributes:
        controls: The choices.
        workspace: Where intermediate pictures are kept.
        modes: How to paint each size of a pass: "exact", "thumbnail", or "off" for whole.
        memory: Bytes for the network's layers.
        progress: Counts the pixels.
        folder: Where layers are kept that do not fit into memory.
        at_once: Photos to paint at once.
    """

    controls: controls.Controls
    workspace: planes.Workspace
    modes: dict[tuple[int, int], str]
    memory: float
    progress: Progress
    folder: Path | None = None
    at_once: int = 1
