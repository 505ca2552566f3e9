"""Counts and reads the records of TFRecord files, without TensorFlow.

A record consists of its length (8 bytes, little-endian), a checksum of the length (4 bytes), the
payload, and a checksum of the payload (4 bytes). Counting needs only the lengths, so it takes one
seek per record. After a damaged length, the next record is found by its own checksum.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from fastnst import errors, files

_HEADER = 12
_FOOTER = 4
# Bytes searched at once.
_BLOCK = 2**20
_GZIP = b"\x1f\x8b"


def _make_table() -> tuple[int, ...]:
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_TABLE = _make_table()


def _crc32c(data: bytes) -> int:
    """Returns the Castagnoli checksum, byte by byte: fast enough for a few records."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _masked(crc: int) -> int:
    """Masks a checksum as the format requires."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a record is in its file.

    Attributes:
        offset: First byte of its payload.
        length: Bytes of its payload; None if that is damaged.
    """

    offset: int
    length: int | None


def count(path: Path) -> int:
    """Counts the records of a file, including damaged ones.

    Raises:
        UserError: If it cannot be read, is not a TFRecord file, or ends within a record.
    """
    return sum(1 for _ in places(path))


def payloads(path: Path) -> Iterator[bytes]:
    """Yields the payload of each record of a file, without verifying their checksums.

    Raises:
        UserError: If the file cannot be read, is not a TFRecord file, or ends within a record.
    """
    with _readable(path), files.opened(path) as file:
        for place in places(path):
            if place.length is not None:
                file.seek(place.offset)
                yield file.read(place.length)


def payload(path: Path, place: Place) -> bytes:
    """Returns the payload of a record without verifying its checksum, b"" without a length.

    Raises:
        UserError: If the file cannot be read.
    """
    if place.length is None:
        return b""
    with _readable(path), files.opened(path) as file:
        file.seek(place.offset)
        return file.read(place.length)


def read(path: Path, place: Place) -> bytes:
    """Returns the payload of a record, or b"" if it is damaged.

    Raises:
        UserError: If the file cannot be read.
    """
    if place.length is None:
        return b""
    with _readable(path), files.opened(path) as file:
        file.seek(place.offset)
        payload, footer = file.read(place.length), file.read(_FOOTER)
    whole = _masked(_crc32c(payload)) == int.from_bytes(footer, "little")
    return payload if whole else b""


def places(path: Path) -> Iterator[Place]:
    """Yields where each record is.

    Raises:
        UserError: If the file cannot be read, is not a TFRecord file, or ends within a record.
    """
    # Unbuffered, because every seek would discard a buffer that was just filled.
    with _readable(path), files.opened(path, buffering=0) as file:
        size = path.stat().st_size
        end = number = 0
        while end < size:
            file.seek(end)
            header = file.read(_HEADER)
            if end == 0:
                _check_first(path, header)
            number += 1
            begin = end + _HEADER
            if len(header) == _HEADER and not _is_header(header):
                yield Place(begin, None)
                end = _next(file, end + 1, size)
                continue
            length = int.from_bytes(header[:8], "little")
            end = begin + length + _FOOTER
            if end > size:
                raise errors.UserError(
                    f"{path}: ends within record {number:,}; copy or download the file again"
                )
            yield Place(begin, length)


def _is_header(header: bytes) -> bool:
    """Returns whether these are a length and its checksum."""
    checksum = int.from_bytes(header[8:_HEADER], "little")
    return len(header) >= _HEADER and _masked(_crc32c(header[:8])) == checksum


def _next(file: IO[bytes], start: int, size: int) -> int:
    """Returns where the next record begins that fits into the file; its size if there is none."""
    while start < size:
        file.seek(start)
        block = file.read(_BLOCK)
        # The upper half of a length is zero.
        at = block.find(bytes(4), 4)
        while at >= 0:
            header = block[at - 4 : at - 4 + _HEADER]
            length = int.from_bytes(header[:4], "little")
            fits = start + at - 4 + _HEADER + length + _FOOTER <= size
            if fits and _is_header(header):
                return start + at - 4
            at = block.find(bytes(4), at + 1)
        # A header may lie across the end of the block.
        start += max(len(block) - _HEADER, 1) if len(block) == _BLOCK else len(block)
    return size


def _check_first(path: Path, header: bytes) -> None:
    if header.startswith(_GZIP):
        raise errors.UserError(f"{path}: compressed with gzip; decompress it first (gunzip)")
    if not _is_header(header):
        raise errors.UserError(
            f"{path}: not a TFRecord file; name TFRecord files, or a folder of photos"
        )


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None
