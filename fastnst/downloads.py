"""Downloads: whether a server answers, and files that are kept in a cache."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import queue
import socket
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from fastnst import errors, files

# Seconds until a server answers, and without any data.
_PATIENCE, _SILENCE = 10, 60
# The same for downloads by Keras, which sets no limit and could wait forever.
_KERAS_SILENCE = 30


def cached(url: str, sha512: str, advice: str, say: Callable[[str], None] = lambda _: None) -> Path:
    """Returns a file of the cache; it is downloaded if it is missing or damaged.

    Args:
        url: Its address, whose last part is its name.
        sha512: Its checksum in base64, as npm writes it.
        advice: How to get the file without this program, for the error's message.
        say: Called before a download with a line about it.

    Raises:
        UserError: If it cannot be downloaded; the message says where to put it.
    """
    path = files.cache() / url.rpartition("/")[2]
    if path.is_file() and _sha512(files.read(path)) == sha512:
        return path
    say(f"downloading {url}")
    try:
        require_answer(url, _PATIENCE)
        with urllib.request.urlopen(url, timeout=_SILENCE) as answer:
            content = answer.read()
        if _sha512(content) != sha512:
            raise ValueError("its checksum is wrong")
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise errors.UserError(
            f"{path.name}: cannot be downloaded ({reason}); {advice} and put it into {path.parent}"
        ) from None
    files.write(path, content)
    return path


@contextlib.contextmanager
def through_keras(url: str, kept: Path) -> Iterator[None]:
    """Limits how long Keras waits for a download within the block, and keeps its bar off stdout.

    Args:
        url: The address, which must answer unless the file is there already.
        kept: The file or folder in Keras's cache.

    Raises:
        OSError: If there is no answer.
    """
    patience = socket.getdefaulttimeout()
    if not kept.exists():
        require_answer(url, _PATIENCE)
    socket.setdefaulttimeout(_KERAS_SILENCE)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        socket.setdefaulttimeout(patience)


def _sha512(content: bytes) -> str:
    return base64.b64encode(hashlib.sha512(content).digest()).decode()


def require_answer(url: str, seconds: float) -> None:
    """Raises an error unless the server answers in time.

    The timeout of urlopen applies to each address of a server separately and does not cover the
    name lookup, which adds up to minutes without a connection. The request is therefore sent in a
    thread, which can be abandoned.
    """
    answers: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")
            urllib.request.urlopen(request, timeout=seconds).close()
            answers.put(None)
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        error = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer from {url} within {seconds:g} seconds") from None
    if error:
        raise error
