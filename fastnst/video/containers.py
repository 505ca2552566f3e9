"""The containers of painted videos, and how each holds pictures, sound and subtitles."""

from __future__ import annotations

import dataclasses
import fractions
import tempfile
from pathlib import Path

from fastnst import errors
from fastnst.video import clip, ffmpeg

PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow"),
)


@dataclasses.dataclass(frozen=True)
class Container:
    """A container.

    Attributes:
        format: FFmpeg's name of it.
        codec: FFmpeg's encoder of the pictures.
        quality: Default constant rate factor of that encoder.
        most: Highest constant rate factor.
        sound: Encoder of sound that cannot be copied.
        subtitles: Encoder of subtitles that cannot be copied.
        options: Options of the file.
    """

    format: str
    codec: str
    quality: int
    most: int
    sound: str
    subtitles: str
    options: tuple[str, ...] = ()

    def encoder(self, quality: int, preset: str, rate: fractions.Fraction) -> list[str]:
        """Returns the encoder's options.

        Args:
            quality: Constant rate factor; lower is better.
            preset: One of `PRESETS`.
            rate: Frames per second, by which H.264 chooses its level. It must not differ between
                the segments of a video.
        """
        shared = ["-c:v", self.codec, "-crf", str(quality)]
        if self.codec == "libx264":
            speed = ["-preset", preset]
            return [*shared, *speed, "-x264-params", f"fps={rate.numerator}/{rate.denominator}"]
        # 0 (best) to 8 (fastest), in the order of x264's presets.
        speed_of = len(PRESETS) - 1 - PRESETS.index(preset)
        return [*shared, "-b:v", "0", "-row-mt", "1", "-cpu-used", str(speed_of)]

    def pixel_format(self, width: int, height: int) -> str:
        """Returns FFmpeg's name of the pixel format.

        H.264 with chroma at half the resolution has even sides only.
        """
        odd = width % 2 or height % 2
        return "yuv444p" if odd and self.codec == "libx264" else "yuv420p"


_MP4 = Container("mp4", "libx264", 18, 51, "aac", "mov_text", ("-movflags", "+faststart"))
CONTAINERS = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": dataclasses.replace(_MP4, format="mov"),
    ".mkv": Container("matroska", "libx264", 18, 51, "flac", "srt"),
    ".webm": Container("webm", "libvpx-vp9", 28, 63, "libopus", "webvtt"),
}
DEFAULT = ".mp4"


def of(path: Path) -> Container:
    """Returns the container of a file, by its extension.

    Raises:
        UserError: If it is not one of `CONTAINERS`.
    """
    suffix = path.suffix.lower()
    if suffix not in CONTAINERS:
        raise errors.UserError(
            f"{path}: cannot write {suffix or 'a name without extension'}; use one of "
            f"{', '.join(CONTAINERS)}"
        )
    return CONTAINERS[suffix]


def codecs(source: clip.Clip, container: Container) -> dict[int, str | None]:
    """Decides how the streams of sound and subtitles get into a container, by trying it.

    Returns:
        For the number of each stream: "copy", an encoder, or None if the container cannot hold it.
    """
    found = {}
    for stream in source.others:
        encoder = container.sound if stream.kind == "audio" else container.subtitles
        choices = ("copy", encoder)
        found[stream.index] = next(
            (choice for choice in choices if _fits(source, stream, choice, container)), None
        )
    return found


def _fits(source: clip.Clip, stream: clip.Stream, codec: str, container: Container) -> bool:
    kind = "a" if stream.kind == "audio" else "s"
    with tempfile.TemporaryDirectory() as folder:
        try:
            ffmpeg.run(
                [
                    *("-i", f"file:{source.path}", "-map", f"0:{stream.index}", "-t", "0.5"),
                    *(f"-c:{kind}", codec, "-f", container.format, str(Path(folder, "trial"))),
                ]
            )
        except errors.UserError:
            return False
    return True
