"""The standard streams of a command: open, robust, and true to the names of files."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from typing import TextIO

from fastnst import errors

# Name of the error handler of stdout's encoding.
_UNCHANGED = "fastnst.unchanged"
# Bytes of a picture on stdin: of a pixel (float32 RGBA), of all besides pixels, and of one read.
_PIXEL, _METADATA, _BLOCK = 16, 2**26, 2**20


def prepare() -> None:
    """Opens the streams that are closed, and lets stdout print any name of a file."""
    _open_standard_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names may be bytes that are no text, or that a terminal in ASCII does not know; they
        # are printed unchanged.
        codecs.register_error(_UNCHANGED, _as_in_the_file_system)
        sys.stdout.reconfigure(errors=_UNCHANGED if os.name == "posix" else "backslashreplace")


def _as_in_the_file_system(error: UnicodeError) -> tuple[bytes, int]:
    """Encodes characters of file names that stdout has no code for; see `codecs.register_error`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return os.fsencode(error.object[error.start : error.end]), error.end


def drop_stdout() -> None:
    """Drops what will be printed, because flushing stdout at exit would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_standard_streams() -> None:
    """Opens those of stdin, stdout and stderr that are closed, on nothing.

    Else the next files to be opened would take their place, and receive what is printed.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
        if getattr(sys, name) is None:
            mode = "w" if descriptor else "r"
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


class Stderr(io.TextIOBase):
    """The stderr of a command: writing to it never fails, as after its terminal was closed.

    If `quiet`, it is for errors only: it is no terminal, so that there are no bars, and `say` is
    silent.
    """

    def __init__(self, stream: TextIO, quiet: bool) -> None:
        """Wraps a stream."""
        self._stream, self.quiet = stream, quiet

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding, by which tqdm chooses the characters of a bar."""
        return getattr(self._stream, "encoding", None) or "ascii"

    def write(self, text: str) -> int:
        """Writes text if it can, and returns its length."""
        # A RuntimeError is raised if a signal's handler writes while its main program does.
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flushes the stream if it can."""
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._stream.flush()

    def fileno(self) -> int:
        """Returns the descriptor of the stream."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Returns whether it is a terminal, and not `quiet`."""
        return not self.quiet and self._stream.isatty()


def read_picture(max_pixels: int | None, *, encoded: bool) -> bytes:
    """Reads a picture from stdin, up to the size of the largest one that is allowed.

    Args:
        max_pixels: The most pixels that it may have; None for `formats.MAX_PIXELS`.
        encoded: Whether it is base64 text.

    Returns:
        The content; if it is no picture, perhaps only its beginning.

    Raises:
        UserError: If there is more, as from a device that is endless.
    """
    from fastnst import formats

    limit = _PIXEL * (max_pixels or formats.MAX_PIXELS) + _METADATA
    limit = limit * 4 // 3 if encoded else limit
    given = bytearray()
    while block := sys.stdin.buffer.read(_BLOCK):
        if not given and not encoded and formats.sniff(block) is None:
            # As for any file that is no picture, without the rest of it.
            return block
        given += block
        if len(given) > limit:
            raise errors.UserError(
                f"standard input: more than {limit:,} bytes, which no picture within the limit of "
                "--max-pixels has"
            )
    return bytes(given)
