"""Containers: their encoders, and what they do with sound and subtitles."""

from __future__ import annotations

import fractions
from pathlib import Path

import clips
import pytest

from fastnst import errors
from fastnst.video import clip, containers


def test_the_extension_decides_and_others_are_refused() -> None:
    assert containers.of(Path("a.WEBM")).codec == "libvpx-vp9"
    with pytest.raises(errors.UserError, match=r"a.avi: cannot write .avi; use one of .mp4"):
        containers.of(Path("a.avi"))
    with pytest.raises(errors.UserError, match="a name without extension"):
        containers.of(Path("a"))


def test_odd_sides_need_whole_chroma_in_h264_only() -> None:
    mp4, webm = (containers.of(Path(name)) for name in ("a.mp4", "a.webm"))
    assert mp4.pixel_format(64, 48) == "yuv420p"
    assert mp4.pixel_format(63, 48) == mp4.pixel_format(64, 47) == "yuv444p"
    assert webm.pixel_format(63, 47) == "yuv420p"


def test_the_preset_reaches_both_encoders() -> None:
    rate = fractions.Fraction(25)
    mp4, webm = (containers.of(Path(name)) for name in ("a.mp4", "a.webm"))
    assert "veryslow" in mp4.encoder(20, "veryslow", rate)
    assert webm.encoder(20, "veryslow", rate)[-1] == "0"
    assert webm.encoder(20, "ultrafast", rate)[-1] == "8"


@clips.needs_ffmpeg
def test_sound_and_subtitles_are_copied_where_the_container_can(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:00,100 --> 00:00:00,900\nHello\n")
    path = tmp_path / "a.mkv"
    clips.ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=s=64x48:d=0.2", "-f", "lavfi", "-i", "sine=d=0.2"),
        *("-i", tmp_path / "a.srt", "-map", 0, "-map", 1, "-map", 1, "-map", 2),
        *("-c:a:0", "pcm_s16le", "-c:a:1", "aac", "-c:s", "srt", path),
    )
    source = clip.read(path)
    expected = {
        ".mp4": {1: "aac", 2: "copy", 3: "mov_text"},
        ".mov": {1: "copy", 2: "copy", 3: "mov_text"},
        ".mkv": {1: "copy", 2: "copy", 3: "copy"},
    }
    for suffix, codecs in expected.items():
        assert containers.codecs(source, containers.CONTAINERS[suffix]) == codecs
