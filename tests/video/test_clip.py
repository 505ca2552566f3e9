"""What a video file says about itself, and which files are refused."""

from __future__ import annotations

import fractions
import os
from pathlib import Path

import clips
import pytest

from fastnst import errors
from fastnst.video import clip

pytestmark = clips.needs_ffmpeg


def test_the_properties_of_a_video_are_read(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mp4", rate="30000/1001", frames=7, sound=True)
    found = clip.read(path)
    assert found.frame_rate == fractions.Fraction(30000, 1001)
    assert found.frames == 7 and not found.interlaced
    assert [(stream.kind, stream.codec) for stream in found.others] == [("audio", "aac")]


def test_without_a_number_of_frames_it_is_estimated(tmp_path: Path) -> None:
    assert clip.read(clips.make(tmp_path / "a.mkv", frames=20)).frames == 20


@pytest.mark.parametrize(("transfer", "kind"), [("smpte2084", "PQ"), ("arib-std-b67", "HLG")])
def test_hdr_is_refused_in_one_line_with_the_way_out(
    transfer: str, kind: str, tmp_path: Path
) -> None:
    path = clips.make(tmp_path / "a.mp4", "-color_trc", transfer, frames=1)
    with pytest.raises(errors.UserError) as caught:
        clip.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: is HDR ({kind}") and "\n" not in message
    assert "convert it first: ffmpeg -i" in message


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no video")
    clips.ffmpeg("-f", "lavfi", "-i", "sine=d=0.1", tmp_path / "sound.m4a")
    os.mkfifo(tmp_path / "pipe.mp4")
    for name, reason in {
        "notes.mp4": "not a video that can be read",
        "note.mp4": "no such file; did you mean notes.mp4?",
        "sound.m4a": "contains no video",
        ".": "is a folder",
        "pipe.mp4": "is a pipe, a socket or a device; name a regular file",
    }.items():
        with pytest.raises(errors.UserError, match=reason.replace("?", r"\?")):
            clip.read(tmp_path / name)


def test_frames_have_a_limit_of_pixels_also_when_scaled(tmp_path: Path) -> None:
    # 225 megapixels in a few bytes: a header alone, as of an AVI without compression.
    huge = tmp_path / "huge.avi"
    clips.ffmpeg("-f", "lavfi", "-i", "color=s=64x48:d=0.04", "-c:v", "rawvideo", huge)
    data = huge.read_bytes()
    width, height = (side.to_bytes(4, "little") for side in (64, 48))
    huge.write_bytes(data.replace(width + height, 2 * (15_000).to_bytes(4, "little")))
    with pytest.raises(errors.UserError, match=r"huge\.avi: 15000 x 15000 pixels are more than 20"):
        clip.read(huge)
    small = clips.make(tmp_path / "a.mp4", frames=1)
    with pytest.raises(errors.UserError, match=r"64 x 48 pixels are more than 3,000; scale"):
        clip.read(small, max_pixels=3_000)
    with pytest.raises(errors.UserError, match=r"with a shorter side of 40,000 instead of 48"):
        clip.read(small, size=40_000)
    assert clip.read(small, max_pixels=64 * 48).max_pixels == 64 * 48
