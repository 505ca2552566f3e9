"""Pictures and layers of networks that are read in parts, because they may not fit into memory.

All of them have the shape [B, H, W, C]. A part consists of some rows and columns of all B images.
Pictures can be computed when they are read: `resized` and `combined` describe the work, and `read`
does it for one part.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import math
import uuid
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np

from fastnst import images

Shape: TypeAlias = tuple[int, int, int, int]
# Pixels of an image that are worked on at once.
_AT_ONCE = 2**22


class Pixels(Protocol):
    """Images that are read in parts."""

    @property
    def shape(self) -> Shape:
        """Number of images, height, width and channels."""

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """Returns a part, [B, rows, columns, C]; both slices have a start and a stop."""


class Plane:
    """An array in memory or in a file."""

    def __init__(
        self,
        shape: Shape,
        dtype: type,
        path: Path | None = None,
        *,
        header: bytes = b"",
        exists: bool = False,
    ) -> None:
        """Creates an array of arbitrary values, or opens one.

        Args:
            shape: Its shape, [B, H, W, C].
            dtype: Its dtype, a NumPy scalar type.
            path: The file with its values in the order of NumPy; None for memory.
            header: The beginning of a new file, before the values.
            exists: Whether to open the file instead of creating it.
        """
        self.shape = shape
        self._dtype, self._path, self._offset = dtype, path, len(header)
        self._array: np.ndarray | None = np.empty(shape, dtype) if path is None else None
        if path is not None and not exists:
            size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
            with path.open("wb") as file:
                file.write(header)
                file.truncate(len(header) + size)

    @classmethod
    def of(cls, array: np.ndarray) -> Plane:
        """Wraps an array [B, H, W, C] without copying it."""
        plane = cls((0, 0, 0, 0), array.dtype.type)
        plane.shape, plane._array = array.shape, array
        return plane

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """Returns a view of an array in memory, or a copy; see `Pixels`."""
        values = self._open()[:, rows, columns]
        return values if self._array is not None else np.array(values)

    def write(self, rows: slice, columns: slice, values: np.ndarray) -> None:
        """Replaces a part."""
        self._open()[:, rows, columns] = values

    def _open(self) -> np.ndarray:
        if self._array is not None:
            return self._array
        # A file is mapped anew each time: pages that stay mapped count as this process's memory.
        assert self._path is not None, "a freed array is not read again"
        return np.memmap(self._path, self._dtype, "r+", self._offset, self.shape)

    def free(self) -> None:
        """Frees the memory, or deletes the file."""
        self._array = None
        if self._path is not None:
            self._path.unlink()
            self._path = None


@dataclasses.dataclass(frozen=True)
class Computed:
    """Images that are computed when they are read.

    Attributes:
        shape: As in `Pixels`.
        compute: Computes a part, as `Pixels.read` returns it.
    """

    shape: Shape
    compute: collections.abc.Callable[[slice, slice], np.ndarray]

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """See `Pixels`."""
        return self.compute(rows, columns)


def whole(pixels: Pixels) -> np.ndarray:
    """Returns all pixels, [B, H, W, C]."""
    return pixels.read(slice(0, pixels.shape[1]), slice(0, pixels.shape[2]))


def bands(pixels: Pixels) -> collections.abc.Iterator[tuple[slice, slice]]:
    """Yields the rows and columns of parts, from top to bottom, that fit into memory."""
    _, height, width, _ = pixels.shape
    step = max(1, _AT_ONCE // max(width, 1))
    for first in range(0, height, step):
        yield slice(first, min(first + step, height)), slice(0, width)


def combined(
    function: collections.abc.Callable[..., np.ndarray],
    *sources: Pixels,
    channels: int | None = None,
) -> Computed:
    """Combines images pixel by pixel.

    Args:
        function: Maps the same part of each source, float32, to the part of the result.
        *sources: Images of the same height and width.
        channels: Channels of the result; None for those of the first source.
    """
    shape = sources[0].shape[:3]

    def compute(rows: slice, columns: slice) -> np.ndarray:
        parts = (source.read(rows, columns) for source in sources)
        return function(*(part.astype(np.float32, copy=False) for part in parts))

    return Computed((*shape, channels or sources[0].shape[3]), compute)


def resized(source: Pixels, height: int, width: int) -> Computed:
    """Resamples images with a cubic filter, to float32; see `images.resize_batch`."""
    batch, old_height, old_width, channels = source.shape
    down, across = old_height / height, old_width / width

    def compute(rows: slice, columns: slice) -> np.ndarray:
        if (height, width) == (old_height, old_width):
            return source.read(rows, columns).astype(np.float32, copy=False)
        top, bottom = rows.start * down, rows.stop * down
        left, right = columns.start * across, columns.stop * across
        count = math.ceil((bottom - top) * (right - left) / _AT_ONCE)
        if count > 1 and rows.stop - rows.start > 1:
            step = -(-(rows.stop - rows.start) // count)
            firsts = range(rows.start, rows.stop, step)
            parts = (compute(slice(at, min(at + step, rows.stop)), columns) for at in firsts)
            return np.concatenate(list(parts), axis=1)
        y, x = _around(top, bottom, down, old_height), _around(left, right, across, old_width)
        box = (left - x.start, top - y.start, right - x.start, bottom - y.start)
        size = rows.stop - rows.start, columns.stop - columns.start
        return images.resize_batch(source.read(y, x), *size, box=box)

    return Computed((batch, height, width, channels), compute)


def _around(first: float, last: float, scale: float, size: int) -> slice:
    """Returns a range with the neighbors that the cubic filter reads."""
    reach = 2.0 * max(scale, 1.0) + 1.0
    return slice(max(math.floor(first - reach), 0), min(math.ceil(last + reach), size))


class Workspace:
    """Where results in between are kept: in memory, or in files."""

    def __init__(self, folder: Path | None = None) -> None:
        """Takes the folder for the files; None for memory."""
        self._folder = folder

    def new(self, shape: Shape, dtype: type | None = None) -> Plane:
        """Returns a plane of arbitrary values.

        Args:
            shape: Its shape.
            dtype: Its dtype; None for that of pictures: float32 in memory, float16 in files.
        """
        if self._folder is None:
            return Plane(shape, dtype or np.float32)
        return Plane(shape, dtype or np.float16, self._folder / f"plane-{uuid.uuid4().hex}")

    def keep(self, pixels: Pixels) -> Plane:
        """Computes images once, so that they can be read several times."""
        plane = self.new(pixels.shape)
        for part in bands(pixels):
            plane.write(*part, pixels.read(*part))
        return plane
