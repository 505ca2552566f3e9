"""Raw frames with their exact times in a pipe, in FFmpeg's container NUT.

Raw video alone has no times, so a variable frame rate would be lost. NUT adds a time to every
frame, in units of the video's own time base, and is simple enough to read and write here. Only one
stream of RGB frames is supported.

https://ffmpeg.org/~michael/nut.txt
"""

from __future__ import annotations

import collections.abc
import dataclasses
import fractions
import io
from typing import IO

import numpy as np

_FILE_ID = b"nut/multimedia container\0"
_MAIN, _STREAM, _SYNC = (
    bytes.fromhex(code) for code in ("4e4d7a561f5f04ad", "4e5311405bf2f9db", "4e4be4adeeca4569")
)
_STARTCODE = ord("N")
_RGB24 = b"RGB\x18"
# Flags of a frame.
_KEY, _CODED_PTS, _STREAM_ID, _SIZE_MSB, _CHECKSUM = 1, 8, 16, 32, 64
_RESERVED, _HEADER_INDEX, _MATCH_TIME, _CODED, _INVALID = 128, 1024, 2048, 4096, 8192
# Packets with more bytes than these have a checksum of their header too.
_LARGE_HEADER = 4096
# Times with more bits than these are written as a whole.
_PTS_BITS = 7


class DamagedError(Exception):
    """The stream does not follow the format, for example because the writer was killed."""


@dataclasses.dataclass(frozen=True)
class Header:
    """The properties of all frames of a stream.

    Attributes:
        width: In pixels.
        height: In pixels.
        time_base: Unit of the frames' times in seconds.
        pixel_aspect: Width of a pixel divided by its height; 0 if unknown.
    """

    width: int
    height: int
    time_base: fractions.Fraction
    pixel_aspect: fractions.Fraction = fractions.Fraction(0)

    @property
    def size(self) -> int:
        """Bytes of a frame."""
        return self.width * self.height * 3


@dataclasses.dataclass(frozen=True)
class Frame:
    """One frame.

    Attributes:
        time: When it is shown, in units of the time base.
        pixels: uint8 RGB [H, W, 3].
    """

    time: int
    pixels: np.ndarray


class Writer:
    """Writes frames to a pipe."""

    def __init__(self, pipe: IO[bytes], header: Header) -> None:
        """Writes the header.

        Raises:
            OSError: If the pipe is closed.
        """
        self._pipe, self._header = pipe, header
        base = header.time_base
        # Version 3, one stream, the largest distance between syncpoints, one time base; then the
        # table of frame codes, all of which say that the flags follow.
        codes = _number(_CODED) + _number(6) + b"\0" + b"\1" + b"\0\0\0" + _number(255)
        main = b"\3\1" + _number(65536) + b"\1" + _number(base.numerator)
        main += _number(base.denominator) + codes + b"\0"
        aspect = header.pixel_aspect
        stream = b"\0\0\4" + _RGB24 + b"\0" + bytes([_PTS_BITS]) + _number(1) + b"\0\0\0"
        stream += _number(header.width) + _number(header.height)
        stream += _number(aspect.numerator) + _number(aspect.denominator if aspect else 0) + b"\0"
        pipe.write(_FILE_ID + _packet(_MAIN, main) + _packet(_STREAM, stream))

    def write(self, frame: Frame) -> None:
        """Writes a frame.

        Raises:
            OSError: If the pipe is closed.
        """
        self._pipe.write(_packet(_SYNC, _number(frame.time) + b"\0"))
        flags = _KEY | _CODED_PTS | _SIZE_MSB | _CHECKSUM
        head = b"\0" + _number(flags) + _number(frame.time + (1 << _PTS_BITS))
        head += _number(self._header.size)
        self._pipe.write(head + _crc(head).to_bytes(4, "big"))
        self._pipe.write(np.ascontiguousarray(frame.pixels).data)
        self._pipe.flush()


@dataclasses.dataclass(frozen=True)
class _Code:
    """The meaning of a frame's first byte."""

    flags: int
    time_delta: int
    size_factor: int
    size: int
    reserved: int
    header_index: int


