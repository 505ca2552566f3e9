"""Notices photos that arrive in folders."""

from __future__ import annotations

import collections.abc
from pathlib import Path
from typing import TypeAlias

# Size and time of the last change, in nanoseconds.
_State: TypeAlias = tuple[int, int]


class Watcher:
    """Tells which photos are new or have changed, once they are complete.

    Example:
        >>> watcher = Watcher()
        >>> watcher.ready(photos)  # []: they may still be written.
        >>> watcher.ready(photos)  # All that have not changed since.
    """

    def __init__(self) -> None:
        self._seen: dict[Path, _State] = {}
        self._done: dict[Path, _State] = {}

    def ready(self, photos: collections.abc.Iterable[Path]) -> list[Path]:
        """Returns the photos that are new or changed, and the same as at the previous call.

        Args:
            photos: All photos that are in the folders now.
        """
        now = {photo: state for photo in photos if (state := _state(photo))}
        ready = [
            photo
            for photo, state in now.items()
            if self._seen.get(photo) == state and self._done.get(photo) != state
        ]
        self._seen = now
        self._done = {photo: state for photo, state in self._done.items() if photo in now}
        self._done |= {photo: now[photo] for photo in ready}
        return ready


def _state(photo: Path) -> _State | None:
    """Returns the state of a file; None if it has vanished or is empty."""
    try:
        found = photo.stat()
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns) if found.st_size else None
