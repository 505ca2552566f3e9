"""Encodes numbered picture files as a video."""

from __future__ import annotations

import fractions
from pathlib import Path

from fastnst import errors, files
from fastnst.video import containers, ffmpeg


def encode(
    folder: Path, pattern: str, size: tuple[int, int], fps: int, output: Path, *, count: int
) -> None:
    """Writes a video.

    Args:
        folder: The folder of the pictures.
        pattern: Their names as in FFmpeg, such as "%05d.png"; numbers begin at 1.
        size: Their height and width.
        fps: Frames per second.
        output: The file to write, whose extension names the container.
        count: Number of pictures to encode.

    Raises:
        UserError: If FFmpeg is not installed or fails, or the file cannot be written.
    """
    container = containers.of(output)
    height, width = size
    try:
        with files.staging(output.parent) as staged:
            ffmpeg.run(
                [
                    # A % in the folder's name is not part of the pattern.
                    *("-f", "image2", "-framerate", str(fps), "-start_number", "1"),
                    *("-i", f"file:{str(folder).replace('%', '%%')}/{pattern}"),
                    *("-frames:v", str(count)),
                    *container.encoder(container.quality, "medium", fractions.Fraction(fps)),
                    *("-pix_fmt", container.pixel_format(width, height), *container.options),
                    *("-f", container.format, f"file:{staged / output.name}"),
                ]
            )
    except OSError as error:
        raise errors.UserError(f"{output}: cannot be written ({error.strerror})") from None
