"""Pictures in class folders: one folder for each class, named after it."""

from __future__ import annotations

import collections
from pathlib import Path

import numpy as np

from fastnst import errors, files, images, photo_files
from fastnst.data import labeled

# No list of names of classes is longer, in bytes.
_LONGEST = 2**20


def open_folders(root: Path, classes: tuple[str, ...] | None = None) -> labeled.LabeledSet:
    """Lists the pictures of class folders; nothing is decoded yet.

    Args:
        root: The folder that holds a folder for each class.
        classes: Names of the folders to read, in order; None for all that hold pictures, sorted.

    Raises:
        UserError: If there are fewer than two classes, or a folder is missing or empty.
    """
    listed = classes if classes is not None else names(root)
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(listed):
        folder = root / name
        if files.kind(folder) != "folder":
            near = errors.did_you_mean(name, names(root))
            raise errors.UserError(f"{folder}: no such folder, although {name} is a class{near}")
        found = photo_files.photos_in(folder)
        paths += [folder / each for each in found]
        labels += [label] * len(found)
    if len(listed) < 2:
        raise errors.UserError(
            f"{root}: holds {len(listed)} folders of pictures; put the pictures of each class into "
            "a folder that is named after it"
        )

    def read(number: int) -> np.ndarray:
        path = paths[number]
        return images.decode(images.read_bytes(path), str(path))

    return labeled.LabeledSet(
        str(root), tuple(listed), np.array(labels, np.int32), read, files=tuple(paths)
    )


def names(root: Path) -> tuple[str, ...]:
    """Returns the names of the folders that hold pictures, sorted.

    Raises:
        UserError: If the folder cannot be read.
    """
    found = (name for name in photo_files.find(root).photos if "/" in name)
    return tuple(sorted({name.partition("/")[0] for name in found}))


def read_labels(path: Path) -> tuple[str, ...]:
    """Reads the names of classes from a text file, one per line.

    Raises:
        UserError: If it cannot be read, is empty, or names a class twice.
    """
    with images.opened(path) as file:
        data = file.read(_LONGEST + 1)
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        lines = []
    found = tuple(line.strip() for line in lines if line.strip())
    if not found or len(data) > _LONGEST:
        raise errors.UserError(f"{path}: should be a text file with the name of a class per line")
    for name, times in collections.Counter(found).items():
        if times > 1:
            raise errors.UserError(
                f"{path}: names the class {name:.80} twice; remove one of the lines"
            )
        # Names are those of folders.
        if "/" in name or "\\" in name or name in (".", ".."):
            raise errors.UserError(f"{path}: {name!r:.80} is not the name of a folder")
    return found
