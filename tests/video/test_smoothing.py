"""Smoothing: less flicker, along the motion, without ghosts."""

from __future__ import annotations

import numpy as np
import pytest

from fastnst import errors
from fastnst.evaluation import motion
from fastnst.video import smoothing

SIZE = 96


@pytest.fixture(scope="module")
def landscape() -> np.ndarray:
    """Smooth random shapes, which flow can follow: uint8 [H, W, 3]."""
    cv2 = pytest.importorskip("cv2", reason="opencv-python-headless is not installed")
    noise = np.random.default_rng(0).uniform(-1, 1, (160, 200, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 4)
    return np.clip(128 + soft / soft.std() * 50, 0, 255).astype(np.uint8)


def painted(frames: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Paints every frame with other grain, as an unsteady network does."""
    random = np.random.default_rng(1)
    return [
        np.clip(frame + random.normal(0, 12, frame.shape), 0, 255).astype(np.uint8)
        for frame in frames
    ]


def smooth(frames: tuple[np.ndarray, ...], paintings: list[np.ndarray]) -> list[np.ndarray]:
    smoother = smoothing.Smoother(0.9)
    return [smoother(frame, painting) for frame, painting in zip(frames, paintings, strict=True)]


def test_a_still_clip_flickers_less(landscape: np.ndarray) -> None:
    clip = motion.still(landscape, 8)
    paintings = painted(clip.frames)
    result = smooth(clip.frames, paintings)
    assert motion.warp_error(result[3:], clip) < 0.4 * motion.warp_error(paintings[3:], clip)


def test_a_moving_clip_is_smoothed_along_its_motion(landscape: np.ndarray) -> None:
    clip = motion.pan_and_zoom(landscape, SIZE, SIZE, 8)
    paintings = painted(clip.frames)
    result = smooth(clip.frames, paintings)
    assert motion.warp_error(result, clip) < 0.6 * motion.warp_error(paintings, clip)
    # Nothing trails behind: the result stays near the clean frame.
    assert np.abs(result[-1].astype(float) - clip.frames[-1]).mean() < 10


def test_a_cut_starts_anew(landscape: np.ndarray) -> None:
    other = 255 - landscape
    result = smooth((landscape, other), [landscape, other])
    difference = np.abs(result[1].astype(float) - other)
    # Here and there, both shots have the same gray.
    assert np.mean(difference > 8) < 0.05


def test_uncovered_ground_keeps_nothing_of_what_covered_it(landscape: np.ndarray) -> None:
    frames = []
    for left in (10, 40, 70):
        frame = landscape.copy()
        frame[40:80, left : left + 30] = (250, 20, 20)
        frames.append(frame)
    result = smooth(tuple(frames), frames)
    uncovered = np.s_[44:76, 14:36]
    difference = result[-1][uncovered].astype(float) - landscape[uncovered]
    assert np.abs(difference).mean() < 6


def test_without_opencv_the_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(errors.UserError, match="pip install opencv-python-headless"):
        smoothing.Smoother(0.5)
