"""The Frechet distance between patches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import linalg

from fastnst.features import loss_network
from fastnst.losses import patch_distance

ROOT = Path(__file__).resolve().parents[2]


def moments(seed: int, count: int = 40) -> patch_distance.Moments:
    return patch_distance.Moments.of(np.random.default_rng(seed).normal(seed, 1 + seed, (count, 5)))


def test_moments_are_those_of_a_sample() -> None:
    found = patch_distance.Moments.of(np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 4.0]]))
    np.testing.assert_allclose(found.mean, [2.0, 2.0])
    np.testing.assert_allclose(found.covariance, [[4.0, 3.0], [3.0, 3.0]])


def test_the_distance_is_that_of_the_formula_and_symmetric() -> None:
    one, other = moments(1), moments(2)
    root = linalg.sqrtm(one.covariance @ other.covariance).real
    expected = np.sum((one.mean - other.mean) ** 2)
    expected += np.trace(one.covariance + other.covariance - 2 * root)
    assert patch_distance.frechet(one, other) == pytest.approx(expected)
    assert patch_distance.frechet(other, one) == pytest.approx(expected)
    assert patch_distance.frechet(one, one) == pytest.approx(0.0, abs=1e-9)


def test_a_shift_counts_as_its_square_and_fewer_vectors_than_channels_are_enough() -> None:
    few = np.random.default_rng(0).normal(size=(3, 5))
    one, moved = patch_distance.Moments.of(few), patch_distance.Moments.of(few + 2.0)
    # sqrt(2^2) in each of 5 channels.
    assert patch_distance.frechet(one, moved) == pytest.approx(20.0, abs=1e-5)


def test_patches_of_alike_pictures_are_nearer_than_those_of_others(
    photo: Callable[..., np.ndarray],
) -> None:
    weights = loss_network.load_weights(ROOT / "pretrained" / "vgg_16.ckpt")
    patches = patch_distance.Patches(
        loss_network.LossNetwork(weights, ["relu1_2"]), layer="relu1_2"
    )
    # Sizes may differ, and sides need not be multiples of a patch.
    photos = [photo(32, 45, seed) for seed in range(3)]
    domain = patches(photos)
    assert domain.covariance.shape == (64, 64)
    mirrored = patch_distance.relative(patches([each[:, ::-1] for each in photos]), domain)
    darker = patch_distance.relative(patches([each // 2 for each in photos]), domain)
    assert 0.0 < mirrored < 0.2 * darker


def test_the_unit_is_the_variance_of_the_domain() -> None:
    one, domain = moments(1), moments(2)
    scaled = [
        patch_distance.Moments(3.0 * each.mean, 9.0 * each.covariance) for each in (one, domain)
    ]
    found = patch_distance.relative(one, domain)
    assert found == pytest.approx(
        patch_distance.frechet(one, domain) / np.diag(domain.covariance).sum()
    )
    assert patch_distance.relative(*scaled) == pytest.approx(found)
