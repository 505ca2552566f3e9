"""Reads idx files, the format of MNIST (LeCun et al. 1998), also compressed with gzip.

A file has two zero bytes, the type of its values (8 for uint8), the number of dimensions, the size
of each dimension as a big-endian uint32, and the values.
"""

from __future__ import annotations

import contextlib
import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from fastnst import errors, images
from fastnst.data import labeled

_UINT8 = 8
_GZIP = b"\x1f\x8b"
# Deflate packs at most so many bytes into one.
_DENSEST = 1032
# Bytes that are unpacked; MNIST has 47 million.
_MOST = 2**30
_DIGITS = tuple(map(str, range(10)))
# How the names of the files differ.
_PICTURES, _LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"


def is_idx(path: Path) -> bool:
    """Returns whether the name of a file is that of pictures or labels in this format."""
    return _PICTURES in path.name or _LABELS in path.name


def pictures_in(paths: list[Path]) -> list[Path]:
    """Returns those of some files that hold pictures."""
    return [path for path in paths if _PICTURES in path.name]


def open_pair(path: Path) -> labeled.LabeledSet:
    """Reads pictures, and their labels from the file beside them.

    Args:
        path: The file of the pictures, such as train-images-idx3-ubyte.gz; that of the labels is
            train-labels-idx1-ubyte.gz, with or without .gz.

    Raises:
        UserError: If a file is missing or damaged, or they do not belong together.
    """
    if _LABELS in path.name:
        path = _beside(path, _LABELS, _PICTURES)
    if _PICTURES not in path.name:
        raise errors.UserError(
            f"{path}: the name of an idx file should contain {_PICTURES}, so that its labels are "
            "found"
        )
    pictures, labels = read(path, 3), read(_beside(path, _PICTURES, _LABELS), 1)
    return labeled.of_arrays(str(path), pictures, labels, _DIGITS)


def read(path: Path, dimensions: int) -> np.ndarray:
    """Reads an idx file of uint8 values.

    Args:
        path: The file, compressed or not.
        dimensions: The number of its dimensions.

    Raises:
        UserError: If it is missing or damaged, or has other dimensions.
    """
    with _opened(path) as (file, most):
        header = file.read(4)
        if len(header) < 4 or header[:2] != b"\0\0" or header[2] != _UINT8:
            raise errors.UserError(f"{path}: not an idx file of uint8 values")
        if header[3] != dimensions:
            raise errors.UserError(
                f"{path}: has {header[3]} dimensions, should have {dimensions}; name the files of "
                "pictures and labels as MNIST does"
            )
        sizes = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
        expected = math.prod(sizes)
        told = f"{path}: damaged: its header tells {' x '.join(map(str, sizes))} values"
        # A few bytes may claim to be gigabytes of pictures.
        if expected > most:
            raise errors.UserError(f"{told}, more than it can hold")
        values = file.read(expected + 1)
        if len(values) != expected:
            held = "more" if len(values) > expected else "fewer"
            raise errors.UserError(f"{told}, but it holds {held}")
        return np.frombuffer(values, np.uint8).reshape(sizes)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes] | gzip.GzipFile, int]]:
    """Yields a file to read, decompressed, and the most bytes that it can hold."""
    with images.opened(path) as raw:
        try:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            size = path.stat().st_size
            if packed:
                with gzip.GzipFile(fileobj=raw) as file:
                    yield file, min(size * _DENSEST, _MOST)
            else:
                yield raw, size
        except (EOFError, gzip.BadGzipFile, struct.error, zlib.error) as error:
            raise errors.UserError(f"{path}: damaged ({errors.reason(error)})") from None


def _beside(path: Path, kind: str, other: str) -> Path:
    """Returns the other file of a pair, compressed or not."""
    name = path.name.replace(kind, other)
    bare = name.removesuffix(".gz")
    candidates = [path.with_name(each) for each in (name, bare, f"{bare}.gz")]
    return next((each for each in candidates if each.is_file()), candidates[0])
