"""Terminal helpers for all commands: errors, exit codes, signals, and a quiet TensorFlow."""

from __future__ import annotations

import argparse
import collections.abc
import contextlib
import dataclasses
import io
import json
import os
import re
import signal
import sys
import types
from pathlib import Path
from typing import Any, TextIO

import tqdm

from fastnst import cluster, errors

# The last two are what a shell reports for a command that SIGINT or SIGTERM has ended.
DONE, USER_ERROR, USAGE, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143


def guarded(command: str, body: collections.abc.Callable[[], int], *, quiet: bool = False) -> int:
    """Runs a command's body and returns its exit code; if `quiet`, without notes and bars.

    A UserError is printed as one line on stderr. Ctrl-C and a closed stdout end the command
    without a traceback. SIGTERM raises KeyboardInterrupt in the body, as Ctrl-C does.
    """
    terminated = False

    def terminate(number: int, frame: types.FrameType | None) -> None:
        nonlocal terminated
        terminated = True
        raise KeyboardInterrupt

    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names may be bytes that are not valid text; they are printed unchanged.
        sys.stdout.reconfigure(
            errors="surrogateescape" if os.name == "posix" else "backslashreplace"
        )
    earlier = signal.signal(signal.SIGTERM, terminate)
    try:
        with contextlib.redirect_stderr(_Quiet(sys.stderr)) if quiet else contextlib.nullcontext():
            code = body()
        return TERMINATED if terminated and code == INTERRUPTED else code
    except errors.UserError as error:
        print(f"{command}: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print(f"{command}: interrupted", file=sys.stderr)
        return TERMINATED if terminated else INTERRUPTED
    except BrokenPipeError:
        # The reader closed the pipe. Without this, flushing stdout at exit would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    finally:
        signal.signal(signal.SIGTERM, earlier)


class _Quiet(io.TextIOBase):
    """A stderr for errors only: no terminal, so that there are no bars, and `say` is silent."""

    def __init__(self, stderr: TextIO) -> None:
        self._stderr = stderr

    def write(self, text: str) -> int:
        return self._stderr.write(text)

    def flush(self) -> None:
        self._stderr.flush()

    def fileno(self) -> int:
        return self._stderr.fileno()

    def isatty(self) -> bool:
        return False


def say(line: str) -> None:
    """Prints a note on stderr, apart from the results on stdout, above any progress bar.

    With `--quiet`, it prints nothing.
    """
    if not isinstance(sys.stderr, _Quiet):
        complain(line)


def complain(line: str) -> None:
    """Prints an error on stderr, above any progress bar."""
    tqdm.tqdm.write(line, file=sys.stderr)
    sys.stderr.flush()


def result(path: Path | str, *, as_json: bool, **facts: Any) -> None:
    """Prints a result on stdout: the path of what was written, or with `--json` an object.

    Args:
        path: The file or folder.
        as_json: Whether `--json` was given.
        **facts: Further entries of the object; those that are None are left out.
    """
    if as_json:
        known = {name: value for name, value in facts.items() if value is not None}
        print(json.dumps({"output": str(path), **known}), flush=True)
    else:
        print(path, flush=True)


@dataclasses.dataclass
class StopRequest:
    """A request to stop, by Ctrl-C or SIGTERM.

    Attributes:
        signal: Number of the signal, or None as long as there was none.
    """

    signal: int | None = None

    def __call__(self) -> bool:
        """Returns whether a stop is requested."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """The exit code of a command that stops for it."""
        return TERMINATED if self.signal == signal.SIGTERM else INTERRUPTED


@contextlib.contextmanager
def stopping_gently() -> collections.abc.Iterator[StopRequest]:
    """Turns Ctrl-C or SIGTERM into a request to stop after this step; a second one stops at once.

    Yields:
        The request, which is true to call once a signal has come.
    """
    request = StopRequest()

    def on_signal(number: int, frame: types.FrameType | None) -> None:
        if request():
            raise KeyboardInterrupt
        request.signal = number
        say("stopping after this step; press Ctrl-C again to stop at once")

    earlier = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield request
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def natural(text: str) -> int:
    """Parses a whole number of 0 or more, as an argparse type."""
    return _whole(text, 0, None)


def positive(text: str) -> int:
    """Parses a whole number above 0, as an argparse type."""
    return _whole(text, 1, None)


def quality(text: str) -> int:
    """Parses a JPEG quality from 1 to 100, as an argparse type."""
    return _whole(text, 1, 100)


def memory(text: str) -> int:
    """Parses an amount of memory, such as 2GiB or 500MB, into bytes, as an argparse type."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt])(i?)b?", text.strip().lower())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} should be an amount such as 2GiB or 500MB")
    number, prefix, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** ("kmgt".index(prefix) + 1))


def _whole(text: str, least: int, most: int | None) -> int:
    allowed = f"at least {least}" if most is None else f"from {least} to {most}"
    try:
        number = int(text)
        if number < least or (most is not None and number > most):
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} should be a whole number, {allowed}") from None
    return number


def import_tensorflow() -> None:
    """Imports TensorFlow without its startup messages.

    Its native libraries write to stderr's file descriptor before logging can be configured.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _silenced(2):
        import tensorflow as tf

        # By default, TensorFlow reserves all GPU memory, which leaves none for a second command.
        # Once the GPU is in use, setting this raises a RuntimeError.
        with contextlib.suppress(RuntimeError):
            for gpu in tf.config.list_physical_devices("GPU"):
                tf.config.experimental.set_memory_growth(gpu, True)
        # Initializes the devices now, because the first use prints more messages. A cluster has to
        # be joined before.
        if not os.environ.get(cluster.VARIABLE):
            tf.config.list_logical_devices()
    tf.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def _silenced(descriptor: int) -> collections.abc.Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(descriptor)
    with open(os.devnull, "wb") as null:
        os.dup2(null.fileno(), descriptor)
    try:
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
