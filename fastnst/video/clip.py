"""The properties of a video file, as ffprobe reports them."""

from __future__ import annotations

import dataclasses
import fractions
from pathlib import Path
from typing import Any

from fastnst import errors, files, formats
from fastnst.video import colors, ffmpeg

_DEFAULT_RATE = fractions.Fraction(25)
_INTERLACED = ("tt", "bb", "tb", "bt")


@dataclasses.dataclass(frozen=True)
class Stream:
    """A stream of sound or subtitles.

    Attributes:
        index: Its number in the file.
        kind: "audio" or "subtitle".
        codec: For example "aac".
    """

    index: int
    kind: str
    codec: str


@dataclasses.dataclass(frozen=True)
class Clip:
    """A video file.

    Attributes:
        path: The file.
        index: The number of its video stream in the file.
        time_base: Unit of the frames' times in seconds.
        frame_rate: Mean number of frames per second.
        frames: Number of frames; an estimate for files that do not say.
        colors: Its color tags.
        interlaced: Whether each frame holds two fields.
        others: Its streams of sound and subtitles.
        max_pixels: The most pixels that a frame may have.
    """

    path: Path
    index: int
    time_base: fractions.Fraction
    frame_rate: fractions.Fraction
    frames: int
    colors: colors.Colors
    interlaced: bool
    others: tuple[Stream, ...]
    max_pixels: int = formats.MAX_PIXELS


def read(path: Path, *, max_pixels: int | None = None, size: int | None = None) -> Clip:
    """Reads the properties of a video file.

    Args:
        path: The file.
        max_pixels: The most pixels that a frame may have; None for `formats.MAX_PIXELS`.
        size: Shorter side to which the frames will be scaled, which must not exceed the limit
            either.

    Raises:
        UserError: If it cannot be read, has no video, too many pixels, or is HDR; or if ffprobe is
            not installed.
    """
    match files.kind(path):
        case None:
            siblings = [entry.name for entry in path.parent.glob("*")]
            hint = errors.did_you_mean(path.name, siblings)
            raise errors.UserError(f"{path}: no such file{hint}")
        case "folder":
            raise errors.UserError(f"{path}: is a folder; name a video")
    ffmpeg.program("ffprobe")
    try:
        found = ffmpeg.probe("-show_streams", "-show_format", f"file:{path}")
    except errors.UserError as error:
        reason = str(error).removeprefix(f"file:{path}: ")
        raise errors.UserError(f"{path}: not a video that can be read ({reason})") from None
    streams = found.get("streams", [])
    video = next((stream for stream in streams if _is_video(stream)), None)
    if video is None:
        raise errors.UserError(f"{path}: contains no video")
    width, height = (int(video.get(side, 0)) for side in ("width", "height"))
    formats.check_pixels(width, height, str(path), max_pixels=max_pixels, size=size)
    tags = colors.Colors.of(video)
    kind = tags.hdr or ("Dolby Vision" if _is_dolby_vision(video) else None)
    if kind:
        raise errors.UserError(
            f"{path}: is HDR ({kind}), and only SDR can be painted; convert it first: ffmpeg -i "
            f"{path} -vf zscale=t=linear:npl=100,tonemap=hable,"
            f"zscale=p=709:t=709:m=709:r=tv,format=yuv420p -c:a copy {path.stem}-sdr.mp4"
        )
    if not tags.convertible:
        raise errors.UserError(
            f"{path}: has colors in {tags.matrix}, which cannot be converted; convert it to bt709 "
            "first"
        )
    rate = _ratio(video.get("avg_frame_rate")) or _ratio(video.get("r_frame_rate"))
    rate = (rate or _DEFAULT_RATE).limit_denominator(1001)
    seconds = float(video.get("duration") or found.get("format", {}).get("duration") or 0)
    return Clip(
        path=path,
        index=int(video["index"]),
        time_base=_ratio(video.get("time_base")) or 1 / rate,
        frame_rate=rate,
        frames=int(video.get("nb_frames") or round(seconds * rate)),
        colors=tags,
        interlaced=video.get("field_order") in _INTERLACED,
        others=tuple(
            Stream(int(stream["index"]), stream["codec_type"], stream.get("codec_name", "unknown"))
            for stream in streams
            if stream.get("codec_type") in ("audio", "subtitle")
        ),
        max_pixels=max_pixels or formats.MAX_PIXELS,
    )


def _is_video(stream: dict[str, Any]) -> bool:
    # A cover picture is a video stream too.
    cover = stream.get("disposition", {}).get("attached_pic")
    return stream.get("codec_type") == "video" and not cover


def _is_dolby_vision(stream: dict[str, Any]) -> bool:
    """Returns whether a stream is Dolby Vision that cannot be shown without its metadata."""
    return any(side.get("dv_profile") == 5 for side in stream.get("side_data_list", ()))


def _ratio(text: str | None) -> fractions.Fraction | None:
    """Parses "30000/1001"; None for "0/0" or nothing."""
    try:
        return fractions.Fraction(text or "0/0") or None
    except ZeroDivisionError:
        return None
