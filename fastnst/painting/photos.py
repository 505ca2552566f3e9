"""Stylizes image files and keeps their metadata: alpha, color profile and Exif."""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import itertools
import math
from typing import Any, TypeAlias

import numpy as np

from fastnst import controls, errors, exif, images
from fastnst.models import stylizer, work
from fastnst.painting import jobs as jobs_module
from fastnst.painting import large, overlap

# A decoded photo, the reason why it is none, or None if it is too large for memory.
_Read: TypeAlias = "tuple[jobs_module.Job, images.Picture | errors.UserError | None]"
# Pixels of a photo that is read while another one is painted, and of all that wait to be written.
_AHEAD_PIXELS = 4_000_000
_MEMORY = "the memory does not suffice; close other programs, or choose a smaller --size"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of a job.

    Attributes:
        job: The job.
        error: The reason why there is no stylized photo; None if it was written.
        size: Width and height of the stylized photo; None if it was not held in memory.
        has_position: Whether the stylized photo says where the photo was taken.
    """

    job: jobs_module.Job
    error: errors.UserError | None = None
    size: tuple[int, int] | None = None
    has_position: bool = False


def paint(
    model: stylizer.Stylizer,
    jobs: collections.abc.Sequence[jobs_module.Job],
    *,
    size: int | None = None,
    batch: int = 1,
    max_pixels: int | None = None,
    quality: int = 92,
    metadata: bool = True,
    progress: work.OnPixels | None = None,
    say: stylizer.Say = lambda note: None,
) -> collections.abc.Iterator[Outcome]:
    """Stylizes photos and writes the results one by one.

    Args:
        model: The model to stylize with.
        jobs: The photos to stylize. One that cannot be read is reported and skipped.
        size: Shorter side to scale the photos to first, in pixels; None keeps their size.
        batch: Number of consecutive photos of the same size to stylize at once.
        max_pixels: The most pixels that a photo may have, before and after it is scaled; None for
            `formats.MAX_PIXELS`.
        quality: Quality of JPEG and WebP, 1 to 100.
        metadata: Whether to keep the Exif data and the resolution.
        progress: As in `Stylizer.paint`.
        say: Receives a note if a photo is so large that it is painted in another way.

    Yields:
        The result of each job, in order. While a photo is stylized, the next one is read, and those
        before are written, unless they are large.
    """

    def read() -> collections.abc.Iterator[_Read]:
        for job in jobs:
            try:
                if large.is_large(model, job.photo, size, max_pixels):
                    yield job, None
                    continue
                picture = images.read_picture(job.photo, max_pixels=max_pixels, size=size)
                picture = scaled(picture, size)
                yield job, picture if metadata else picture.bare()
            except errors.UserError as error:
                yield job, error
            except MemoryError:
                yield job, errors.UserError(f"{job.photo}: {_MEMORY}")

    paint_large = functools.partial(
        _paint_large,
        model,
        size=size,
        max_pixels=max_pixels,
        quality=quality,
        metadata=metadata,
        progress=progress,
        say=say,
    )

    def shape(entry: _Read) -> tuple[int | str, ...]:
        job, picture = entry
        if picture is None:
            return (str(job.photo),)
        return (
            (job.style or "", *picture.pixels.shape) if isinstance(picture, images.Picture) else ()
        )

    with overlap.Writer[Outcome](_AHEAD_PIXELS) as writer:
        for _, alike in itertools.groupby(overlap.ahead(read(), _is_small), key=shape):
            while group := list(itertools.islice(alike, batch)):
                if group[0][1] is None:
                    for job, _ in group:
                        writer.add(paint_large(job))
                else:
                    _paint_group(model, group, quality, progress, say, writer)
                yield from writer.finished()
        yield from writer.rest()


def _is_small(entry: _Read) -> bool:
    """Returns whether the memory surely suffices for two such photos."""
    _, picture = entry
    if isinstance(picture, images.Picture):
        return math.prod(picture.pixels.shape[:2]) <= _AHEAD_PIXELS
    return picture is not None


def _paint_large(
    model: stylizer.Stylizer,
    job: jobs_module.Job,
    *,
    say: stylizer.Say,
    **options: Any,
) -> Outcome:
    try:
        has_position = large.paint(
            model,
            job.photo,
            job.stylized,
            style=job.style,
            say=lambda note: say(f"{job.photo}: {note}"),
            **options,
        )
    except errors.UserError as error:
        return Outcome(job, error)
    except MemoryError:
        return Outcome(job, errors.UserError(f"{job.photo}: {_MEMORY}"))
    return Outcome(job, has_position=has_position)


def _paint_group(
    model: stylizer.Stylizer,
    group: collections.abc.Sequence[_Read],
    quality: int,
    progress: work.OnPixels | None,
    say: stylizer.Say,
    writer: overlap.Writer[Outcome],
) -> None:
    """Stylizes photos of one size, and hands the results to the writer."""
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
    except (errors.UserError, MemoryError) as error:
        if len(group) > 1:
            # The memory may suffice for one at a time.
            for entry in group:
                _paint_group(model, [entry], quality, progress, say, writer)
            return
        reason = error if isinstance(error, errors.UserError) else _MEMORY
        for job, _ in group:
            writer.add(Outcome(job, errors.UserError(f"{job.photo}: {reason}")))
        return
    remaining = iter(results)
    for job, picture in group:
        if isinstance(picture, errors.UserError):
            writer.add(Outcome(job, picture))
        else:
            result = next(remaining)
            pixels = math.prod(result.pixels.shape[:2])
            writer.start(functools.partial(_write, job, result, quality), pixels)


def _write(job: jobs_module.Job, result: images.Picture, quality: int) -> Outcome:
    try:
        images.write(job.stylized, result, quality)
    except errors.UserError as error:
        return Outcome(job, error)
    height, width = result.pixels.shape[:2]
    return Outcome(job, size=(width, height), has_position=exif.has_position(result.exif))


def paint_bytes(
    model: stylizer.Stylizer,
    data: bytes,
    name: str = "image",
    *,
    file_format: str | None = None,
    size: int | None = None,
    max_pixels: int | None = None,
    quality: int = 92,
    metadata: bool = True,
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
        max_pixels: As in `paint`.
        quality: Quality of JPEG and WebP, 1 to 100.
        metadata: As in `paint`.
        say: As in `paint`.

    Returns:
        Contents of the stylized photo's file.

    Raises:
        UserError: If the photo cannot be read or is too small.
    """
    picture = scaled(images.decode_picture(data, name, max_pixels, size=size), size)
    picture = picture if metadata else picture.bare()
    try:
        (result,) = stylized(model, [picture], say=lambda note: say(f"{name}: {note}"))
    except errors.UserError as error:
        raise errors.UserError(f"{name}: {error}") from None
    except MemoryError:
        raise errors.UserError(f"{name}: {_MEMORY}") from None
    if exif.has_position(result.exif):
        say(f"{name}: the picture says where the photo was taken (GPS in Exif)")
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
