"""The pipe of raw frames: what is written is read, by us and by FFmpeg."""

from __future__ import annotations

import dataclasses
import fractions
import io

import clips
import numpy as np
import pytest

from fastnst.video import nut

HEADER = nut.Header(5, 3, fractions.Fraction(1, 12800), fractions.Fraction(4, 3))
# A gap of more than 7 bits, one of 0 bits, and times beyond 32 bits.
TIMES = (0, 1, 512, 100_000, 2**40)


def frames() -> list[nut.Frame]:
    random = np.random.default_rng(0)
    return [nut.Frame(time, random.integers(0, 256, (3, 5, 3), np.uint8)) for time in TIMES]


def written(header: nut.Header = HEADER) -> bytes:
    pipe = io.BytesIO()
    writer = nut.Writer(pipe, header)
    for frame in frames():
        writer.write(frame)
    return pipe.getvalue()


def test_what_is_written_is_read() -> None:
    reader = nut.Reader(io.BytesIO(written()))
    assert reader.header == HEADER
    for expected, frame in zip(frames(), reader, strict=True):
        assert frame.time == expected.time
        np.testing.assert_array_equal(frame.pixels, expected.pixels)


def test_an_unknown_pixel_aspect_stays_unknown() -> None:
    header = dataclasses.replace(HEADER, pixel_aspect=fractions.Fraction(0))
    assert nut.Reader(io.BytesIO(written(header))).header == header


@pytest.mark.parametrize("kept", [0, 10, 60, len(written()) - 1])
def test_a_stream_that_breaks_off_is_noticed(kept: int) -> None:
    with pytest.raises(nut.DamagedError):
        list(nut.Reader(io.BytesIO(written()[:kept])))


@clips.needs_ffmpeg
def test_ffmpeg_reads_and_writes_the_same_frames(tmp_path) -> None:
    (tmp_path / "in.nut").write_bytes(written())
    # FFmpeg's own writer uses all of the format: a table of codes, short times, elided headers.
    clips.ffmpeg("-copyts", "-i", tmp_path / "in.nut", "-c", "copy", tmp_path / "out.nut")
    with (tmp_path / "out.nut").open("rb") as pipe:
        reader = nut.Reader(pipe)
        found = list(reader)
    scale = reader.header.time_base / HEADER.time_base
    assert [frame.time * scale for frame in found] == list(TIMES)
    for expected, frame in zip(frames(), found, strict=True):
        np.testing.assert_array_equal(frame.pixels, expected.pixels)
