"""Terminal helpers for all commands: errors, exit codes, signals, and a quiet TensorFlow."""

from __future__ import annotations

import argparse
import collections.abc
import contextlib
import dataclasses
import json
import math
import os
import re
import signal
import sys
import types
from pathlib import Path
from typing import Any

import tqdm

from fastnst import cluster, errors
from fastnst.cli import last_resort, streams

DONE, USER_ERROR, USAGE = 0, 1, 2
# What a shell reports for a command that a signal has ended: 128 and its number.
HUNG_UP, INTERRUPTED, TERMINATED = 129, 130, 143
# SIGHUP says that the terminal was closed or the connection lost; Windows has none.
_ENDS = {
    getattr(signal, name): code
    for name, code in (("SIGTERM", TERMINATED), ("SIGHUP", HUNG_UP))
    if hasattr(signal, name)
}


def guarded(command: str, body: collections.abc.Callable[[], int], *, quiet: bool = False) -> int:
    """Runs a command's body and returns its exit code; if `quiet`, without notes and bars.

    A UserError is printed as one line on stderr. Ctrl-C and a closed stdout end the command
    without a traceback. SIGTERM and SIGHUP raise KeyboardInterrupt in the body, as Ctrl-C does. A
    second signal ends the command even if it does not react.
    """
    ended: list[int] = []

    def end(number: int, frame: types.FrameType | None) -> None:
        ended.append(_ENDS[signal.Signals(number)])
        raise KeyboardInterrupt

    streams.prepare()
    with (
        contextlib.redirect_stderr(streams.Stderr(sys.stderr, quiet)),
        _handling(_ENDS, end),
        last_resort.ending_after_two_signals(),
    ):
        try:
            _check_working_directory()
            code = body()
            sys.stdout.flush()
            return ended[0] if ended and code == INTERRUPTED else code
        except errors.UserError as error:
            # A conf file may have several mistakes, in a line each.
            print(f"{command}: {error}", file=sys.stderr)
            return USER_ERROR
        except KeyboardInterrupt:
            print(f"{command}: interrupted", file=sys.stderr)
            return ended[0] if ended else INTERRUPTED
        except BrokenPipeError:
            # The reader closed the pipe.
            streams.drop_stdout()
            return DONE
        except OSError as error:
            # A bug has no file, but a folder may be closed to us, and a name too long, anywhere.
            if error.filename is None:
                raise
            name = os.fsdecode(error.filename)
            print(errors.printable(f"{command}: {name}: {error.strerror}"), file=sys.stderr)
            return USER_ERROR


def _check_working_directory() -> None:
    try:
        os.getcwd()
    except OSError:
        raise errors.UserError(
            "the working directory was deleted; change to another folder, such as with cd ~"
        ) from None


