"""The penalty for wallpaper, on textures whose period is known."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.evaluation import lattice
from fastnst.losses import repetition


def pictures(luma: np.ndarray) -> tf.Tensor:
    """A gray picture of a luma, float32 [1, H, W, 3]."""
    return tf.constant(np.repeat(luma[np.newaxis, ..., np.newaxis], 3, axis=3), tf.float32)


def noise(side: int, deviation: float = 20.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(128.0, deviation, (side, side))


def tiled(period: int) -> np.ndarray:
    """Noise that repeats exactly every `period` pixels, [192, 192]."""
    repeats = 192 // period + 1
    return np.tile(noise(period), (repeats, repeats))[:192, :192]


FLAT = pictures(np.full((192, 192), 200.0))


def excess(photo: tf.Tensor, luma: np.ndarray) -> float:
    return float(repetition.wallpaper(photo, pictures(luma)))


def test_motifs_that_repeat_in_a_flat_area_cost_and_noise_does_not() -> None:
    assert excess(FLAT, tiled(12)) > 1.0
    assert excess(FLAT, noise(192)) < 1e-3


def test_areas_that_are_not_flat_are_left_alone() -> None:
    edges = np.zeros((192, 192))
    edges[:, ::32] = 255.0
    assert excess(pictures(edges), tiled(12)) == 0.0


def test_the_peaks_are_those_of_the_lattice_figure() -> None:
    pytest.importorskip("scipy")
    luma = tiled(12)[:128, :128] + noise(128, seed=1)
    mixed = pictures(luma)
    (expected,) = lattice.peaks(mixed[0].numpy(), [(0, 0)])
    # Of the highest peaks, all of which lie at multiples of the period, this is one.
    found = float(repetition.wallpaper(pictures(np.full((128, 128), 9.0)), mixed))
    assert found >= (expected - 0.15) ** 2 * 0.98
    # As many as there are multiples of 12 pixels up to 30, none of them higher.
    assert found <= 20 * (expected - 0.15) ** 2


def test_its_gradient_leads_away_from_the_repetition() -> None:
    luma = tf.Variable(tiled(12)[:128, :128] + noise(128, seed=1), dtype=tf.float32)
    flat = pictures(np.full((128, 128), 9.0))

    def loss() -> tf.Tensor:
        return repetition.wallpaper(flat, tf.repeat(luma[tf.newaxis, ..., tf.newaxis], 3, axis=3))

    with tf.GradientTape() as tape:
        before = loss()
    gradient = tape.gradient(before, luma)
    # By two levels in a texture with a deviation of 28.
    luma.assign_sub(2.0 * gradient / tf.math.reduce_std(gradient))
    assert float(loss()) < 0.5 * float(before)


def test_pictures_of_one_color_and_small_ones_cost_nothing() -> None:
    assert excess(FLAT, np.full((192, 192), 50.0)) == 0.0
    assert excess(pictures(np.zeros((64, 64))), noise(64)) == 0.0
