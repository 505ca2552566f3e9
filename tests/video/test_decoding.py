"""Decoded frames: upright, in the right colors, as many as there are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import clips
import numpy as np
import pytest

from fastnst import errors
from fastnst.video import clip, decoding

pytestmark = clips.needs_ffmpeg


def decode(path: Path, **options: int) -> tuple[list[int], np.ndarray, list[str]]:
    with decoding.Decoder(clip.read(path), **options) as decoder:
        frames = list(decoder)
        return (
            [frame.time for frame in frames],
            np.stack([f.pixels for f in frames]),
            (decoder.complaints),
        )


def test_skipped_frames_are_exactly_the_first_ones(tmp_path: Path) -> None:
    # With B-frames, which are stored in another order than shown.
    path = clips.make(tmp_path / "a.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", frames=12)
    times, frames, complaints = decode(path)
    assert len(times) == 12 and complaints == []
    rest_times, rest, _ = decode(path, skip=7)
    assert rest_times == times[7:]
    np.testing.assert_array_equal(rest, frames[7:])


def test_a_rotated_video_is_decoded_upright(tmp_path: Path) -> None:
    flat = clips.make(tmp_path / "a.mp4", frames=1)
    turned = tmp_path / "b.mp4"
    clips.ffmpeg("-i", flat, "-c", "copy", "-metadata:s:v:0", "rotate=90", turned)
    _, upright, _ = decode(turned)
    assert upright.shape == (1, 64, 48, 3)
    difference = np.abs(upright.astype(float) - clips.pixels(turned)).mean()
    assert difference < 3


def test_the_shorter_side_is_scaled_to_even_sides(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mp4", size="100x60", frames=1)
    _, frames, _ = decode(path, size=32)
    assert frames.shape == (1, 32, 54, 3)  # 53.3 is rounded to an even number.


@pytest.mark.parametrize(("matrix", "range_"), [("bt709", "tv"), ("smpte170m", "pc")])
def test_pixels_are_converted_by_the_tags(matrix: str, range_: str, tmp_path: Path) -> None:
    path = clips.make(
        tmp_path / "a.mp4",
        *("-colorspace", matrix, "-color_range", range_, "-qp", 0),
        frames=1,
        # A saturated color that the matrices convert differently.
        filters=f"drawbox=c=0x20C060:t=fill,scale=out_color_matrix={matrix}:out_range={range_}",
    )
    _, frames, _ = decode(path)
    np.testing.assert_allclose(frames[0, 24, 32], (0x20, 0xC0, 0x60), atol=4)


def test_a_truncated_video_gives_the_readable_frames_and_a_message(tmp_path: Path) -> None:
    whole = clips.make(tmp_path / "a.mkv", frames=30)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    times, _, complaints = decode(cut)
    assert 3 < len(times) < 30
    assert complaints and not complaints[0].startswith("[")


def test_a_video_without_a_readable_frame_is_refused(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mp4", "-movflags", "+faststart", frames=5)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"mdat") + 4] + b"\0" * 50)
    with pytest.raises(errors.UserError, match="no frame can be read"):
        decode(path)


def test_frames_larger_than_the_limit_are_not_decoded_whatever_the_file_claimed(
    tmp_path: Path,
) -> None:
    source = clip.read(clips.make(tmp_path / "a.mp4", frames=1))
    with pytest.raises(errors.UserError, match="no frame can be read"):
        decoding.Decoder(dataclasses.replace(source, max_pixels=64 * 48 - 1))
    with decoding.Decoder(dataclasses.replace(source, max_pixels=64 * 48)) as decoder:
        assert len(list(decoder)) == 1
