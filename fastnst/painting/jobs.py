"""Plans which photos are stylized, and into which files."""

from __future__ import annotations

import collections.abc
import dataclasses
import re
from pathlib import Path

from fastnst import errors, files, formats, images, photo_files
from fastnst.models import stylizer

# GIF has too few colors, and most browsers do not show TIFF. AVIF and HEIC are only read.
_WRITTEN_AS = {
    **dict.fromkeys((".gif", ".tif", ".tiff", ".avif"), ".png"),
    **dict.fromkeys((".heic", ".heif"), ".jpg"),
}
# The same for photos whose extension tells nothing, by their content.
_EXTENSION_OF = {"JPEG": ".jpg", "HEIF": ".jpg", "WEBP": ".webp", "BMP": ".bmp"}


@dataclasses.dataclass(frozen=True)
class Job:
    """A photo to stylize, the file of the result, and the style; None for the model's default."""

    photo: Path
    stylized: Path
    style: str | None = None


def find(
    inputs: collections.abc.Sequence[Path],
    apart_from: Path | None = None,
    say: stylizer.Say = lambda note: None,
) -> list[tuple[Path, Path]]:
    """Finds photos in files and folders.

    Args:
        inputs: Photos and folders of photos. Folders are searched recursively, except hidden
            files.
        apart_from: A folder inside the inputs that is not searched.
        say: Receives a note for each folder with files that are no photos.

    Returns:
        Each photo's path, and its path relative to the input that it was found in.

    Raises:
        UserError: If an input does not exist, or a folder contains no photos.
    """
    pairs: list[tuple[Path, Path]] = []
    for path in inputs:
        kind = files.kind(path)
        if kind is None:
            raise errors.UserError(f"{path}: no such file or folder")
        if kind == "file":
            pairs.append((path, Path(path.name)))
        else:
            seen = photo_files.find(path)
            found = [path / name for name in seen.photos]
            if apart_from and path.resolve() in (apart := apart_from.resolve()).parents:
                found = [entry for entry in found if apart not in entry.resolve().parents]
            left_out = seen.left_out()
            if not found:
                also = f"; {left_out}" if left_out else ""
                raise errors.UserError(f"{path}: contains no photos, that is {formats.NAMES}{also}")
            if left_out:
                say(f"{path}: {left_out}")
            pairs += [(photo, photo.relative_to(path)) for photo in found]
    return pairs


def plan(
    inputs: collections.abc.Sequence[Path],
    output: str | Path | None,
    name: str,
    *,
    style: str | None = None,
    apart: bool = False,
    say: stylizer.Say = lambda note: None,
) -> list[Job]:
    """Lists the photos to stylize and the files of the results.

    Args:
        inputs: Photos and folders of photos. Folders are searched recursively, except hidden files
            and the output folder.
        output: A file if the input is a single file, or a folder, as `files.names_folder` tells
            of a single file; None for "generated".
        name: Name of the model or the style, a suffix of the files in "generated".
        style: The style to stylize in; None for the model's default.
        apart: Whether to add `name` to the name of every stylized photo, because those in other
            styles go to the same folder.
        say: As in `find`.

    Raises:
        UserError: If an input does not exist, a folder contains no photos, or a stylized photo
            would overwrite a photo or another stylized photo.
    """
    folder = Path("generated" if output is None else output)
    is_file = output is not None and not files.names_folder(output)
    pairs = find(inputs, folder, say)
    single = len(inputs) == 1 and files.kind(inputs[0]) == "file"
    names_a_photo = is_file and folder.suffix.lower() in formats.WRITTEN
    if apart and names_a_photo:
        raise errors.UserError(
            f"{output}: is one file, but there are several stylized photos; name a folder with -o"
        )
    if is_file and single:
        images.format_of(folder)
        targets = [folder]
    elif output is None or apart:
        targets = [path.with_stem(f"{path.stem}-{name}") for path in _as_written(pairs, folder)]
    elif names_a_photo:
        raise errors.UserError(
            f"{output}: is one file, but there may be several stylized photos; name a folder "
            "with -o"
        )
    else:
        targets = _as_written(pairs, folder)
    photos = {photo.resolve() for photo, _ in pairs}
    taken: dict[Path, Path] = {}
    for (photo, _), stylized in zip(pairs, targets, strict=True):
        place = stylized.resolve()
        if place in photos:
            raise errors.UserError(
                f"{stylized}: would overwrite an input photo; name another folder with -o"
            )
        if place in taken:
            raise errors.UserError(
                f"{stylized}: is the output of both {taken[place]} and {photo}; stylize them into "
                "different folders"
            )
        taken[place] = photo
    return [
        Job(photo, stylized, style) for (photo, _), stylized in zip(pairs, targets, strict=True)
    ]


def _as_written(pairs: collections.abc.Sequence[tuple[Path, Path]], folder: Path) -> list[Path]:
    """Returns the files of the stylized photos in a folder, with extensions that can be written.

    sky.gif becomes sky.png, or sky.gif.png if there is a sky.png.
    """
    taken = {relative for _, relative in pairs}
    written = []
    for photo, path in pairs:
        suffix, replaces = _extension(photo)
        target = path.with_suffix(suffix) if replaces else path.with_name(path.name + suffix)
        if target != path and target in taken:
            target = path.with_name(path.name + suffix)
        taken.add(target)
        written.append(folder / target)
    return written


def _extension(photo: Path) -> tuple[str, bool]:
    """Returns the extension of the stylized photo, and whether it replaces that of the photo."""
    # Of what a URL leaves behind, such as .jpg?w=640, the extension is the first part.
    suffix = re.split(r"(?<=\w)\W", photo.suffix.lower())[0]
    suffix = _WRITTEN_AS.get(suffix, suffix)
    if suffix in formats.WRITTEN:
        return (photo.suffix if photo.suffix.lower() == suffix else suffix), True
    return _EXTENSION_OF.get(photo_files.format_of(photo) or "", ".png"), False
