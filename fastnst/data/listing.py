"""Lists and reads the photos in a folder or a zip archive."""

from __future__ import annotations

import dataclasses
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from fastnst import errors, files, images

# zipfile raises RuntimeError for encrypted entries and for unsupported compression.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)


@dataclasses.dataclass(frozen=True)
class Listing:
    """The photos of a folder or an archive.

    Attributes:
        sizes: A dict from name to size in bytes, sorted by name. A name is the path relative to
            the folder, or inside the archive, with forward slashes.
        read: Returns the content of a name; thread-safe.
    """

    sizes: dict[str, int]
    read: Callable[[str], bytes]


def photos(source: Path) -> Listing:
    """Lists the photos in a zip archive, or in a folder and its subfolders.

    Raises:
        UserError: If there is no such folder or archive, or it contains no photo.
    """
    if source.is_dir():
        listing = _folder(source)
    elif source.is_file():
        listing = _archive(source)
    else:
        raise errors.UserError(f"{source}: no such folder or zip archive")
    if not listing.sizes:
        raise errors.UserError(
            f"{source}: contains no photos; supported: {' '.join(sorted(files.PHOTO_EXTENSIONS))}"
        )
    return listing


def _folder(path: Path) -> Listing:
    def size(name: str) -> int:
        # A link may be broken; reading it will raise the error.
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
            f"{path}: not a readable zip archive ({error}); name a folder or a .zip file"
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
