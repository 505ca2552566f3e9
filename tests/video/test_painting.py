"""A painted video keeps sound, times, size and colors; a broken one keeps its finished frames."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import clips
import numpy as np
import pytest

from fastnst import errors, events
from fastnst.video import clip, containers, encoding, painting

pytestmark = clips.needs_ffmpeg


def invert(frame: np.ndarray, seconds: float) -> np.ndarray:
    return 255 - frame


def paint(
    path: Path,
    output: Path,
    painter: painting.Paint = invert,
    quality: int = 10,
    smooth: float = 0.0,
    **options: Any,
) -> painting.Result:
    source, container = clip.read(path), containers.of(output)
    settings = painting.Options(encoding.Settings(container, quality, "ultrafast"), smooth=smooth)
    codecs = containers.codecs(source, container)
    return painting.paint(source, output, painter, settings, {}, codecs, **options)


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painting, "SEGMENT_FRAMES", 8)


def test_every_frame_is_painted_and_the_sound_is_copied_bit_for_bit(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mp4", sound=True)
    result = paint(path, tmp_path / "b.mp4")
    assert result == painting.Result(tmp_path / "b.mp4", 20)
    assert clips.copied(tmp_path / "b.mp4", "a") == clips.copied(path, "a")
    assert clips.times(tmp_path / "b.mp4") == clips.times(path)
    painted, frames = clips.pixels(tmp_path / "b.mp4"), clips.pixels(path)
    assert np.abs(painted.astype(float) - (255 - frames)).mean() < 4
    assert [entry.name for entry in tmp_path.iterdir()].sort() == ["a.mp4", "b.mp4"].sort()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_variable_frame_rate_is_kept_to_the_tick(suffix: str, tmp_path: Path) -> None:
    irregular = "settb=1/12800,setpts=3*N*N+400*N"
    path = clips.make(
        tmp_path / "a.mp4",
        *("-vsync", "passthrough", "-enc_time_base", "1/12800", "-bf", 2),
        *("-video_track_timescale", 12800),
        filters=irregular,
        frames=30,
    )
    steps = {round(b - a, 4) for a, b in itertools.pairwise(clips.times(path))}
    assert len(steps) > 20
    paint(path, tmp_path / f"b{suffix}")
    # Matroska counts milliseconds.
    tolerance = {".mp4": 1e-6, ".mkv": 0.00051}[suffix]
    found = clips.times(tmp_path / f"b{suffix}")
    np.testing.assert_allclose(found, clips.times(path), atol=tolerance)


def test_pictures_that_begin_after_the_sound_stay_in_step(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mkv", sound=True, filters="setpts=PTS+0.4/TB")
    paint(path, tmp_path / "b.mkv")
    assert clips.times(path)[0] > 0.3
    np.testing.assert_allclose(clips.times(tmp_path / "b.mkv"), clips.times(path), atol=0.002)


def test_a_rotated_video_looks_the_same(tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    flat = clips.make(tmp_path / "a.mp4", frames=4)
    clips.ffmpeg("-i", flat, "-c", "copy", "-metadata:s:v:0", "rotate=90", turned)
    paint(turned, tmp_path / "b.mp4", lambda frame, seconds: frame)
    painted, frames = clips.pixels(tmp_path / "b.mp4"), clips.pixels(turned)
    assert painted.shape == frames.shape == (4, 64, 48, 3)
    assert np.abs(painted.astype(float) - frames).mean() < 4


def test_color_tags_and_pixel_aspect_are_kept(tmp_path: Path) -> None:
    path = clips.make(
        tmp_path / "a.mp4",
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *("-color_range", "pc"),
        filters="scale=out_color_matrix=bt709:out_range=pc,setsar=4/3",
        frames=3,
    )
    paint(path, tmp_path / "b.mp4", lambda frame, seconds: frame)
    tags = ("color_space", "color_primaries", "color_transfer", "color_range")
    before, after = clips.video(path), clips.video(tmp_path / "b.mp4")
    for tag in (*tags, "sample_aspect_ratio"):
        assert after[tag] == before[tag] != "unknown"
    difference = clips.pixels(tmp_path / "b.mp4").astype(float) - clips.pixels(path)
    assert np.abs(difference).mean() < 4


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_an_odd_size_is_kept(suffix: str, tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mp4", "-pix_fmt", "yuv444p", size="63x47", frames=3)
    paint(path, tmp_path / f"b{suffix}")
    painted = clips.video(tmp_path / f"b{suffix}")
    assert (painted["width"], painted["height"]) == (63, 47)


def test_a_video_that_stops_early_is_finished_as_if_it_had_not(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mp4", sound=True)
    paint(path, tmp_path / "whole.mp4")
    seen: list[events.Event] = []
    calls = itertools.count()

    def fails_once(frame: np.ndarray, seconds: float) -> np.ndarray:
        if next(calls) == 13:
            raise KeyboardInterrupt
        return invert(frame, seconds)

    with pytest.raises(KeyboardInterrupt):
        paint(path, tmp_path / "b.mp4", fails_once)
    assert not (tmp_path / "b.mp4").exists()
    paint(path, tmp_path / "b.mp4", fails_once, on_event=seen.append)
    # Of 13 frames, the first segment of 8 was kept.
    assert next(calls) == 14 + 12
    assert seen[0] == events.Started(8, 20, items="frames")
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_only_the_last_step_is_repeated_if_joining_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clips.make(tmp_path / "a.mp4")

    def fail(*arguments: object) -> None:
        raise errors.UserError("the video cannot be written (no space left on the disk)")

    with monkeypatch.context() as patch:
        patch.setattr(encoding, "join", fail)
        with pytest.raises(errors.UserError, match=r"no space.*; 20 frames are kept in .*b.mp4.p"):
            paint(path, tmp_path / "b.mp4")

    def never(frame: np.ndarray, seconds: float) -> np.ndarray:
        raise AssertionError

    assert paint(path, tmp_path / "b.mp4", never).frames == 20


def test_a_truncated_video_is_painted_as_far_as_it_can_be_read(tmp_path: Path) -> None:
    whole = clips.make(tmp_path / "a.mkv", frames=40)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    result = paint(cut, tmp_path / "b.mp4")
    assert result.damage and 3 < result.frames < 40
    assert len(clips.times(tmp_path / "b.mp4")) == result.frames


def test_a_painter_that_fails_leaves_nothing_before_the_first_segment(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mp4", frames=2)

    def fail(frame: np.ndarray, seconds: float) -> np.ndarray:
        raise errors.UserError("too small")

    with pytest.raises(errors.UserError, match=r"^too small$"):
        paint(path, tmp_path / "b.mp4", fail)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.mp4"]


def test_painters_are_told_the_time(tmp_path: Path) -> None:
    seconds: list[float] = []

    def note(frame: np.ndarray, moment: float) -> np.ndarray:
        seconds.append(moment)
        return frame

    paint(clips.make(tmp_path / "a.mp4", rate="10", frames=12), tmp_path / "b.mp4", note)
    np.testing.assert_allclose(seconds, np.arange(12) / 10)


def test_smoothing_resumes_with_what_it_remembers(tmp_path: Path) -> None:
    pytest.importorskip("cv2", reason="opencv-python-headless is not installed")
    path = clips.make(tmp_path / "a.mp4")
    noise = np.random.default_rng(0).integers(0, 60, (25, 48, 64, 3), np.uint8)

    def grainy(frame: np.ndarray, seconds: float) -> np.ndarray:
        return frame // 2 + noise[round(seconds * 25)]

    paint(path, tmp_path / "whole.mp4", grainy, smooth=0.8)
    calls = itertools.count()

    def fails_once(frame: np.ndarray, seconds: float) -> np.ndarray:
        if next(calls) == 13:
            raise KeyboardInterrupt
        return grainy(frame, seconds)

    with pytest.raises(KeyboardInterrupt):
        paint(path, tmp_path / "b.mp4", fails_once, smooth=0.8)
    paint(path, tmp_path / "b.mp4", fails_once, smooth=0.8)
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
