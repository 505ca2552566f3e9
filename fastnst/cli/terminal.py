"""What all commands share at the terminal: errors, exit codes and a quiet TensorFlow."""

from __future__ import annotations

import argparse
import collections.abc
import contextlib
import os
import sys

from fastnst import errors

DONE, USER_ERROR, USAGE, INTERRUPTED = 0, 1, 2, 130


def guarded(command: str, body: collections.abc.Callable[[], int]) -> int:
    """Runs a command's body; a user's error becomes a line on stderr and an exit code."""
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
    """Tells the user something on stderr, where it mixes with no result."""
    print(line, file=sys.stderr, flush=True)


def positive(text: str) -> int:
    """Reads a whole number above 0, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} should be at least 1")
    return number


def quality(text: str) -> int:
    """Reads a quality of JPEG, for argparse."""
    number = int(text)
    if not 1 <= number <= 100:
        raise argparse.ArgumentTypeError(f"{number} should be from 1 to 100")
    return number


def import_tensorflow() -> None:
    """Imports TensorFlow without its start-up chatter.

    The libraries below it write to the file descriptor before any logging can be configured.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _silenced(2):
        import tensorflow as tf

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
