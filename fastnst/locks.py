"""Locks on folders, so that two processes do not write into the same one.

The kernel releases a lock when its process ends in any way, or the machine does: a lock is never
stale, and a file that such a process leaves behind is taken over.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import sys
import weakref
from pathlib import Path

from fastnst import errors

# Some network file systems do not lock.
_WITHOUT_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


class Lock:
    """A lock that this process holds until all references to it are gone, or the process ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Wraps the descriptor of a locked file, which is deleted with the lock."""
        weakref.finalize(self, _release, path, descriptor)


_held: weakref.WeakValueDictionary[Path, Lock] = weakref.WeakValueDictionary()


def hold(folder: Path) -> Lock:
    """Locks a folder against other processes; it need not exist, but its parent must.

    The lock is a file beside the folder, so that the folder may be moved. This process may hold a
    folder several times.

    Args:
        folder: The folder, for example models/candy; the file is then models/.candy.lock.

    Raises:
        UserError: If another process holds the folder.
        OSError: If the file cannot be created.
    """
    place = folder.resolve()
    path = place.with_name(f".{place.name}.lock")
    if (held := _held.get(path)) is not None:
        return held
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            _lock(descriptor, folder)
            # The one who held it may have deleted the file after we had opened it.
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                break
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    owner = {"pid": os.getpid(), "host": platform.node()}
    # On a full disk, the lock holds without its note.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(owner).encode())
    lock = Lock(path, descriptor)
    _held[path] = lock
    return lock


def hold_if_possible(folder: Path) -> Lock | None:
    """Locks a folder as `hold` does; its parent is created.

    Returns:
        The lock; None if it cannot be created. What is written then says why.

    Raises:
        UserError: If another process holds the folder.
    """
    with contextlib.suppress(OSError):
        folder.parent.mkdir(parents=True, exist_ok=True)
        return hold(folder)
    return None


def _lock(descriptor: int, folder: Path) -> None:
    if sys.platform == "win32":  # It has no such locks.
        return
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise errors.UserError(
            f"{folder}: {_owner(descriptor)} is writing to it; wait until it ends, stop it, or "
            "write to another one"
        ) from None
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise


def _owner(descriptor: int) -> str:
    try:
        owner = json.loads(os.pread(descriptor, 1000, 0))
        return f"process {int(owner['pid'])} on {owner['host']!s:.100}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _release(path: Path, descriptor: int) -> None:
    # If the folder has become read-only, whoever comes next takes the file over.
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
    os.close(descriptor)
