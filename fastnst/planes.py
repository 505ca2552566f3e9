"""Pictures and layers of networks that are read in parts, because they may not fit into memory.

All of them have the shape [B, H, W, C]. A part consists of some rows and columns of all B images.
Pictures can be computed when they are read: `resized` and `combined` describe the work, and `read`
does it for one part.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import math
import os
import uuid
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np

from fastnst import images

Shape: TypeAlias = tuple[int, int, int, int]
# Pixels processed at once.
_AT_ONCE = 2**20


class Pixels(Protocol):
    """Images that are read in parts."""

    @property
    def shape(self) -> Shape:
        """Number of images, height, width and channels."""

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """Returns a part, [B, rows, columns, C]; both slices have a start and a stop."""


class Plane:
    """An array in memory."""

    def __init__(self, array: np.ndarray) -> None:
        """Wraps an array, [B, H, W, C], without copying it."""
        self._array = array

    @property
    def shape(self) -> Shape:
        """See `Pixels`."""
        return self._array.shape  # type: ignore[return-value]

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """Returns a view of a part; see `Pixels`."""
        return self._array[:, rows, columns]

    def write(self, rows: slice, columns: slice, values: np.ndarray) -> None:
        """Replaces a part."""
        self._array[:, rows, columns] = values

    def free(self) -> None:
        """Frees the memory."""
        self._array = self._array[:, :0]


class FilePlane:
    """An array in a file.

    Attributes:
        shape: As in `Pixels`.
    """

    def __init__(
        self, path: Path, shape: Shape, dtype: type, *, header: bytes = b"", exists: bool = False
    ) -> None:
        """Creates a file with arbitrary values, or opens one.

        Args:
            path: The file, with the values in NumPy's order.
            shape: Shape of the array.
            dtype: Its dtype, a NumPy scalar type.
            header: The beginning of a new file, before the values.
            exists: Whether to open the file instead of creating it.

        Raises:
            OSError: If the file cannot be created, or the disk is full.
        """
        self.shape = shape
        self._path, self._dtype, self._offset = path, dtype, len(header)
        if not exists:
            size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
            with path.open("wb") as file:
                file.write(header)
                file.flush()
                if hasattr(os, "posix_fallocate"):
                    # Otherwise a full disk would kill the process when the mapped file is written.
                    os.posix_fallocate(file.fileno(), 0, len(header) + size)
                else:
                    file.truncate(len(header) + size)

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """Returns a copy of a part; see `Pixels`."""
        return np.array(self._map()[:, rows, columns])

    def write(self, rows: slice, columns: slice, values: np.ndarray) -> None:
        """Replaces a part."""
        self._map()[:, rows, columns] = values

    def free(self) -> None:
        """Deletes the file."""
        self._path.unlink()

    def _map(self) -> np.memmap:
        # A file is mapped anew each time: pages that stay mapped count as this process's memory.
        return np.memmap(self._path, self._dtype, "r+", self._offset, self.shape)


AnyPlane: TypeAlias = Plane | FilePlane


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
    count, height, width, _ = pixels.shape
    step = max(1, _AT_ONCE // max(count * width, 1))
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
    """Where intermediate results are kept: in memory, or in files."""

    def __init__(self, folder: Path | None = None) -> None:
        """Takes the folder for the files; None for memory."""
        self._folder = folder

    @property
    def in_memory(self) -> bool:
        """Whether they are kept in memory."""
        return self._folder is None

    def new(self, shape: Shape, dtype: type | None = None) -> AnyPlane:
        """Returns a plane of arbitrary values.

        Args:
            shape: Its shape.
            dtype: Its dtype; None for that of pictures: float32 in memory, float16 in files.

        Raises:
            OSError: If a file cannot be created, or the disk is full.
        """
        if self._folder is None:
            return Plane(np.empty(shape, dtype or np.float32))
        return FilePlane(self._folder / f"plane-{uuid.uuid4().hex}", shape, dtype or np.float16)

    def keep(self, pixels: Pixels) -> AnyPlane:
        """Computes images once, so that they can be read several times."""
        plane = self.new(pixels.shape)
        for part in bands(pixels):
            plane.write(*part, pixels.read(*part))
        return plane
