"""Runs FFmpeg's programs, which decode and encode videos."""

from __future__ import annotations

import collections.abc
import contextlib
import functools
import json
import re
import shutil
import subprocess
import threading
from typing import IO, Any

from fastnst import errors

# The first release with -fps_mode, which newer ones require instead of -vsync.
_FPS_MODE_SINCE = (5, 1)
# Damaged videos give thousands of messages.
_KEPT_LINES = 50
_INSTALL = (
    "install FFmpeg: `apt-get install ffmpeg` (Debian, Ubuntu), `brew install ffmpeg` (macOS), "
    "`winget install ffmpeg` (Windows)"
)


def program(name: str) -> str:
    """Returns the path of ffmpeg or ffprobe.

    Raises:
        UserError: If it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise errors.UserError(f"videos need the program {name}, which was not found; {_INSTALL}")
    return found


def keeps_times() -> list[str]:
    """Returns the options that neither repeat nor drop frames, in this release's spelling."""
    return ["-fps_mode" if _release() >= _FPS_MODE_SINCE else "-vsync", "passthrough"]


@functools.cache
def _release() -> tuple[int, int]:
    """Returns the release of ffmpeg; a very high one for builds between releases."""
    said = subprocess.run([program("ffmpeg"), "-version"], capture_output=True, text=True).stdout
    found = re.match(r"ffmpeg version n?(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (1000, 0)


def probe(*arguments: str) -> dict[str, Any]:
    """Runs ffprobe and returns its report.

    Raises:
        UserError: With its message, if it fails.
    """
    command = [program("ffprobe"), "-v", "error", "-of", "json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise errors.UserError(_last_line(done.stderr.splitlines()))
    return json.loads(done.stdout)


class Process:
    """A running ffmpeg, with pipes for its input and output.

    It has a process group of its own, so that Ctrl-C reaches only us; and it ends with us, because
    its pipes close.

    Attributes:
        stdin: Its standard input, if asked for.
        stdout: Its standard output, if asked for.
    """

    def __init__(
        self, arguments: collections.abc.Sequence[str], *, stdin: bool = False, stdout: bool = False
    ) -> None:
        """Starts it.

        Args:
            arguments: Its arguments, after those against questions and banners.
            stdin: Whether to write to its standard input.
            stdout: Whether to read its standard output.

        Raises:
            UserError: If ffmpeg is not installed.
        """
        command = [program("ffmpeg"), "-hide_banner", "-nostats", "-v", "error", "-y", *arguments]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE if stdout else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.stdin: IO[bytes] | None = self._process.stdin
        self.stdout: IO[bytes] | None = self._process.stdout
        self._lines: list[str] = []
        # Without a reader, a full pipe of messages would stop ffmpeg.
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as messages:
            for line in messages:
                text = line.decode(errors="replace").strip()
                if text and len(self._lines) < _KEPT_LINES:
                    self._lines.append(text)

    def finish(self) -> tuple[int, list[str]]:
        """Waits for its end, once its input is written and its output is read.

        Returns:
            Its exit code and its messages.
        """
        if self.stdin is not None:
            # If it has ended already, the exit code tells.
            with contextlib.suppress(OSError):
                self.stdin.close()
        code = self._process.wait()
        self._listener.join()
        if self.stdout is not None:
            self.stdout.close()
        return code, self._lines

    def stop(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self.finish()


def run(arguments: collections.abc.Sequence[str]) -> None:
    """Runs ffmpeg to its end.

    Raises:
        UserError: With the reason, if it fails.
    """
    process = Process(arguments)
    try:
        code, lines = process.finish()
    except BaseException:
        process.stop()
        raise
    if code:
        raise errors.UserError(reason(lines))


def reason(lines: collections.abc.Sequence[str]) -> str:
    """Returns the message that names the cause of a failure."""
    if any("No space left on device" in line for line in lines):
        return "no space left on the disk"
    return without_address(_last_line(lines))


def without_address(line: str) -> str:
    """Returns a message without the address of the part of ffmpeg that says it."""
    return re.sub(r"^\[[^\]]*\] *", "", line)


def _last_line(lines: collections.abc.Sequence[str]) -> str:
    return next((line.strip() for line in reversed(lines) if line.strip()), "no message")
