"""Finding and reading the photos that lie in a folder or a zip archive."""

from __future__ import annotations

import dataclasses
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from fastnst import errors, files, images

# RuntimeError stands for an encrypted entry and for a compression that Python does not know.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)


@dataclasses.dataclass(frozen=True)
class Listing:
    """The photos of a folder or an archive.

    Attributes:
        sizes: Name -> bytes, in the order of the names; a name is the path below the folder, or
            inside the archive, with forward slashes.
        read: Gives the bytes of a name; safe to call from several threads at once.
    """

    sizes: dict[str, int]
    read: Callable[[str], bytes]


def photos(source: Path) -> Listing:
    """Lists the photos of a folder, of everything below it, or of a zip archive.

    Raises:
        UserError: If there is no such folder or archive, or no photo in it.
    """
    if source.is_dir():
        listing = _folder(source)
    elif source.is_file():
        listing = _archive(source)
    else:
        raise errors.UserError(f"{source}: no such folder or zip archive")
    if not listing.sizes:
        raise errors.UserError(
            f"{source}: no photo in it; looked for {' '.join(sorted(files.PHOTO_EXTENSIONS))}"
        )
    return listing


def _folder(path: Path) -> Listing:
    def size(name: str) -> int:
        # A link may lead nowhere: reading it will give the reason.
        return (path / name).stat().st_size if (path / name).exists() else 0

    try:
        sizes = {name: size(name) for name in files.walk(path) if files.is_photo(name)}
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None
    return Listing(sizes=sizes, read=lambda name: images.read_bytes(path / name))


def _archive(path: Path) -> Listing:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise errors.UserError(
            f"{path}: not a zip archive that can be read ({error}); give a folder or a .zip"
        ) from None
    sizes = {
        entry.filename: entry.file_size
        for entry in sorted(archive.infolist(), key=lambda entry: entry.filename)
        if not entry.is_dir() and files.is_photo(entry.filename)
    }

    def read(name: str) -> bytes:
        try:
            return archive.read(name)
        except _UNREADABLE as error:
            raise errors.UserError(f"{name}: cannot be read from {path} ({error})") from None

    return Listing(sizes=sizes, read=read)
