"""Finds the photos in folders, in the same way for all commands: by their content."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from fastnst import errors, files, formats

_SHOWN = 3
# The photos that come with fastnst, apart from those to train on.
_BUNDLED = ("astronaut", "coffee", "koala", "mountains", "pagoda", "rocket")


@dataclasses.dataclass(frozen=True)
class Found:
    """The visible files of a folder and its subfolders.

    Attributes:
        photos: The photos, as sorted relative paths. They may be damaged.
        others: All other files, likewise.
    """

    photos: tuple[str, ...]
    others: tuple[str, ...]

    def left_out(self) -> str:
        """Returns how many files are no photos, and the names of some; "" if there are none."""
        if not self.others:
            return ""
        names = list(self.others[:_SHOWN])
        if len(self.others) > _SHOWN:
            names.append(f"{len(self.others) - _SHOWN:,} more")
        files_are = "file is" if len(self.others) == 1 else "files are"
        return f"{len(self.others):,} other {files_are} left out: {', '.join(names)}"


def find(folder: Path) -> Found:
    """Finds the photos in a folder and its subfolders.

    Links to folders are followed. Hidden files are not counted as others.

    Raises:
        UserError: If the folder cannot be read.
    """
    photos: list[str] = []
    others: list[str] = []
    for name in filter(is_visible, files.walk(folder)):
        (photos if is_photo(folder / name) else others).append(name)
    return Found(tuple(photos), tuple(others))


def bundled() -> tuple[Path, ...]:
    """Returns the six photos that come with fastnst, on which networks are judged and compared.

    They are listed by name: pictures that somebody has left beside them do not belong to them.
    """
    return tuple(files.asset(f"img/photos/{name}.jpg") for name in _BUNDLED)


def photos_in(folder: Path) -> tuple[str, ...]:
    """Returns the photos of `find`.

    Raises:
        UserError: If there are none, or the folder cannot be read.
    """
    found = find(folder)
    if not found.photos:
        also = f" ({left_out})" if (left_out := found.left_out()) else ""
        raise errors.UserError(f"{folder}: contains no photos, that is {formats.NAMES}{also}")
    return found.photos


def is_photo(path: Path) -> bool:
    """Returns whether a file is a photo: by its extension, which costs little, else its content.

    A broken link is a photo if its name is one, so that it is reported when it is read; what could
    be endless, such as a pipe, is none.
    """
    named = path.suffix.lower() in formats.EXTENSIONS
    if not path.is_file():
        return named and path.is_symlink() and not os.path.exists(path)
    return named or format_of(path) is not None


def is_visible(name: str) -> bool:
    """Returns whether a file is neither hidden nor written by macOS beside another.

    Args:
        name: A path with forward slashes, relative to the folder or archive that is searched.
    """
    return not any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def format_of(path: Path) -> str | None:
    """Returns Pillow's name of the format of a file; None if it is no photo or cannot be read."""
    try:
        with files.opened(path) as file:
            return formats.sniff(file.read(formats.HEAD))
    except OSError:
        return None
