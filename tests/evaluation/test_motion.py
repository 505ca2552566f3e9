"""Clips of known motion, and what is measured on them."""

from __future__ import annotations

import numpy as np
import pytest

from fastnst.evaluation import motion


@pytest.fixture
def ramp() -> np.ndarray:
    """Levels that rise to the right by 1 and downward by a half: uint8 [200, 240, 3]."""
    levels = np.arange(240) + 0.5 * np.arange(200)[:, np.newaxis]
    return np.repeat(np.clip(levels - 40, 0, 255)[..., np.newaxis], 3, axis=2).astype(np.uint8)


def test_the_moving_clip_moves_as_it_says(ramp: np.ndarray) -> None:
    clip = motion.pan_and_zoom(ramp, 100, 120, 4)
    assert len(clip.frames) == 4 and len(clip.steps) == 3
    assert clip.frames[0].shape == (100, 120, 3)
    # A center that moves by 1.7 to the right and 0.6 down on this ramp gains 2 levels a frame.
    centers = [int(frame[50, 60, 0]) for frame in clip.frames]
    assert np.diff(centers) == pytest.approx([2, 2, 2], abs=1)
    # The true motion explains all but the rounding.
    assert motion.warp_error(clip.frames, clip) < 0.7


def test_a_painting_that_sticks_to_the_screen_has_an_error(ramp: np.ndarray) -> None:
    clip = motion.pan_and_zoom(ramp, 100, 120, 3)
    fixed = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)
    assert motion.warp_error([fixed] * 3, clip) > 40


def test_the_still_clip_has_the_noise_that_was_asked_for(ramp: np.ndarray) -> None:
    clip = motion.still(np.full_like(ramp, 100), 3, noise=2.0)
    # The mean absolute difference of two normal variables is 2 sigma / sqrt(pi).
    assert motion.warp_error(clip.frames, clip) == pytest.approx(4 / np.pi**0.5, rel=0.05)
    assert motion.warp_error([ramp] * 3, clip) == 0


def test_detail_is_lost_by_blur() -> None:
    stripes = np.zeros((8, 8, 3), np.uint8)
    stripes[:, ::2] = 100
    assert motion.detail([stripes]) == 100
    assert motion.detail([np.full((8, 8, 3), 50, np.uint8)]) == 0
