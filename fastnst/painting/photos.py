"""Painting image files: everything in the file but its colours is kept."""

from __future__ import annotations

import collections.abc
import dataclasses
import itertools
from pathlib import Path

import numpy as np

from fastnst import errors, files, images
from fastnst.models import stylizer

# GIF cannot hold a painting, and few browsers show TIFF: both are written as another format.
_WRITTEN_AS = {".gif": ".png", ".tif": ".png", ".tiff": ".png"}


@dataclasses.dataclass(frozen=True)
class Job:
    """One photo to paint, the file of the painting, and its style; None for the model's."""

    photo: Path
    painting: Path
    style: str | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a job: its error is None if the painting was written."""

    job: Job
    error: errors.UserError | None = None


def plan(
    inputs: collections.abc.Sequence[Path],
    output: Path | None,
    name: str,
    *,
    style: str | None = None,
    apart: bool = False,
) -> list[Job]:
    """Decides what is painted and where it goes.

    Args:
        inputs: Photos and folders of photos; folders are searched with all below them that is
            not hidden, but not where the paintings go.
        output: A file, if there is one input file; a folder; or None for "generated".
        name: The model's or the style's, for the names of paintings that go to "generated".
        style: Style to paint in.
        apart: Whether the names of all paintings end in `name`, because other styles' paintings go
            to the same place.

    Raises:
        UserError: If an input does not exist, a folder has no photos, or a painting would take
            the place of a photo or of another painting.
    """
    folder = Path("generated") if output is None else output
    pairs: list[tuple[Path, Path]] = []
    for path in inputs:
        if path.is_dir():
            found = [path / name for name in files.walk(path) if files.is_photo(name)]
            if path.resolve() in (goal := folder.resolve()).parents:
                found = [entry for entry in found if goal not in entry.resolve().parents]
            if not found:
                looked_for = ", ".join(sorted(files.PHOTO_EXTENSIONS))
                raise errors.UserError(f"{path}: no photos in this folder ({looked_for})")
            pairs += [(photo, photo.relative_to(path)) for photo in found]
        elif path.exists():
            pairs.append((path, Path(path.name)))
        else:
            raise errors.UserError(f"{path}: no such file or folder")
    single = len(inputs) == 1 and not inputs[0].is_dir()
    names_a_photo = (
        output is not None
        and output.suffix.lower() in files.PHOTO_EXTENSIONS
        and not output.is_dir()
    )
    if apart and names_a_photo:
        raise errors.UserError(
            f"{output}: names one file for many paintings; name a folder with -o"
        )
    if output is not None and single and output.suffix and not output.is_dir():
        images.format_of(output)
        targets = [output]
    elif output is None or apart:
        targets = _as_written([folder / _tagged(relative, name) for _, relative in pairs])
    elif names_a_photo:
        raise errors.UserError(
            f"{output}: names one file for what may be many paintings; name a folder with -o"
        )
    else:
        targets = _as_written([output / relative for _, relative in pairs])
    photos = {photo.resolve() for photo, _ in pairs}
    painted: dict[Path, Path] = {}
    for (photo, _), painting in zip(pairs, targets, strict=True):
        place = painting.resolve()
        if place in photos:
            raise errors.UserError(
                f"{painting}: would take the place of a photo; name another folder with -o"
            )
        if place in painted:
            raise errors.UserError(
                f"{painting}: {painted[place]} and {photo} would both be painted there; paint "
                "them into different folders"
            )
        painted[place] = photo
    return [
        Job(photo, painting, style) for (photo, _), painting in zip(pairs, targets, strict=True)
    ]


def paint(
    model: stylizer.Stylizer,
    jobs: collections.abc.Sequence[Job],
    *,
    size: int | None = None,
    batch: int = 1,
    quality: int = 92,
) -> collections.abc.Iterator[Outcome]:
    """Paints photos and writes the paintings, one after the other.

    Args:
        model: Paints.
        jobs: What to paint; a photo that cannot be read is reported and passed over.
        size: Shorter side to scale the photos to first, in pixels; None paints them as they are.
        batch: How many photos of one size that follow each other are painted at once.
        quality: 1 to 100, of JPEG and WebP.

    Yields:
        What became of each job, as soon as it is known.
    """

    def read() -> collections.abc.Iterator[tuple[Job, images.Picture | errors.UserError]]:
        for job in jobs:
            try:
                yield job, scaled(images.read_picture(job.photo), size)
            except errors.UserError as error:
                yield job, error

    def shape(entry: tuple[Job, images.Picture | errors.UserError]) -> tuple[int | str, ...]:
        if not isinstance(entry[1], images.Picture):
            return ()
        return (entry[0].style or "", *entry[1].pixels.shape)

    for _, alike in itertools.groupby(read(), key=shape):
        while group := list(itertools.islice(alike, batch)):
            yield from _paint_group(model, group, quality)


def _paint_group(
    model: stylizer.Stylizer,
    group: collections.abc.Sequence[tuple[Job, images.Picture | errors.UserError]],
    quality: int,
) -> collections.abc.Iterator[Outcome]:
    pictures = [picture for _, picture in group if isinstance(picture, images.Picture)]
    try:
        batch = [picture.pixels for picture in pictures]
        painted = model(np.stack(batch), group[0][0].style) if pictures else ()
    except errors.UserError as error:
        yield from (Outcome(job, errors.UserError(f"{job.photo}: {error}")) for job, _ in group)
        return
    remaining = iter(painted)
    for job, picture in group:
        if isinstance(picture, errors.UserError):
            yield Outcome(job, picture)
            continue
        try:
            painting = dataclasses.replace(picture, pixels=next(remaining))
            images.write(job.painting, painting, quality)
        except errors.UserError as error:
            yield Outcome(job, error)
        else:
            yield Outcome(job)


def paint_bytes(
    model: stylizer.Stylizer,
    data: bytes,
    name: str = "image",
    *,
    file_format: str | None = None,
    size: int | None = None,
    quality: int = 92,
) -> bytes:
    """Paints an encoded photo.

    Args:
        model: Paints.
        data: The photo's file.
        name: What to call it in an error.
        file_format: Pillow's name of the format to return; None for JPEG if the photo is one,
            else PNG.
        size: Shorter side to scale the photo to first, in pixels.
        quality: 1 to 100, of JPEG and WebP.

    Raises:
        UserError: If the photo cannot be read or is too small.
    """
    picture = scaled(images.decode_picture(data, name), size)
    try:
        painting = dataclasses.replace(picture, pixels=model(picture.pixels))
    except errors.UserError as error:
        raise errors.UserError(f"{name}: {error}") from None
    if file_format is None:
        file_format = "JPEG" if data.startswith(b"\xff\xd8") else "PNG"
    return images.encode(painting, file_format, quality)


def scaled(picture: images.Picture, size: int | None) -> images.Picture:
    """Scales a picture, alpha and all, so that its shorter side is `size`."""
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
    """Gives extensions that can be written: sky.gif is sky.png, or sky.gif.png beside a sky.png."""
    taken = set(paths)
    written = []
    for path in paths:
        suffix = _WRITTEN_AS.get(path.suffix.lower(), path.suffix)
        if (target := path.with_suffix(suffix)) != path and target in taken:
            target = path.with_name(path.name + suffix)
        taken.add(target)
        written.append(target)
    return written
