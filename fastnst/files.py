"""Files and folders: writing them atomically, listing them, and locating the package's assets.

The only module that moves a file into place and the only one that knows where the package keeps
its confs, pictures and pretrained networks.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import IO, Literal

from fastnst import errors

_NOT_REGULAR = "is a pipe, a socket or a device"
# Bytes that are written to check that a file can be: about those of a picture.
_PROBE = 2**18


def write(path: str | Path, data: bytes | str) -> None:
    """Writes a file atomically; missing folders are created.

    Args:
        path: The file; an earlier one is replaced.
        data: Its content; text is encoded as UTF-8.

    Raises:
        UserError: If it cannot be written.
    """
    path = Path(path)
    try:
        with staging(path.parent) as staged:
            content = data.encode() if isinstance(data, str) else data
            (staged / path.name).write_bytes(content)
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be written ({error.strerror})") from None


def check_writable(path: Path) -> None:
    """Checks that a file can be written, before the work that makes its content.

    Args:
        path: The file; its folder may be missing. Nothing is left behind, and an earlier file
            stays as it is.

    Raises:
        UserError: If it cannot be written, or the disk has no room for a small file.
    """
    try:
        # Without "..", which would lead out of the folder of the probe.
        whole = Path(os.path.realpath(path.parent), path.name)
        there = next(folder for folder in whole.parents if folder.exists())
        with scratch(there) as folder:
            probe = folder / whole.relative_to(there)
            probe.parent.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(bytes(_PROBE))
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be written ({error.strerror})") from None


def names_folder(path: str | Path) -> bool:
    """Returns whether a path to write names a folder: the rule of `-o` for all commands.

    It does if it is a folder, ends in a slash, or has no extension.

    Args:
        path: The path as it was given; a `Path` has lost its slash.
    """
    slashes = tuple(filter(None, (os.sep, os.altsep)))
    return str(path).endswith(slashes) or Path(path).is_dir() or not Path(path).suffix


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Yields an empty folder, whose files move into `folder` when the block ends.

    They move in alphabetical order and replace files of the same names. If the block raises, they
    are deleted instead.

    Args:
        folder: Created if missing.

    Raises:
        OSError: If a file cannot be moved or the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # On the same file system, where moving a file is atomic; the name is unique to this process.
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder) as staged:
        yield Path(staged)
        for path in sorted(Path(staged).iterdir()):
            os.replace(path, folder / path.name)


def sweep(folder: Path) -> None:
    """Deletes what a process that was killed while it wrote into a folder has left there."""
    for left in folder.glob(".partial-*"):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def scratch(folder: Path | None = None) -> Iterator[Path]:
    """Yields an empty folder for temporary files, which is deleted when the block ends.

    Args:
        folder: Where to create it; created itself if missing. None for the system's folder for
            temporary files.

    Raises:
        OSError: If the folder cannot be written.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".scratch-", dir=folder) as made:
        yield Path(made)


@contextlib.contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yields an empty folder, which replaces `folder` when the block ends.

    If the block raises, `folder` stays as it was.

    Raises:
        OSError: If the folder cannot be written or replaced.
    """
    folder = folder.resolve()  # "." has no name, and a link should keep pointing here.
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as scratch:
        # Not beside each other: a name of the greatest length leaves no room for an addition.
        new, old = Path(scratch, "new", folder.name), Path(scratch, "old")
        new.mkdir(parents=True)
        yield new
        if not folder.exists():
            os.replace(new, folder)
            return
        os.replace(folder, old)
        try:
            os.replace(new, folder)
        except OSError:
            os.replace(old, folder)
            raise


@contextlib.contextmanager
def plain(folder: Path) -> Iterator[Path]:
    """Yields a path to a folder that every library can open.

    TensorFlow takes brackets for wildcards, and the libraries in C++ take only UTF-8. A folder with
    such a path is reached through a link with another name.

    Raises:
        OSError: If the link cannot be created.
    """
    whole = folder.absolute()
    text = str(whole)
    special = set("*?[]\\") - {os.sep}
    if not special.intersection(text) and text.isprintable():
        yield whole
        return
    with tempfile.TemporaryDirectory() as links:
        link = Path(links, re.sub(r"[^A-Za-z0-9._-]", "_", whole.name)[:100] or "folder")
        link.symlink_to(whole, target_is_directory=True)
        yield link


def unused(folder: Path, stem: str, suffix: str) -> Path:
    """Returns the path of a new file: <stem><suffix>, or <stem>-2<suffix> if that exists, ..."""
    stems = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    paths = (folder / f"{name}{suffix}" for name in stems)
    return next(path for path in paths if not path.exists())


def retire(path: Path) -> Path | None:
    """Renames a file or folder to <path>.old1, or the next free number; nothing is deleted.

    Returns:
        Its new path, or None if nothing exists at `path`.

    Raises:
        UserError: If it cannot be renamed.
    """
    if not path.exists():
        return None
    number = 1
    while (retired := path.with_name(f"{path.name}.old{number}")).exists():
        number += 1
    try:
        os.replace(path, retired)
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be moved to {retired} ({error.strerror})") from None
    return retired


def is_retired(path: Path) -> bool:
    """Returns whether a path has the form of those that `retire` gives."""
    return re.fullmatch(r".+\.old\d+", path.name) is not None


def kind(path: str | Path) -> Literal["file", "folder"] | None:
    """Returns what a path names; None if there is nothing.

    Raises:
        UserError: If it is neither, such as a pipe, which could block for ever, or a device, which
            could be endless; or if it cannot be looked at.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None
    # Of NUL bytes, and of letters that are no text.
    except ValueError as error:
        raise errors.UserError(f"{str(path)!r}: no possible name of a file ({error})") from None
    if stat.S_ISDIR(mode):
        return "folder"
    if not stat.S_ISREG(mode):
        raise errors.UserError(f"{path}: {_NOT_REGULAR}; name a regular file")
    return "file"