class Reader:
    """Reads frames from a pipe."""

    def __init__(self, pipe: IO[bytes]) -> None:
        """Reads the header.

        Raises:
            DamagedError: If the pipe ends earlier, or holds something else.
        """
        self._pipe = pipe
        if pipe.read(len(_FILE_ID)) != _FILE_ID:
            raise DamagedError("no video stream")
        self._codes: list[_Code] = []
        self._elided = [b""]
        self._time_bases: list[fractions.Fraction] = []
        self._last = self._shift = 0
        stream = None
        while stream is None:
            startcode = self._exactly(8)
            content = self._content(startcode)
            if startcode == _MAIN:
                self._read_main(content)
            elif startcode == _STREAM:
                stream = content
        self.header = self._read_stream(stream)

    def __iter__(self) -> collections.abc.Iterator[Frame]:
        """Yields the frames until the pipe ends.

        Raises:
            DamagedError: If it ends in the middle of a frame.
        """
        while first := self._pipe.read(1):
            if first[0] == _STARTCODE:
                startcode = first + self._exactly(7)
                content = self._content(startcode)
                if startcode == _SYNC:
                    coded = _read_number(content)
                    # One stream has one time base.
                    self._last = coded // len(self._time_bases)
                continue
            yield self._read_frame(self._codes[first[0]])

    def _read_main(self, content: IO[bytes]) -> None:
        version = _read_number(content)
        if version > 3:
            _read_number(content)
        if _read_number(content) != 1:
            raise DamagedError("more than one stream")
        _read_number(content)
        self._time_bases = [
            fractions.Fraction(_read_number(content), _read_number(content))
            for _ in range(_read_number(content))
        ]
        time_delta, factor = 0, 1
        self._codes = []
        while len(self._codes) < 256:
            flags, fields = _read_number(content), _read_number(content)
            size = reserved = index = 0
            if fields > 0:
                time_delta = _read_signed(content)
            if fields > 1:
                factor = _read_number(content)
            if fields > 2:
                _read_number(content)  # The stream: there is only one.
            if fields > 3:
                size = _read_number(content)
            if fields > 4:
                reserved = _read_number(content)
            count = _read_number(content) if fields > 5 else factor - size
            if fields > 6:
                _read_signed(content)
            if fields > 7:
                index = _read_number(content)
            for _ in range(fields - 8):
                _read_number(content)
            while count and len(self._codes) < 256:
                if len(self._codes) == _STARTCODE:
                    self._codes.append(_Code(_INVALID, 0, 1, 0, 0, 0))
                    continue
                self._codes.append(_Code(flags, time_delta, factor, size, reserved, index))
                size += 1
                count -= 1
        headers = _read_number(content)
        self._elided = [b""]
        for _ in range(headers):
            self._elided.append(content.read(_read_number(content)))

    def _read_stream(self, content: IO[bytes]) -> Header:
        _read_number(content), _read_number(content)
        fourcc = content.read(_read_number(content))
        if fourcc != _RGB24:
            raise DamagedError(f"frames of another format ({fourcc!r})")
        base = self._time_bases[_read_number(content)]
        self._shift = _read_number(content)
        _read_number(content), _read_number(content), _read_number(content)
        content.read(_read_number(content))
        width, height = _read_number(content), _read_number(content)
        across, down = _read_number(content), _read_number(content)
        aspect = fractions.Fraction(across, down) if across and down else fractions.Fraction(0)
        return Header(width, height, base, aspect)

    def _read_frame(self, code: _Code) -> Frame:
        flags = code.flags
        if flags & _INVALID:
            raise DamagedError("an invalid frame")
        if flags & _CODED:
            flags ^= _read_number(self._pipe)
        if flags & _STREAM_ID:
            _read_number(self._pipe)
        time = self._last + code.time_delta
        if flags & _CODED_PTS:
            time = self._whole_time(_read_number(self._pipe))
        size = code.size
        if flags & _SIZE_MSB:
            size += code.size_factor * _read_number(self._pipe)
        if flags & _MATCH_TIME:
            _read_signed(self._pipe)
        index = _read_number(self._pipe) if flags & _HEADER_INDEX else code.header_index
        reserved = _read_number(self._pipe) if flags & _RESERVED else code.reserved
        for _ in range(reserved):
            _read_number(self._pipe)
        if flags & _CHECKSUM:
            self._exactly(4)
        self._last = time
        elided = self._elided[0 if size > _LARGE_HEADER else index]
        data = elided + self._exactly(size - len(elided))
        if len(data) != self.header.size:
            raise DamagedError(f"a frame of {len(data)} bytes instead of {self.header.size}")
        shape = (self.header.height, self.header.width, 3)
        return Frame(time, np.frombuffer(data, np.uint8).reshape(shape))

    def _whole_time(self, coded: int) -> int:
        """Returns a time of which only the lowest bits may have been written."""
        if coded >= 1 << self._shift:
            return coded - (1 << self._shift)
        mask = (1 << self._shift) - 1
        least = self._last - mask // 2
        return ((coded - least) & mask) + least

    def _content(self, startcode: bytes) -> IO[bytes]:
        """Returns the content of a packet after its startcode."""
        if startcode[0] != _STARTCODE:
            raise DamagedError("not a packet")
        length = _read_number(self._pipe)
        if length > _LARGE_HEADER:
            self._exactly(4)
        return io.BytesIO(self._exactly(length)[:-4])

    def _exactly(self, count: int) -> bytes:
        data = self._pipe.read(count)
        if len(data) < count:
            raise DamagedError("the stream ends in the middle of a frame")
        return data


def _number(value: int) -> bytes:
    """Encodes a whole number in groups of 7 bits, the highest first."""
    groups = [value & 127]
    while value := value >> 7:
        groups.append(value & 127 | 128)
    return bytes(reversed(groups))


def _read_number(pipe: IO[bytes]) -> int:
    value = 0
    while byte := pipe.read(1):
        value = value << 7 | byte[0] & 127
        if byte[0] < 128:
            return value
    raise DamagedError("the stream ends in the middle of a number")


def _read_signed(pipe: IO[bytes]) -> int:
    value = _read_number(pipe) + 1
    return -(value >> 1) if value & 1 else value >> 1


def _packet(startcode: bytes, content: bytes) -> bytes:
    length = _number(len(content) + 4)
    return startcode + length + content + _crc(content).to_bytes(4, "big")


def _crc(data: bytes) -> int:
    """Returns the CRC-32 with the generator 0x04C11DB7, highest bit first, from 0."""
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7) & 0xFFFFFFFF if value >> 31 else value << 1
    return value
