"""Metrics that are not part of the objective."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fastnst import images
from fastnst.evaluation import measures
from fastnst.features import loss_network

ROOT = Path(__file__).resolve().parents[2]
Photo = Callable[..., np.ndarray]


def test_structure_kept_is_1_for_the_photo_and_ignores_changes_of_color_only(photo: Photo) -> None:
    picture = photo(40, 50)
    assert measures.structure_kept(picture, picture) == pytest.approx(1.0)
    # Shifts red and blue such that 0.299 R + 0.114 B stays the same.
    shifted = picture + np.array([11.4, 0.0, -29.9])
    assert measures.structure_kept(picture, shifted) == pytest.approx(1.0, abs=1e-3)
    noise = np.random.default_rng(0).uniform(0, 255, picture.shape).astype(np.float32)
    assert measures.structure_kept(picture, noise) < 0.2
    assert measures.structure_kept(noise, 255.0 - noise) < -0.5


def test_the_color_distance_ignores_the_positions_of_colors(photo: Photo) -> None:
    picture = photo(40, 50)
    assert measures.color_distance(picture, picture[::-1, ::-1]) == 0.0
    # One of three channels is 30 levels off.
    assert measures.color_distance(picture + np.array([30.0, 0, 0]), picture) == pytest.approx(10)
    halves = np.zeros((10, 10, 3))
    halves[:5] = 200.0
    gray = np.full((3, 3, 3), 100.0)
    assert measures.color_distance(halves, gray) == pytest.approx(100.0)


def test_gram_distance_is_1_for_the_photo_and_0_for_the_style(photo: Photo) -> None:
    weights = loss_network.load_weights(ROOT / "pretrained" / "vgg_16.ckpt")
    layers = ("relu1_1", "relu2_1")
    style = images.read(ROOT / "img" / "candy.jpg", 32)
    grams = measures.Grams(loss_network.LossNetwork(weights, layers), layers)
    distance = measures.GramDistance(grams, style)
    picture = photo(32, 48)
    assert distance(picture, picture) == pytest.approx({layer: 1.0 for layer in layers})
    assert distance(picture, style) == pytest.approx({layer: 0.0 for layer in layers}, abs=1e-5)
    between = distance(picture, style * 0.9)
    assert all(0.0 < value < 1.0 for value in between.values())
    # The Gram matrices of a photo are computed once, those of other photos anew.
    assert grams.of_photo(picture) is grams.of_photo(picture.copy())
    assert grams.of_photo(picture[:, ::-1]) is not grams.of_photo(picture)


def test_shift_change_is_zero_for_a_stylized_photo_that_moves_with_the_photo(photo: Photo) -> None:
    picture = photo(90, 100)
    assert measures.shift_change(lambda pixels: 255 - pixels, picture) == 0.0

    def stripes(pixels: np.ndarray) -> np.ndarray:
        """Returns stripes that do not move with the photo: 10 levels on every other column."""
        return np.zeros_like(pixels) + 10 * (np.arange(pixels.shape[1]) % 2)[:, np.newaxis]

    assert measures.shift_change(stripes, picture) == pytest.approx(10.0)


def test_fine_detail_is_that_of_noise_but_not_of_large_shapes() -> None:
    pytest.importorskip("scipy")
    noise = np.random.default_rng(0).normal(128.0, 20.0, (200, 200, 1)).repeat(3, axis=2)
    # A Gaussian of 1.5 pixels keeps 1 / (4 pi 1.5^2) = 3.5 % of the noise's variance, and its own
    # peak is counted twice in the difference: 1 - 2 / (2 pi 1.5^2) + 0.035 = 0.894.
    assert measures.fine_detail(noise) == pytest.approx(20.0 * np.sqrt(0.894), rel=0.02)
    wave = 128.0 + 60.0 * np.sin(np.arange(200) / 20.0)
    assert measures.fine_detail(np.broadcast_to(wave[:, None, None], (200, 200, 3))) < 1.0
