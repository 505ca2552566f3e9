"""Paints a video: decodes, paints and encodes at the same time, segment by segment."""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import fractions
import itertools
import time
from concurrent import futures
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from fastnst import errors, events, files
from fastnst.video import clip, containers, decoding, encoding, nut, smoothing, work

# Maps a frame, uint8 RGB [H, W, 3], and its time in seconds to a painted frame of the same shape.
Paint: TypeAlias = collections.abc.Callable[[np.ndarray, float], np.ndarray]
# A kill loses the frames since the last segment. Each segment begins with a whole picture, so
# shorter ones would make the file larger.
SEGMENT_FRAMES = 60
# Frames over which the rate is measured.
_RECENT = 30


@dataclasses.dataclass(frozen=True)
class Options:
    """How a video is painted and written.

    Attributes:
        encoding: How the frames are encoded.
        size: Shorter side to scale the frames to first; None keeps their size.
        smooth: Strength of the smoothing over time, in [0, 1].
    """

    encoding: encoding.Settings
    size: int | None = None
    smooth: float = 0.0


@dataclasses.dataclass(frozen=True)
class Result:
    """A finished video.

    Attributes:
        path: The file.
        frames: Number of its frames.
        damage: A message about a source that could not be read as a whole, or None.
    """

    path: Path
    frames: int
    damage: str | None = None


def paint(
    source: clip.Clip,
    output: Path,
    painter: Paint,
    options: Options,
    job: collections.abc.Mapping[str, Any],
    codecs: collections.abc.Mapping[int, str | None],
    on_event: events.Action = lambda event: None,
) -> Result:
    """Paints a video, or resumes an interrupted one.

    Args:
        source: The video.
        output: The file to write.
        painter: Paints one frame.
        options: How to paint and write.
        job: All that decides how the result looks, as JSON; an interrupted video resumes only if
            it is the same.
        codecs: How sound and subtitles are kept, as returned by `containers.codecs`.
        on_event: Is called with every event.

    Raises:
        UserError: If no frame can be read, or the result cannot be written. Finished segments stay
            in a folder beside the output, from which the next call resumes.
    """
    folder = work.WorkFolder(output, job)
    try:
        complaints = _paint_rest(source, folder, painter, options, on_event)
        if not folder.segments:
            raise errors.UserError(f"{source.path}: no frame can be read")
        on_event(events.Finished(folder.frames, folder.frames))
        _join(source, folder, output, options.encoding.container, codecs)
    except errors.UserError as error:
        if not folder.segments:
            folder.remove()
            raise
        raise errors.UserError(
            f"{error}; {folder.frames} frames are kept in {folder.path}, and the same command "
            "resumes from there"
        ) from None
    frames = folder.frames
    folder.remove()
    return Result(output, frames, complaints[0] if complaints else None)


def _join(
    source: clip.Clip,
    folder: work.WorkFolder,
    output: Path,
    container: containers.Container,
    codecs: collections.abc.Mapping[int, str | None],
) -> None:
    """Makes the video of the segments in a work folder."""
    units = source.time_base.denominator
    segments = [
        (folder.file(index), fractions.Fraction(segment.start, units))
        for index, segment in enumerate(folder.segments)
    ]
    try:
        with files.staging(output.parent) as staged:
            encoding.join(segments, source, codecs, container, units, staged / output.name)
    except OSError as error:
        raise errors.UserError(f"{output}: cannot be written ({error.strerror})") from None


def _paint_rest(
    source: clip.Clip,
    folder: work.WorkFolder,
    painter: Paint,
    options: Options,
    on_event: events.Action,
) -> list[str]:
    """Makes the segments that are missing, and returns the decoder's messages about damage."""
    smoother = smoothing.Smoother(options.smooth) if options.smooth else None
    done = folder.frames
    # The last frame is decoded again, because the smoother compares each frame with the one before.
    with (
        decoding.Decoder(source, skip=max(done - 1, 0), size=options.size) as decoder,
        futures.ThreadPoolExecutor(2) as pool,
    ):
        frames = _ahead(decoder, pool)
        last = next(frames, None) if done else None
        state = folder.state()
        if smoother and last is not None and state is not None:
            smoother.resume(last.pixels, state)
        pace = _Pace(done, source.frames, on_event)

        def painted() -> collections.abc.Iterator[nut.Frame]:
            base = decoder.header.time_base
            for frame in frames:
                pixels = painter(frame.pixels, float(frame.time * base))
                if smoother:
                    pixels = smoother(frame.pixels, pixels)
                yield nut.Frame(frame.time, pixels)
                pace.step()

        stream = painted()
        for first in stream:
            rest = itertools.islice(stream, SEGMENT_FRAMES - 1)
            with folder.new_segment() as new:
                new.start = first.time
                writer = encoding.SegmentWriter(new.video, decoder.header, source, options.encoding)
                new.frames = _write(writer, itertools.chain([first], rest), pool)
                if smoother:
                    new.save_state(smoother.state)
    return decoder.complaints


def _write(
    writer: encoding.SegmentWriter,
    frames: collections.abc.Iterable[nut.Frame],
    pool: futures.Executor,
) -> int:
    """Writes frames, each while the next is painted, and returns their number."""
    count = 0
    writing: futures.Future[None] | None = None
    try:
        for frame in frames:
            if writing:
                writing.result()
            writing = pool.submit(writer.write, frame)
            count += 1
        if writing:
            writing.result()
        writer.close()
    except BaseException:
        writer.stop()
        raise
    return count


def _ahead(
    frames: collections.abc.Iterable[nut.Frame], pool: futures.Executor
) -> collections.abc.Iterator[nut.Frame]:
    """Yields frames, and reads the next meanwhile."""
    iterator = iter(frames)
    reading = pool.submit(next, iterator, None)
    while (frame := reading.result()) is not None:
        reading = pool.submit(next, iterator, None)
        yield frame


class _Pace:
    """Reports frames and their rate."""

    def __init__(self, done: int, total: int, on_event: events.Action) -> None:
        self._done, self._total, self._on_event = done, total, on_event
        self._times = collections.deque([time.monotonic()], maxlen=_RECENT)
        on_event(events.Started(done, total, items="frames"))

    def step(self) -> None:
        """Reports that a frame is painted."""
        self._done += 1
        self._times.append(time.monotonic())
        seconds = self._times[-1] - self._times[0]
        rate = (len(self._times) - 1) / seconds if seconds else 0.0
        self._on_event(events.Step(self._done, max(self._total, self._done), rate))
