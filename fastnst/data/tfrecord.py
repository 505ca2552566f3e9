"""Counts and reads the records of TFRecord files, without TensorFlow.

A record consists of its length (8 bytes, little-endian), a checksum of the length (4 bytes), the
payload, and a checksum of the payload (4 bytes). Counting needs only the lengths, so it takes one
seek per record.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fastnst import errors

_HEADER = 12
_FOOTER = 4
_GZIP = b"\x1f\x8b"


def _crc32c(data: bytes) -> int:
    """Returns the Castagnoli checksum, bit by bit: fast enough for the 8 bytes of a length."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _masked(crc: int) -> int:
    """Masks a checksum as the format requires."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def count(path: Path) -> int:
    """Counts the records of a file.

    Raises:
        UserError: If it cannot be read, is not a TFRecord file, or ends within a record.
    """
    return sum(1 for _ in _walk(path))


def payloads(path: Path) -> Iterator[bytes]:
    """Yields the payload of each record of a file, without verifying the checksums.

    Raises:
        UserError: If the file cannot be read, is not a TFRecord file, or ends within a record.
    """
    with _readable(path), path.open("rb") as file:
        for offset, length in _walk(path):
            file.seek(offset)
            yield file.read(length)


def _walk(path: Path) -> Iterator[tuple[int, int]]:
    """Yields the offset and the length of each record's payload."""
    # Unbuffered, because every seek would discard a buffer that was just filled.
    with _readable(path), path.open("rb", buffering=0) as file:
        size = path.stat().st_size
        end = number = 0
        while end < size:
            file.seek(end)
            header = file.read(_HEADER)
            if end == 0:
                _check_first(path, header)
            number += 1
            length = int.from_bytes(header[:8], "little")
            begin = end + _HEADER
            end = begin + length + _FOOTER
            if end > size:
                raise errors.UserError(
                    f"{path}: ends within record {number:,}; copy or download the file again"
                )
            yield begin, length


def _check_first(path: Path, header: bytes) -> None:
    if header.startswith(_GZIP):
        raise errors.UserError(f"{path}: compressed with gzip; decompress it first (gunzip)")
    checksum = int.from_bytes(header[8:], "little")
    if len(header) < _HEADER or _masked(_crc32c(header[:8])) != checksum:
        raise errors.UserError(
            f"{path}: not a TFRecord file; name TFRecord files, or a folder of photos"
        )


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None
