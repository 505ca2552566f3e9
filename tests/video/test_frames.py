"""Pictures encoded as a video."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from fastnst import errors, images
from fastnst.video import clip, ffmpeg, frames

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs FFmpeg")


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_numbered_pictures_become_a_video(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "100%"
    for number in range(1, 5):
        images.write(folder / f"{number:05d}.png", np.full((32, 48, 3), 50 * number, np.uint8))
    output = tmp_path / f"video{suffix}"
    frames.encode(folder, "%05d.png", (32, 48), 25, output, count=3)
    video = clip.read(output)
    assert video.frame_rate == 25
    found = ffmpeg.probe("-show_streams", "-count_frames", str(output))["streams"][0]
    assert (found["height"], found["width"], found["nb_read_frames"]) == (32, 48, "3")


@needs_ffmpeg
def test_a_failure_is_one_line_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(errors.UserError, match="No such file"):
        frames.encode(tmp_path, "%05d.png", (32, 48), 25, tmp_path / "x.mp4", count=1)
    assert not (tmp_path / "x.mp4").exists()
