"""Reads Qt's binary resource files (.rcc), in which KDE programs ship their pictures.

A file consists of a header of big-endian words (magic, version, offsets of the tree, the data and
the names), followed by these three parts. Qt's rcc.cpp and qresource.cpp define the format;
versions 1 to 3 are supported.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

_ZLIB, _DIRECTORY, _ZSTD = 1, 2, 4


def read_rcc(path: str | Path) -> dict[str, bytes]:
    """Reads every file of a Qt resource.

    Args:
        path: The .rcc file.

    Returns:
        The contents of each file by its path inside the resource, in the order of the tree.

    Raises:
        ValueError: If the file is not a Qt resource, has an unknown version, or holds data
            compressed with Zstandard, which Python's standard library cannot read.
    """
    return dict(_files(Path(path).read_bytes(), str(path)))


def _files(blob: bytes, path: str) -> Iterator[tuple[str, bytes]]:
    if len(blob) < 20 or blob[:4] != b"qres":
        raise ValueError(f"{path}: not a Qt resource, it does not begin with 'qres'")
    version, tree, data, names = struct.unpack_from(">4I", blob, 4)
    if version not in (1, 2, 3):
        raise ValueError(
            f"{path}: unsupported version {version} of the Qt resource format; use 1 to 3"
        )
    node_size = 14 if version == 1 else 22  # version 2 added the time of modification

    def name(offset: int) -> str:
        (length,) = struct.unpack_from(">H", blob, names + offset)
        start = names + offset + 6  # length (2 bytes), hash (4 bytes)
        return blob[start : start + 2 * length].decode("utf-16-be")

    def contents(offset: int, flags: int) -> bytes:
        (size,) = struct.unpack_from(">I", blob, data + offset)
        packed = blob[data + offset + 4 : data + offset + 4 + size]
        if flags & _ZSTD:
            raise ValueError(f"{path}: compressed with Zstandard, which is not supported")
        # qCompress puts the uncompressed size, four bytes, before the zlib stream.
        return zlib.decompress(packed[4:]) if flags & _ZLIB else packed

    def walk(node: int, prefix: str) -> Iterator[tuple[str, bytes]]:
        at = tree + node * node_size
        name_offset, flags = struct.unpack_from(">IH", blob, at)
        full = f"{prefix}/{name(name_offset)}" if node else ""  # the root, node 0, has no name
        if flags & _DIRECTORY:
            count, first = struct.unpack_from(">2I", blob, at + 6)
            for child in range(first, first + count):
                yield from walk(child, full)
        else:  # two words for country and language come before the offset
            (offset,) = struct.unpack_from(">I", blob, at + 10)
            yield full.lstrip("/"), contents(offset, flags)

    yield from walk(0, "")
