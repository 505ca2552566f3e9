"""Grain: its statistics, and that it is the same in every tile."""

from __future__ import annotations

import numpy as np
import pytest

from fastnst.controls import grain


def test_grain_has_mean_0_and_deviation_1_at_every_phase_of_the_lattice() -> None:
    drawn = np.stack([grain.grain(64, 64, seed=seed, spacing=4.0) for seed in range(400)])
    assert drawn.mean() == pytest.approx(0.0, abs=0.02)
    # Pixels at the same place between lattice points; linear interpolation would give 0.67 to 1.
    deviations = drawn.reshape(400, 16, 4, 16, 4, 3).std(axis=(0, 1, 3, 5))
    np.testing.assert_allclose(deviations, 1.0, atol=0.02)


def test_a_tile_has_the_grain_of_the_whole_picture() -> None:
    whole = grain.grain(50, 70, seed=3, spacing=2.7)
    tile = grain.grain(20, 31, seed=3, spacing=2.7, top=17, left=33)
    np.testing.assert_allclose(tile, whole[17:37, 33:64], atol=1e-5)


def test_the_correlation_is_one_half_at_the_distance_of_the_spacing() -> None:
    drawn = grain.grain(400, 400, seed=1, spacing=8.0)
    product = drawn[:, :-8] * drawn[:, 8:]
    # A cubic B-spline convolved with itself, at 1 and at 0: 1191 / 2416.
    assert product.mean() == pytest.approx(1191 / 2416, abs=0.05)


def test_seeds_channels_and_neighbours_are_independent() -> None:
    drawn = np.stack([grain.grain(200, 200, seed=seed, spacing=1.0) for seed in (0, 1)])
    series = np.stack([drawn[seed, ..., channel].ravel() for seed in (0, 1) for channel in (0, 1)])
    correlation = np.corrcoef(series) - np.eye(4)
    assert np.abs(correlation).max() < 0.04
    # Far apart in the picture, where a short period of the hash would show.
    assert abs((drawn[0, :, :-16] * drawn[0, :, 16:]).mean()) < 0.02
    assert abs((drawn[0, :-16] * drawn[0, 16:]).mean()) < 0.02


def test_a_seed_always_gives_the_same_grain_whatever_the_size() -> None:
    drawn = grain.grain(300, 17, seed=2**32 - 1)
    assert drawn.dtype == np.float32 and drawn.shape == (300, 17, 3)
    np.testing.assert_allclose(grain.grain(9, 5, seed=2**32 - 1), drawn[:9, :5], atol=1e-5)
    # Computed once: another grain would change all pictures that a seed has made.
    np.testing.assert_allclose(drawn[299, 16], [1.312377, 1.101255, -0.307253], atol=1e-5)
