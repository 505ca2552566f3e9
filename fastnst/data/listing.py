"""Lists and reads the photos in a folder or a zip archive."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from fastnst import errors, files, formats, images, photo_files

# Photos are compressed, so one that unpacks to many times its size is most likely meant to fill the
# memory. Small files may be anything.
_DENSEST, _SMALL = 100, 2**26


@dataclasses.dataclass(frozen=True)
class Listing:
    """The photos of a folder or an archive.

    Attributes:
        sizes: A dict from name to size in bytes, sorted by name. A name is the path relative to
            the folder, or inside the archive, with forward slashes.
        read: Returns the content of a name; thread-safe.
        left_out: How many other files there are, and the names of some; "" if there are none.
    """

    sizes: dict[str, int]
    read: Callable[[str], bytes]
    left_out: str


def photos(source: Path) -> Listing:
    """Lists the photos in a zip archive, or in a folder and its subfolders.

    Raises:
        UserError: If there is no such folder or archive, or it contains no photo.
    """
    kind = files.kind(source)
    if kind is None:
        raise errors.UserError(f"{source}: no such folder or zip archive")
    listing = _folder(source) if kind == "folder" else _archive(source)
    if not listing.sizes:
        raise errors.UserError(f"{source}: contains no photos, that is {formats.NAMES}")
    return listing


def _folder(path: Path) -> Listing:
    def size(name: str) -> int:
        # A link may be broken; reading it will raise the error.
        return (path / name).stat().st_size if (path / name).exists() else 0

    found = photo_files.find(path)
    try:
        sizes = {name: size(name) for name in found.photos}
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None
    return Listing(sizes, lambda name: images.read_bytes(path / name), found.left_out())


def _archive(path: Path) -> Listing:
    # Damaged archives make zipfile raise exceptions of many types.
    try:
        archive = zipfile.ZipFile(path)
        entries = sorted(archive.infolist(), key=lambda entry: entry.filename)
    except Exception as error:
        raise errors.UserError(
            f"{path}: not a readable zip archive ({error}); name a folder or a .zip file"
        ) from None

    def read(name: str) -> bytes:
        entry = archive.getinfo(name)
        if entry.file_size > max(_SMALL, _DENSEST * entry.compress_size):
            raise errors.UserError(
                f"{name}: unpacks to {entry.file_size / 1e6:,.0f} MB, more than {_DENSEST} times "
                f"its size in {path}; unpack it yourself if you trust it"
            )
        try:
            # At most what it claims to unpack to: zipfile would unpack all before it compares.
            with archive.open(entry) as file:
                return file.read(entry.file_size)
        except Exception as error:
            reason = str(error) or type(error).__name__
            raise errors.UserError(f"{name}: cannot be read from {path} ({reason})") from None

    def is_photo(entry: zipfile.ZipInfo) -> bool:
        if os.path.splitext(entry.filename)[1].lower() in formats.EXTENSIONS:
            return True
        # What cannot be read is not known to be a photo.
        with contextlib.suppress(Exception), archive.open(entry) as file:
            return formats.sniff(file.read(formats.HEAD)) is not None
        return False

    visible = [
        entry for entry in entries if not entry.is_dir() and photo_files.is_visible(entry.filename)
    ]
    sizes = {entry.filename: entry.file_size for entry in visible if is_photo(entry)}
    others = tuple(entry.filename for entry in visible if entry.filename not in sizes)
    return Listing(sizes, read, photo_files.Found(tuple(sizes), others).left_out())
