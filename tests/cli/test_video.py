"""`fastnst video`, on a tiny model of three styles."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import clips
import numpy as np
import pytest
from PIL import Image

from fastnst.cli import video as command
from fastnst.models import loading, stylizer
from fastnst.video import painting

pytestmark = clips.needs_ffmpeg
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def here(tmp_path: Path, gallery: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with models/several of the styles wave, candy and ink, and a.mp4."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(gallery, tmp_path / "models" / "several")
    clips.make(tmp_path / "a.mp4", frames=6, sound=True)
    return tmp_path


def test_a_video_is_stylized_frame_by_frame(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["a.mp4", "--style", "ink", "--quality", "4", "-o", "b.mp4"]) == 0
    out, err = capsys.readouterr()
    assert out == "b.mp4\n"
    assert "stylizing with models/several" in err and "frame 6/6" in err
    assert sorted(path.name for path in here.iterdir()) == ["a.mp4", "b.mp4", "models"]
    model = loading.load("several", style="ink")
    for frame, painted in zip(
        clips.pixels(here / "a.mp4"), clips.pixels(here / "b.mp4"), strict=True
    ):
        assert np.abs(model(frame).astype(float) - painted).mean() < 12
    assert clips.copied(here / "b.mp4", "a") == clips.copied(here / "a.mp4", "a")


def test_a_blend_finds_the_model_that_has_all_its_styles_and_strength_has_keyframes(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    strengths = []
    call = stylizer.Stylizer.__call__

    def note(self, photos, style=None, strength=None):
        strengths.append(strength)
        return call(self, photos, style, strength)

    monkeypatch.setattr(stylizer.Stylizer, "__call__", note)
    arguments = ["a.mp4", "--style", "wave:0.6,ink:0.4", "--strength", "0.04:0,0.12:1"]
    assert command.main(arguments) == 0
    assert capsys.readouterr().out == "generated/a-wave0.6+ink0.4.mp4\n"
    assert strengths == pytest.approx([0, 0, 0.5, 1, 1, 1])


def test_masks_and_colors_act_as_in_photos(here: Path) -> None:
    height, width = next(iter(clips.pixels(here / "a.mp4"))).shape[:2]
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = 255
    Image.fromarray(mask).save("left.png")
    arguments = ["a.mp4", "--model", "several", "--mask", "left.png=ink", "--colors", "photo"]
    assert command.main([*arguments, "--quality", "4", "-o", "b.mp4"]) == 0
    model = loading.load("several", masks={"ink": mask}, colors="photo")
    for frame, painted in zip(
        clips.pixels(here / "a.mp4"), clips.pixels(here / "b.mp4"), strict=True
    ):
        assert np.abs(model(frame).astype(float) - painted).mean() < 12
        assert np.abs(frame[:, -8:].astype(float) - painted[:, -8:]).mean() < 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("b.mp4 --style ink", "video: b.mp4: no such file; did you mean a.mp4?"),
        ("a.mp4 --style ink -o a.mp4", "a.mp4: would overwrite the input"),
        ("a.mp4 --style ink -o b.avi", "b.avi: cannot write .avi; use one of .mp4"),
        ("a.mp4 --style ink -o a.mp4/b.mp4", "a.mp4/b.mp4: cannot be written (File exists)"),
        ("a.mp4 --style ink --quality 60", "--quality 60: should be from 0 to 51"),
        ("a.mp4 --style ink --preset fats", "did you mean fast?"),
        ("a.mp4 --style ink --strength 0:1,0:2", "the times should increase"),
        ("a.mp4 --style ink,inc", "--style ink,inc: no model has all of these styles"),
        ("a.mp4 --style inc", "no model inc; did you mean ink?"),
        ("a.mp4 --style ink --size 8", "too small to stylize"),
    ],
)
def test_mistakes_are_told_in_one_line(
    arguments: str, message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments.split()) == 1
    out, err = capsys.readouterr()
    assert message in err.splitlines()[-1] and not out
    assert not list(here.glob("**/*.part"))


def test_a_style_or_a_model_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        command.main(["a.mp4"])
    assert stop.value.code == 2
    assert "name a style" in capsys.readouterr().err


def test_sound_that_the_container_cannot_hold_is_converted_and_told(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips.make(here / "a.mkv", "-c:a", "pcm_s16le", "-shortest", frames=2, sound=True)
    assert command.main(["a.mkv", "--style", "ink", "-o", "b.mp4"]) == 0
    assert ".mp4 cannot hold pcm_s16le; the audio becomes aac" in capsys.readouterr().err
    assert clips.streams(here / "b.mp4")[1]["codec_name"] == "aac"


def test_a_truncated_video_is_finished_but_does_not_count_as_success(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = clips.make(here / "whole.mkv", frames=40)
    (here / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert command.main(["cut.mkv", "--style", "ink", "-o", "b.mp4"]) == 1
    out, err = capsys.readouterr()
    assert out == "b.mp4\n"
    assert "cut.mkv: is damaged or cut off" in err
    assert f"the {len(clips.times(here / 'b.mp4'))} frames that could be read" in err


# Slows the painting down, so that the signal comes in time, and makes segments short.
SLOW = """
import signal, sys, time
from fastnst.cli import main
from fastnst.models import stylizer
from fastnst.video import painting

