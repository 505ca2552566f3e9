"""Stylizes image files and keeps their metadata: alpha, color profile and Exif."""

from __future__ import annotations

import collections.abc
import dataclasses
import itertools
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from fastnst import controls, errors, files, images
from fastnst.models import stylizer, work
from fastnst.painting import large

# A decoded photo, the reason why it is none, or None if it is too large for memory.
_Read: TypeAlias = "tuple[Job, images.Picture | errors.UserError | None]"
# GIF has too few colors, and most browsers do not show TIFF, so both are written as PNG.
_WRITTEN_AS = {".gif": ".png", ".tif": ".png", ".tiff": ".png"}


@dataclasses.dataclass(frozen=True)
class Job:
    """A photo to stylize, the file of the result, and the style; None for the model's default."""

    photo: Path
    stylized: Path
    style: str | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of a job.

    Attributes:
        job: The job.
        error: The reason why there is no stylized photo; None if it was written.
        size: Width and height of the stylized photo; None if it was not held in memory.
    """

    job: Job
    error: errors.UserError | None = None
    size: tuple[int, int] | None = None


def find(
    inputs: collections.abc.Sequence[Path], apart_from: Path | None = None
) -> list[tuple[Path, Path]]:
    """Finds photos in files and folders.

    Args:
        inputs: Photos and folders of photos. Folders are searched recursively, except hidden
            files.
        apart_from: A folder inside the inputs that is not searched.

    Returns:
        Each photo's path, and its path relative to the input that it was found in.

    Raises:
        UserError: If an input does not exist, or a folder contains no photos.
    """
    pairs: list[tuple[Path, Path]] = []
    for path in inputs:
        if path.is_dir():
            found = [path / name for name in files.walk(path) if files.is_photo(name)]
            if apart_from and path.resolve() in (left_out := apart_from.resolve()).parents:
                found = [entry for entry in found if left_out not in entry.resolve().parents]
            if not found:
                looked_for = ", ".join(sorted(files.PHOTO_EXTENSIONS))
                raise errors.UserError(
                    f"{path}: contains no photos ({looked_for}); name another folder"
                )
            pairs += [(photo, photo.relative_to(path)) for photo in found]
        elif path.exists():
            pairs.append((path, Path(path.name)))
        else:
            raise errors.UserError(f"{path}: no such file or folder")
    return pairs


def plan(
    inputs: collections.abc.Sequence[Path],
    output: Path | None,
    name: str,
    *,
    style: str | None = None,
    apart: bool = False,
) -> list[Job]:
    """Lists the photos to stylize and the files of the results.

    Args:
        inputs: Photos and folders of photos. Folders are searched recursively, except hidden files
            and the output folder.
        output: A file if the input is a single file, or a folder; None for "generated".
        name: Name of the model or the style, a suffix of the files in "generated".
        style: The style to stylize in; None for the model's default.
        apart: Whether to add `name` to the name of every stylized photo, because those in other
            styles go to the same folder.

    Raises:
        UserError: If an input does not exist, a folder contains no photos, or a stylized photo
            would overwrite a photo or another stylized photo.
    """
    folder = Path("generated") if output is None else output
    pairs = find(inputs, apart_from=folder)
    single = len(inputs) == 1 and not inputs[0].is_dir()
    names_a_photo = (
        output is not None
        and output.suffix.lower() in files.PHOTO_EXTENSIONS
        and not output.is_dir()
    )
    if apart and names_a_photo:
        raise errors.UserError(
            f"{output}: is one file, but there are several stylized photos; name a folder with -o"
        )
    if output is not None and single and output.suffix and not output.is_dir():
        images.format_of(output)
        targets = [output]
    elif output is None or apart:
        targets = _as_written([folder / _tagged(relative, name) for _, relative in pairs])
    elif names_a_photo:
        raise errors.UserError(
            f"{output}: is one file, but there may be several stylized photos; name a folder "
            "with -o"
        )
    else:
        targets = _as_written([output / relative for _, relative in pairs])
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


def paint(
    model: stylizer.Stylizer,
    jobs: collections.abc.Sequence[Job],
    *,
    size: int | None = None,
    batch: int = 1,
    quality: int = 92,
    progress: work.OnPixels | None = None,
    say: stylizer.Say = lambda note: None,
) -> collections.abc.Iterator[Outcome]:
    """Stylizes photos and writes the results one by one.

    Args:
        model: The model to stylize with.
        jobs: The photos to stylize. One that cannot be read is reported and skipped.
        size: Shorter side to scale the photos to first, in pixels; None keeps their size.
        batch: Number of consecutive photos of the same size to stylize at once.
        quality: Quality of JPEG and WebP, 1 to 100.
        progress: As in `Stylizer.paint`.
        say: Receives a note if a photo is so large that it is painted in another way.

    Yields:
        The result of each job, as soon as it is finished.
    """

    def read() -> collections.abc.Iterator[_Read]:
        for job in jobs:
            try:
                if large.is_large(model, job.photo, size):
                    yield job, None
                else:
                    yield job, scaled(images.read_picture(job.photo), size)
            except errors.UserError as error:
                yield job, error

    def shape(entry: _Read) -> tuple[int | str, ...]:
        job, picture = entry
        if picture is None:
            return (str(job.photo),)
        return (
            (job.style or "", *picture.pixels.shape) if isinstance(picture, images.Picture) else ()
        )

    for _, alike in itertools.groupby(read(), key=shape):
        while group := list(itertools.islice(alike, batch)):
            if group[0][1] is None:
                for job, _ in group:
                    yield _paint_large(model, job, size, quality, progress, say)
            else:
                yield from _paint_group(model, group, quality, progress, say)


def _paint_large(
    model: stylizer.Stylizer,
    job: Job,
    size: int | None,
    quality: int,
    progress: work.OnPixels | None,
    say: stylizer.Say,
) -> Outcome:
    try:
        large.paint(
            model,
            job.photo,
            job.stylized,
            style=job.style,
            size=size,
            quality=quality,
            progress=progress,
            say=lambda note: say(f"{job.photo}: {note}"),
        )
    except errors.UserError as error:
        return Outcome(job, error)
    return Outcome(job)


def _paint_group(
    model: stylizer.Stylizer,
    group: collections.abc.Sequence[_Read],
    quality: int,
    progress: work.OnPixels | None,
    say: stylizer.Say,
) -> collections.abc.Iterator[Outcome]:
    pictures = [picture for _, picture in group if isinstance(picture, images.Picture)]
    first = group[0][0]
    try:
        results = stylized(
            model,
            pictures,
            controls.Controls(style=first.style),
            folder=first.stylized.parent,
            progress=progress,
            say=lambda note: say(f"{first.photo}: {note}"),
        )
    except errors.UserError as error:
        yield from (Outcome(job, errors.UserError(f"{job.photo}: {error}")) for job, _ in group)
        return
    remaining = iter(results)
    for job, picture in group:
        if isinstance(picture, errors.UserError):
            yield Outcome(job, picture)
            continue
        result = next(remaining)
        try:
            images.write(job.stylized, result, quality)
        except errors.UserError as error:
            yield Outcome(job, error)
        else:
            height, width = result.pixels.shape[:2]
            yield Outcome(job, size=(width, height))


def paint_bytes(
    model: stylizer.Stylizer,
    data: bytes,
    name: str = "image",
    *,
    file_format: str | None = None,
    size: int | None = None,
    quality: int = 92,
    say: stylizer.Say = lambda note: None,
) -> bytes:
    """Stylizes an encoded photo.

    Args:
        model: The model to stylize with.
        data: Contents of the photo's file.
        name: Name of the photo in error messages.
        file_format: Pillow's name of the format to return; None for JPEG if the photo is a JPEG,
            otherwise PNG.
        size: Shorter side to scale the photo to first, in pixels; None keeps its size.
        quality: Quality of JPEG and WebP, 1 to 100.
        say: As in `paint`.

    Returns:
        Contents of the stylized photo's file.

    Raises:
        UserError: If the photo cannot be read or is too small.
    """
    picture = scaled(images.decode_picture(data, name), size)
    try:
        (result,) = stylized(model, [picture], say=lambda note: say(f"{name}: {note}"))
    except errors.UserError as error:
        raise errors.UserError(f"{name}: {error}") from None
    if file_format is None:
        file_format = "JPEG" if data.startswith(b"\xff\xd8") else "PNG"
    return images.encode(result, file_format, quality)


def stylized(
    model: stylizer.Stylizer,
    pictures: collections.abc.Sequence[images.Picture],
    choices: controls.Controls | None = None,
    **options: Any,
) -> list[images.Picture]:
    """Stylizes the pixels of pictures of one size, and keeps their metadata.

    Args:
        model: The model to stylize with.
        pictures: The pictures, also none.
        choices: The style and others; None for the model's defaults.
        **options: As in `Stylizer.paint`.

    Raises:
        UserError: As in `Stylizer.paint`.
    """
    if not pictures:
        return []
    batch = np.stack([picture.pixels for picture in pictures])
    results = model.paint(batch, choices, **options)
    pairs = zip(pictures, results, strict=True)
    return [dataclasses.replace(picture, pixels=pixels) for picture, pixels in pairs]


def scaled(picture: images.Picture, size: int | None) -> images.Picture:
    """Scales a picture and its alpha to a shorter side of `size`; None returns it unchanged."""
    if size is None:
        return picture
    pixels = images.resize_shorter_side(picture.pixels, size)
    alpha = picture.alpha
    if alpha is not None:
        alpha = images.resize(alpha, *pixels.shape[:2])
    return dataclasses.replace(picture, pixels=pixels, alpha=alpha)


def _tagged(path: Path, name: str) -> Path:
    return path.with_name(f"{path.stem}-{name}{path.suffix}")


def _as_written(paths: collections.abc.Sequence[Path]) -> list[Path]:
    """Replaces extensions: sky.gif becomes sky.png, or sky.gif.png if there is a sky.png."""
    taken = set(paths)
    written = []
    for path in paths:
        suffix = _WRITTEN_AS.get(path.suffix.lower(), path.suffix)
        if (target := path.with_suffix(suffix)) != path and target in taken:
            target = path.with_name(path.name + suffix)
        taken.add(target)
        written.append(target)
    return written
