"""Random changes to the pictures of a batch."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.data import distortions

PICTURES = np.random.default_rng(0).uniform(0, 255, (64, 16, 16, 3)).astype(np.float32)
# The columns tell whether a picture was mirrored, and how far it was shifted.
RAMP = np.broadcast_to(np.arange(16, dtype=np.float32)[:, np.newaxis], (64, 16, 16, 1)).copy()


def apply(name: str, pictures: np.ndarray, step: int = 0) -> np.ndarray:
    return distortions.DISTORTIONS[name](tf.constant(pictures), tf.constant([7, step])).numpy()


@pytest.mark.parametrize("name", sorted(set(distortions.DISTORTIONS) - {"none"}))
def test_a_seed_always_gives_the_same_change_and_each_picture_has_its_own(name: str) -> None:
    twice = [apply(name, PICTURES[:1].repeat(8, axis=0)) for _ in range(2)]
    np.testing.assert_array_equal(*twice)
    assert not np.array_equal(twice[0], apply(name, PICTURES[:1].repeat(8, axis=0), step=1))
    assert len({picture.tobytes() for picture in twice[0]}) > 1


def test_none_changes_nothing() -> None:
    np.testing.assert_array_equal(apply("none", PICTURES), PICTURES)


def test_about_half_of_the_pictures_are_mirrored() -> None:
    flipped = apply("shift_flip", RAMP)[..., 0]
    rising = (flipped[:, 0, 8] > flipped[:, 0, 7]).sum()
    assert 16 <= rising <= 48


def test_pictures_are_shifted_by_at_most_an_eighth_of_their_side() -> None:
    moved = apply("shift", RAMP)[..., 0]
    offsets = {int(row[7] - 7) for row in moved[:, 0]}
    assert offsets == {-2, -1, 0, 1, 2}
    # The border is mirrored: 2 1 | 0 1 2.
    far_left = moved[[int(row[7] - 7) == -2 for row in moved[:, 0]]][0, 0]
    assert far_left[:4].tolist() == [2, 1, 0, 1]


def test_colors_are_those_of_the_tutorial() -> None:
    changed = apply("flip_colors", PICTURES)
    # Brightness moves a picture's mean by up to 63 levels; contrast leaves the mean and scales the
    # deviation by 0.2 to 1.8.
    moved = changed.mean(axis=(1, 2, 3)) - PICTURES.mean(axis=(1, 2, 3))
    assert -63.1 < moved.min() < -30 and 30 < moved.max() < 63.1
    centered = changed - changed.mean(axis=(1, 2), keepdims=True)
    before = PICTURES - PICTURES.mean(axis=(1, 2), keepdims=True)
    scales = centered.std(axis=(1, 2, 3)) / before.std(axis=(1, 2, 3))
    assert 0.19 < scales.min() < 0.5 and 1.5 < scales.max() < 1.81
