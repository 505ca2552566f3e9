"""The file that a command writes: where `-o` points, and whether it can be written there."""

from __future__ import annotations

import collections.abc
import os
from pathlib import Path

from fastnst import errors, files, images

FOLDER = Path("generated")
# Of file systems, in bytes.
_LONGEST_NAME = 255


def place(given: str | None, stem: str, suffix: str, *, numbered: bool = True) -> Path:
    """Returns the file to write.

    Args:
        given: The value of `-o`: a file, or a folder, as `files.names_folder` tells; None for the
            folder "generated".
        stem: Name of the file in a folder, without its extension.
        suffix: Its extension.
        numbered: Whether to keep an existing file of this name, and number the new one.
    """
    if given is not None and not files.names_folder(given):
        return Path(given)
    folder = FOLDER if given is None else Path(given)
    stem = _shortened(stem, suffix)
    return files.unused(folder, stem, suffix) if numbered else folder / f"{stem}{suffix}"


def _shortened(stem: str, suffix: str) -> str:
    """Cuts the start of a stem, so that a name made of a long one can be written.

    Its end is what the command has added.
    """
    room = _LONGEST_NAME - len(os.fsencode(suffix)) - len("-1000")
    while len(os.fsencode(stem)) > room:
        stem = stem[1:]
    return stem


def check(
    path: Path,
    *,
    inputs: collections.abc.Iterable[Path] = (),
    picture: images.Picture | None = None,
) -> None:
    """Checks that a file can be written, before the work that makes its content.

    Args:
        path: The file.
        inputs: Files that it may not replace.
        picture: A picture of the size of the result, to check that the format holds it; None for
            files that are not pictures.

    Raises:
        UserError: If it cannot be written, is an input, or its extension names no picture format.
    """
    if path.resolve() in {each.resolve() for each in inputs}:
        raise errors.UserError(
            f"{path}: would overwrite an input picture; choose another file with -o"
        )
    if picture is not None:
        file_format = images.format_of(path)
        try:
            # Formats have limits: WebP allows 16,383 pixels per side.
            images.encode(picture, file_format)
        except errors.UserError as error:
            raise errors.UserError(f"{path}: {error}") from None
    files.check_writable(path)