# A shell's background jobs ignore it, and pass this on.
signal.signal(signal.SIGINT, signal.default_int_handler)
painting.SEGMENT_FRAMES = 4
call = stylizer.Stylizer.__call__
def slow(*arguments, **options):
    time.sleep(0.15)
    return call(*arguments, **options)
stylizer.Stylizer.__call__ = slow
sys.exit(main.main())
"""


@pytest.mark.slow
def test_a_killed_command_resumes_and_ends_as_if_it_had_not_been(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painting, "SEGMENT_FRAMES", 4)
    clips.make(here / "long.mp4", frames=28, sound=True)
    words = ["long.mp4", "--style", "ink", "--preset", "ultrafast"]
    assert command.main([*words, "-o", "whole.mp4"]) == 0
    for number, expected in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        started = len(_segments(here))
        process = subprocess.Popen(
            [sys.executable, "-c", SLOW, "video", *words, "-o", "b.mp4"],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        while process.poll() is None and len(_segments(here)) == started:
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate()
        assert process.returncode == expected
        assert not (here / "b.mp4").exists()
        if number == signal.SIGINT:
            assert err.endswith("interrupted; repeat the command to resume from b.mp4.part\n")
    capsys.readouterr()
    kept = 4 * len(_segments(here))
    assert 8 <= kept < 28
    assert command.main([*words, "-o", "b.mp4"]) == 0
    assert (here / "b.mp4").read_bytes() == (here / "whole.mp4").read_bytes()
    assert not (here / "b.mp4.part").exists()


def _segments(folder: Path) -> list[Path]:
    return list((folder / "b.mp4.part").glob("*.mp4"))


def test_other_settings_do_not_continue_an_unfinished_video(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painting, "SEGMENT_FRAMES", 4)
    calls = itertools.count()

    def interrupted(self: stylizer.Stylizer, photos: np.ndarray, **options: object) -> np.ndarray:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return photos

    with monkeypatch.context() as patch:
        patch.setattr(stylizer.Stylizer, "__call__", interrupted)
        assert command.main(["a.mp4", "--model", "several", "-o", "b.mp4"]) == 130
    assert command.main(["a.mp4", "--style", "ink", "-o", "b.mp4"]) == 1
    assert "b.mp4.part: holds an unfinished video with another style (None, now ink)" in (
        capsys.readouterr().err
    )


def test_frames_with_too_many_pixels_are_refused_before_they_are_decoded(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = ["a.mp4", "--style", "ink"]
    for options, reason in (
        (["--max-pixels", "3k"], "64 x 48 pixels are more than 3,000"),
        (["--size", "40000"], "with a shorter side of 40,000 instead of 48"),
    ):
        assert command.main([*video, *options]) == 1
        assert reason in capsys.readouterr().err