@contextlib.contextmanager
def _handling(
    signals: collections.abc.Iterable[int],
    handler: collections.abc.Callable[[int, types.FrameType | None], None],
) -> collections.abc.Iterator[None]:
    """Handles signals within the block; under nohup, SIGHUP stays ignored."""
    hangup = getattr(signal, "SIGHUP", None)
    earlier = {
        number: signal.signal(number, handler)
        for number in signals
        if number != hangup or signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, before in earlier.items():
            signal.signal(number, before)


def say(line: str) -> None:
    """Prints a note on stderr, apart from the results on stdout, above any progress bar.

    With `--quiet`, it prints nothing.
    """
    if not getattr(sys.stderr, "quiet", False):
        complain(line)


def complain(line: str) -> None:
    """Prints an error on stderr, above any progress bar."""
    tqdm.tqdm.write(errors.printable(line), file=sys.stderr)
    sys.stderr.flush()


def show(text: str) -> None:
    """Prints lines on stdout: to a program unchanged, to a terminal without control characters.

    If the reader has closed the pipe, such as `head`, the work goes on without it.

    Raises:
        UserError: If it cannot be written.
    """
    if sys.stdout.isatty():
        text = "\n".join(map(errors.printable, text.split("\n")))
    with _writing_to_stdout():
        print(text, flush=True)


def write_bytes(data: bytes) -> None:
    """Writes the content of a file to stdout, as `show` does."""
    with _writing_to_stdout():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


@contextlib.contextmanager
def _writing_to_stdout() -> collections.abc.Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        streams.drop_stdout()
    except OSError as error:
        streams.drop_stdout()
        raise errors.UserError(f"standard output: cannot be written ({error.strerror})") from None


def result(path: Path | str, *, as_json: bool, **facts: Any) -> None:
    """Prints a result on stdout: the path of what was written, or with `--json` an object.

    Args:
        path: The file or folder.
        as_json: Whether `--json` was given.
        **facts: Further entries of the object; those that are None are left out.
    """
    if as_json:
        known = {name: value for name, value in facts.items() if value is not None}
        show(json.dumps({"output": str(path), **known}))
    else:
        show(str(path))


@dataclasses.dataclass
class StopRequest:
    """A request to stop, by Ctrl-C, SIGTERM or SIGHUP.

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
        return INTERRUPTED if self.signal is None else 128 + self.signal


@contextlib.contextmanager
def stopping_gently() -> collections.abc.Iterator[StopRequest]:
    """Turns Ctrl-C, SIGTERM or SIGHUP into a request to stop after this step.

    A second one stops at once.

    Yields:
        The request, which is true to call once a signal has come.
    """
    request = StopRequest()

    def on_signal(number: int, frame: types.FrameType | None) -> None:
        if request():
            raise KeyboardInterrupt
        request.signal = number
        say("stopping after this step; press Ctrl-C again to stop at once")

    with _handling((signal.SIGINT, *_ENDS), on_signal):
        yield request


# No number of steps, of pixels of a side or of seeds is larger.
_MOST = 1_000_000_000
# No picture has more pixels.
_MOST_PIXELS = 10**12


def natural(text: str) -> int:
    """Parses a whole number of 0 or more, as an argparse type."""
    return whole(text, 0, _MOST)


def positive(text: str) -> int:
    """Parses a whole number above 0, as an argparse type."""
    return whole(text, 1, _MOST)


def quality(text: str) -> int:
    """Parses a JPEG quality from 1 to 100, as an argparse type."""
    return whole(text, 1, 100)


def number(
    *, least: float = -math.inf, above: float = -math.inf, most: float
) -> collections.abc.Callable[[str], float]:
    """Returns a parser of finite numbers within bounds, as an argparse type.

    Args:
        least: The least number.
        above: A bound that the numbers must exceed.
        most: The largest number.
    """
    lower = f"above {above:g}" if above > least else f"from {least:g}"
    allowed = f"{lower}, at most {most:g}" if above > least else f"{lower} to {most:g}"

    def parse(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        # Of NaN, every comparison is false.
        if least <= found <= most and found > above:
            return found
        raise argparse.ArgumentTypeError(f"{text[:40]!r} should be a number {allowed}")

    return parse


def memory(text: str) -> int:
    """Parses an amount of memory, such as 2GiB or 500MB, into bytes, as an argparse type."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt])(i?)b?", text.strip().lower())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} should be an amount such as 2GiB or 500MB")
    amount, prefix, binary = found.groups()
    if len(amount) > 15:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is more memory than there is")
    return int(float(amount) * (1024 if binary else 1000) ** ("kmgt".index(prefix) + 1))


def pixels(text: str) -> int:
    """Parses a number of pixels, such as 500M or 2G, as an argparse type."""
    found = re.fullmatch(r"(\d{1,12}(?:\.\d+)?)\s*([kmg]?)(?:px|p)?", text.strip().lower())
    count = float(found[1]) * 1000 ** (" kmg".index(found[2] or " ")) if found else 0.0
    if not 1 <= count <= _MOST_PIXELS:
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} should be a number of pixels, such as 500M, at most 1000G"
        )
    return int(count)


def whole(text: str, least: int, most: int) -> int:
    """Parses a whole number within bounds, for argparse types."""
    allowed = f"from {least:,} to {most:,}"
    try:
        found = int(text)
        if not least <= found <= most:
            raise ValueError
    except ValueError:
        shown = f"{text[:40]!r}"
        raise argparse.ArgumentTypeError(f"{shown} should be a whole number, {allowed}") from None
    return found


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
