"""Encodes painted frames as segments, and joins the segments with the sound of the source."""

from __future__ import annotations

import collections.abc
import dataclasses
import fractions
from pathlib import Path

from fastnst import errors
from fastnst.video import clip, containers, ffmpeg, nut


@dataclasses.dataclass(frozen=True)
class Settings:
    """How painted frames are encoded; the same for all segments of a video.

    Attributes:
        container: The container of the finished video.
        quality: Constant rate factor; lower is better.
        preset: One of `containers.PRESETS`: slower ones make smaller files.
    """

    container: containers.Container
    quality: int
    preset: str = "medium"


class SegmentWriter:
    """Encodes consecutive frames into a file of their own, in which times begin at 0."""

    def __init__(
        self, path: Path, header: nut.Header, source: clip.Clip, settings: Settings
    ) -> None:
        """Starts the encoder.

        Args:
            path: The file, an MP4 whatever the final container is, because its times are exact.
            header: Size, time base and pixel aspect of the frames.
            source: The video, whose color tags are kept.
            settings: Codec and quality.
        """
        base = header.time_base
        container = settings.container
        pixel_format = container.pixel_format(header.width, header.height)
        self._process = ffmpeg.Process(
            [
                *("-f", "nut", "-i", "-", "-vf", source.colors.from_rgb(pixel_format)),
                *ffmpeg.keeps_times(),
                *("-enc_time_base", f"1/{base.denominator}"),
                *container.encoder(settings.quality, settings.preset, source.frame_rate),
                *source.colors.tags(),
                *("-video_track_timescale", str(base.denominator), "-f", "mp4", str(path)),
            ],
            stdin=True,
        )
        assert self._process.stdin is not None
        self._first: int | None = None
        try:
            self._writer = nut.Writer(self._process.stdin, header)
        except OSError:
            self._fail()

    def write(self, frame: nut.Frame) -> None:
        """Encodes a frame.

        Raises:
            UserError: If the encoder has failed, for example because the disk is full.
        """
        if self._first is None:
            self._first = frame.time
        try:
            self._writer.write(nut.Frame(frame.time - self._first, frame.pixels))
        except OSError:
            self._fail()

    def close(self) -> None:
        """Finishes the file.

        Raises:
            UserError: If the encoder has failed.
        """
        code, lines = self._process.finish()
        if code:
            raise errors.UserError(_failed(lines))

    def stop(self) -> None:
        """Ends the encoder at once; the file is incomplete."""
        self._process.stop()

    def _fail(self) -> None:
        _, lines = self._process.finish()
        raise errors.UserError(_failed(lines)) from None


def join(
    segments: collections.abc.Sequence[tuple[Path, fractions.Fraction]],
    source: clip.Clip,
    codecs: collections.abc.Mapping[int, str | None],
    container: containers.Container,
    timescale: int,
    path: Path,
) -> None:
    """Joins segments to a video, with the source's sound, subtitles, chapters and metadata.

    Args:
        segments: Their files, all in one folder, and the time of the first frame of each in
            seconds.
        source: The video that was painted.
        codecs: As returned by `containers.codecs`.
        container: The container of the result.
        timescale: Units of time in a second, where the container has a choice.
        path: The file to write.

    Raises:
        UserError: If the file cannot be written.
    """
    # FFmpeg adds up durations in microseconds; rounding the sums keeps them exact.
    starts = [round(start * 1_000_000) for _, start in segments]
    lines = ["ffconcat version 1.0"]
    for index, (file, _) in enumerate(segments):
        lines.append(f"file {file.name}")
        if index + 1 < len(segments):
            lines.append(f"duration {(starts[index + 1] - starts[index]) / 1_000_000:.6f}")
    listing = segments[0][0].with_name("segments.ffconcat")
    listing.write_text("\n".join(lines) + "\n", encoding="utf-8")
    kept = [(index, codec) for index, codec in codecs.items() if codec]
    others: list[str] = []
    for position, (index, codec) in enumerate(kept):
        # Streams are counted from the video, which is number 0.
        others += ["-map", f"1:{index}", f"-c:{position + 1}", str(codec)]
        others += [f"-map_metadata:s:{position + 1}", f"1:s:{index}"]
        if codec == "aac":
            others += [f"-b:{position + 1}", "192k"]
    attached = ["-map", "1:t?", "-c:t", "copy"] if container.format == "matroska" else []
    arguments = [
        *("-itsoffset", f"{starts[0] / 1_000_000:.6f}", "-f", "concat", "-i", f"file:{listing}"),
        *("-i", f"file:{source.path}", "-map", "0:v:0", "-c:v", "copy", *others, *attached),
        *("-map_metadata", "1", "-map_chapters", "1"),
        *("-map_metadata:s:0", f"1:s:{source.index}"),
        # The frames are upright now.
        *("-metadata:s:0", "rotate="),
        *("-video_track_timescale", str(timescale)) * (container.format in ("mp4", "mov")),
        *container.options,
        *("-f", container.format, f"file:{path}"),
    ]
    try:
        ffmpeg.run(arguments)
    except errors.UserError as error:
        raise errors.UserError(f"the video cannot be written ({error})") from None


def _failed(lines: collections.abc.Sequence[str]) -> str:
    return f"the frames cannot be written ({ffmpeg.reason(lines)})"
