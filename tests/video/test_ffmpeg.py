"""Running FFmpeg's programs."""

from __future__ import annotations

import subprocess

import clips
import pytest

from fastnst import errors
from fastnst.video import ffmpeg


def test_a_missing_program_is_told_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(errors.UserError, match=r"need the program ffprobe.*apt-get install ffmpeg"):
        ffmpeg.program("ffprobe")


@pytest.mark.parametrize(
    ("said", "option"),
    [
        ("ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright", "-vsync"),
        ("ffmpeg version 5.1.9-0+deb12u1 Copyright", "-fps_mode"),
        ("ffmpeg version n8.0 Copyright", "-fps_mode"),
        ("ffmpeg version N-112233-gabcdef Copyright", "-fps_mode"),
    ],
)
def test_each_release_gets_its_own_option_to_keep_times(
    said: str, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "program", lambda name: name)
    done = subprocess.CompletedProcess([], 0, stdout=said)
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: done)
    ffmpeg._release.cache_clear()
    try:
        assert ffmpeg.keeps_times() == [option, "passthrough"]
    finally:
        ffmpeg._release.cache_clear()


@clips.needs_ffmpeg
def test_a_failure_is_told_in_its_own_words() -> None:
    with pytest.raises(errors.UserError, match="No such file"):
        ffmpeg.run(["-i", "nothing.mp4", "-f", "null", "-"])


def test_the_reason_is_the_full_disk_whatever_follows_it() -> None:
    lines = ["av_write_frame(): No space left on device", "[out @ 0x1] Conversion failed!"]
    assert ffmpeg.reason(lines) == "no space left on the disk"
    assert ffmpeg.reason(lines[1:]) == "Conversion failed!"
    assert ffmpeg.reason([]) == "no message"
