"""Grain: its statistics, and that it is the same in every tile."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.nets import grain


def test_grain_has_mean_0_and_deviation_1_at_every_phase_of_the_lattice() -> None:
    drawn = grain.grain(64, 64, seed=tf.range(400), spacing=4.0).numpy()
    assert drawn.mean() == pytest.approx(0.0, abs=0.02)
    # Pixels at the same place between lattice points; linear interpolation would give 0.67 to 1.
    deviations = drawn.reshape(400, 16, 4, 16, 4, 3).std(axis=(0, 1, 3, 5))
    np.testing.assert_allclose(deviations, 1.0, atol=0.02)


def test_a_tile_has_the_grain_of_the_whole_picture() -> None:
    whole = grain.grain(50, 70, seed=3, spacing=2.7).numpy()
    tile = grain.grain(20, 31, seed=3, spacing=2.7, top=17, left=33).numpy()
    np.testing.assert_allclose(tile, whole[17:37, 33:64], atol=1e-5)


def test_the_correlation_is_one_half_at_the_distance_of_the_spacing() -> None:
    drawn = grain.grain(400, 400, seed=1, spacing=8.0).numpy()
    product = drawn[:, :-8] * drawn[:, 8:]
    # A cubic B-spline convolved with itself, at 1 and at 0: 1191 / 2416.
    assert product.mean() == pytest.approx(1191 / 2416, abs=0.05)


def test_seeds_channels_and_neighbours_are_independent() -> None:
    drawn = grain.grain(200, 200, seed=tf.constant([0, 1]), spacing=1.0).numpy()
    series = np.stack([drawn[seed, ..., channel].ravel() for seed in (0, 1) for channel in (0, 1)])
    correlation = np.corrcoef(series) - np.eye(4)
    assert np.abs(correlation).max() < 0.04
    # Far apart in the picture, where a short period of the hash would show.
    assert abs((drawn[0, :, :-16] * drawn[0, :, 16:]).mean()) < 0.02
    assert abs((drawn[0, :-16] * drawn[0, 16:]).mean()) < 0.02


def test_several_seeds_give_the_grain_of_each_also_in_a_graph() -> None:
    several = tf.function(lambda height, seeds: grain.grain(height, 30, seed=seeds, spacing=4.0))(
        tf.constant(20), tf.constant([5, 6])
    )
    assert several.shape == (2, 20, 30, 3)
    np.testing.assert_array_equal(several[1], grain.grain(20, 30, seed=6, spacing=4.0))