def opened(path: str | Path, buffering: int = -1) -> IO[bytes]:
    """Opens a regular file to read.

    Args:
        path: The file.
        buffering: As for `open`.

    Raises:
        OSError: If it cannot be read; also if it is a pipe, which could block for ever, or a
            device, which could be endless.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, _NOT_REGULAR, str(path))
    return open(path, "rb", buffering)


def read(path: str | Path) -> bytes:
    """Reads the content of a regular file.

    Raises:
        OSError: As for `opened`.
    """
    with opened(path) as file:
        return file.read()


def walk(folder: Path) -> list[str]:
    """Lists all files below a folder except hidden ones, as sorted relative paths.

    Links to folders are followed; a folder reached twice is listed once. A subfolder that cannot
    be read is skipped.

    Raises:
        UserError: If the folder itself cannot be read.
    """
    found: list[str] = []
    seen: set[str] = set()

    def fail(error: OSError) -> None:
        # A subfolder may be closed to us (lost+found); the folder itself may not.
        if error.filename == str(folder):
            raise errors.UserError(f"{folder}: cannot be read ({error.strerror})") from None

    for root, folders, names in os.walk(folder, onerror=fail, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        # Sorted, so that the same one of two links to a folder is followed every time.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = Path(root).relative_to(folder)
        found += [(below / name).as_posix() for name in names if not name.startswith(".")]
    return sorted(found)


def state(paths: Iterable[Path]) -> str:
    """Returns a checksum of the names, sizes and dates of files.

    It tells, without reading them, whether one was replaced since.
    """
    digest = hashlib.sha256()
    for path in paths:
        # A file that has vanished is a change too.
        about = path.stat() if path.exists() else None
        told = f"{about.st_size} {about.st_mtime_ns}" if about else "-"
        digest.update(os.fsencode(f"{path} {told}\n"))
    return digest.hexdigest()


def size(folder: Path) -> int:
    """Returns the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def cache() -> Path:
    """Returns the user's folder of files that can be made again; it may not exist."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "fastnst"


def asset(name: str | Path) -> Path:
    """Returns the path of a file or folder that belongs to the package; it may not exist.

    Args:
        name: Relative, for example "conf/candy.yml", "img/photos" or "pretrained/candy".
    """
    package = Path(str(resources.files("fastnst")))
    installed = package / "assets"
    # Only a wheel has the folder: in a clone the assets lie beside the package.
    return (installed if installed.is_dir() else package.parent) / name


def find(path: str | Path, folder: str = "") -> Path:
    """Finds a file in the working directory, else among the package's assets.

    Args:
        path: A file, a folder, or the prefix of a TensorFlow checkpoint.
        folder: A folder of assets in which the path is looked up too, for example "img".

    Returns:
        The first that exists, else the path itself.
    """
    given = expand_user(path)
    candidates = (given, asset(given), asset(folder) / given)
    return next((candidate for candidate in candidates if _exists(candidate)), given)


def expand_user(path: str | Path) -> Path:
    """Returns a path with a leading ~ or ~user replaced; unchanged if there is no such user."""
    # Unlike the function of os.path, Path.expanduser raises an error then.
    return Path(os.path.expanduser(path))


def _exists(path: Path) -> bool:
    return path.exists() or path.with_name(f"{path.name}.index").exists()
