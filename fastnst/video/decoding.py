"""Decodes a video to upright RGB frames with their times."""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import fractions

from fastnst import errors
from fastnst.video import clip, ffmpeg, nut


class Decoder:
    """The frames of a video.

    Example:
        >>> with Decoder(clip.read(path)) as decoder:
        ...     for frame in decoder: ...

    Attributes:
        header: Size, time base and pixel aspect of the frames. The time base is 1 / the
            denominator of the video's.
        complaints: Messages about damage, complete once all frames are read.
    """

    def __init__(self, source: clip.Clip, *, skip: int = 0, size: int | None = None) -> None:
        """Starts to decode.

        Args:
            source: The video.
            skip: Number of frames to leave out at the beginning.
            size: Shorter side to scale the frames to, rounded to an even number; None keeps the
                size.

        Raises:
            UserError: If no frame can be decoded.
        """
        filters = ["bwdif=mode=send_frame:deint=interlaced"] if source.interlaced else []
        # Decoding is fast beside painting, and unlike seeking it counts the frames exactly.
        filters += [f"select=gte(n\\,{skip})"] if skip else []
        if size:
            even = f"trunc({size}*{{}}/min(iw\\,ih)/2+0.5)*2"
            filters += [f"scale={even.format('iw')}:{even.format('ih')}:flags=lanczos"]
        filters += [source.colors.to_rgb(), "format=rgb24"]
        base = source.time_base
        self._path = source.path
        self._process = ffmpeg.Process(
            [
                # Frames may be larger than the beginning of the file says.
                *("-max_pixels", str(source.max_pixels)),
                *("-i", f"file:{source.path}", "-map", f"0:{source.index}"),
                *("-vf", ",".join(filters), *ffmpeg.keeps_times()),
                *("-enc_time_base", f"{base.numerator}/{base.denominator}"),
                *("-c:v", "rawvideo", "-f", "nut", "-"),
            ],
            stdout=True,
        )
        self.complaints: list[str] = []
        assert self._process.stdout is not None
        try:
            self._reader = nut.Reader(self._process.stdout)
        except nut.DamagedError:
            _, lines = self._process.finish()
            raise errors.UserError(
                f"{source.path}: no frame can be read ({ffmpeg.reason(lines)})"
            ) from None
        except BaseException:
            self._process.stop()
            raise
        # FFmpeg may have chosen a finer time base for the pipe.
        unit = fractions.Fraction(1, base.denominator)
        self.header = dataclasses.replace(self._reader.header, time_base=unit)

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def __iter__(self) -> collections.abc.Iterator[nut.Frame]:
        """Yields the frames that can be decoded."""
        # A decoder that fails in the middle of a frame has said why.
        with contextlib.suppress(nut.DamagedError):
            for frame in self._reader:
                time = frame.time * self._reader.header.time_base / self.header.time_base
                yield dataclasses.replace(frame, time=round(time))
        code, lines = self._process.finish()
        self.complaints = [ffmpeg.without_address(line) for line in lines]
        if code and not self.complaints:
            self.complaints = [f"ffmpeg ended with code {code}"]
