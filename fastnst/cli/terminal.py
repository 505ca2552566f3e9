"""Terminal helpers for all commands: errors, exit codes, signals, and a quiet TensorFlow."""

from __future__ import annotations

import argparse
import collections.abc
import contextlib
import io
import os
import signal
import sys
import types

import tqdm

from fastnst import errors

DONE, USER_ERROR, USAGE, INTERRUPTED = 0, 1, 2, 130


def guarded(command: str, body: collections.abc.Callable[[], int]) -> int:
    """Runs a command's body and returns its exit code.

    A UserError is printed as one line on stderr. Ctrl-C and a closed stdout end the command
    without a traceback.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names may be bytes that are not valid text; they are printed unchanged.
        sys.stdout.reconfigure(
            errors="surrogateescape" if os.name == "posix" else "backslashreplace"
        )
    try:
        return body()
    except errors.UserError as error:
        print(f"{command}: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print(f"{command}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader closed the pipe. Without this, flushing stdout at exit would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def say(line: str) -> None:
    """Prints a message on stderr, apart from the results on stdout, above any progress bar."""
    tqdm.tqdm.write(line, file=sys.stderr)
    sys.stderr.flush()


@contextlib.contextmanager
def stopping_gently() -> collections.abc.Iterator[collections.abc.Callable[[], bool]]:
    """Turns Ctrl-C or SIGTERM into a request to stop after this step; a second one stops at once.

    Yields:
        A function that returns whether a stop has been requested.
    """
    received: list[int] = []

    def on_signal(number: int, frame: types.FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        say("stopping after this step; press Ctrl-C again to stop at once")

    earlier = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def positive(text: str) -> int:
    """Parses a whole number above 0, as an argparse type."""
    return _whole(text, 1, None)


def quality(text: str) -> int:
    """Parses a JPEG quality from 1 to 100, as an argparse type."""
    return _whole(text, 1, 100)


def strength(text: str) -> float:
    """Parses a strength from 0 to 1.5, as an argparse type."""
    try:
        number = float(text)
        if not 0.0 <= number <= 1.5:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} should be a number from 0 to 1.5") from None
    return number


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
        # Initializes the devices now, because the first use prints more messages.
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
