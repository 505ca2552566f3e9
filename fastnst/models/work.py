"""The work of painting photos of one size: the decisions about it, and its progress."""

from __future__ import annotations

import collections.abc
import dataclasses
from pathlib import Path
from typing import TypeAlias

from fastnst import controls, planes

# Receives the number of pixels painted, and their total in all passes of the strokes.
OnPixels: TypeAlias = collections.abc.Callable[[int, int], None]


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
