"""What all commands share at the terminal: errors, exit codes and a quiet TensorFlow."""

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
    """Runs a command's body; a user's error becomes a line on stderr and an exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file's name may be bytes of no known characters, which a pipe is given as they are.
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
        # The reader of our output has seen enough; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def say(line: str) -> None:
    """Tells the user something on stderr, where it mixes with no result, above any bar."""
    tqdm.tqdm.write(line, file=sys.stderr)
    sys.stderr.flush()


@contextlib.contextmanager
def stopping_gently() -> collections.abc.Iterator[collections.abc.Callable[[], bool]]:
    """Makes of Ctrl-C, and of SIGTERM, a wish to stop after the step; the second stops at once.

    Yields:
        What tells whether it was wished.
    """
    wished: list[int] = []

    def on_signal(number: int, frame: types.FrameType | None) -> None:
        if wished:
            raise KeyboardInterrupt
        wished.append(number)
        say("stopping after this step; once more to stop at once")

    earlier = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield lambda: bool(wished)
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def positive(text: str) -> int:
    """Reads a whole number above 0, for argparse."""
    return _whole(text, 1, None)


def quality(text: str) -> int:
    """Reads a quality of JPEG, for argparse."""
    return _whole(text, 1, 100)


def strength(text: str) -> float:
    """Reads a strength, a number from 0 to 1.5, for argparse."""
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
    """Imports TensorFlow without its start-up chatter.

    The libraries below it write to the file descriptor before any logging can be configured.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _silenced(2):
        import tensorflow as tf

        # Else TensorFlow takes the whole card, and a second command finds no room on it. It cannot
        # be changed any more where somebody uses the card already.
        with contextlib.suppress(RuntimeError):
            for gpu in tf.config.list_physical_devices("GPU"):
                tf.config.experimental.set_memory_growth(gpu, True)
        # Devices are looked for at the first use, with more chatter.
        tf.config.list_logical_devices()
    tf.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def _silenced(descriptor: int) -> collections.abc.Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(descriptor)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), descriptor)
    try:
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
