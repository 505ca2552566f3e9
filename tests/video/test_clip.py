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
