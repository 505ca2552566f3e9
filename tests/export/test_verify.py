"""Comparing exports with the live network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst import images
from fastnst.export import verify
from fastnst.models import model as model_module
from fastnst.models import store


@pytest.fixture(scope="module")
def model(gallery: Path) -> model_module.Model:
    """A model of three styles and an identity row."""
    return store.load(store.find(gallery))


@pytest.fixture(scope="module")
def stylized(model: model_module.Model) -> np.ndarray:
    """The probe as the live network stylizes it, [styles, B, H, W, 3]."""
    batch = tf.constant(verify.probe(), tf.float32)
    return np.stack([images.to_uint8(model.net(batch, row).numpy()) for row in model.net.table[:3]])


def test_the_probe_has_odd_sizes_and_its_pictures_differ() -> None:
    probe = verify.probe()
    assert probe.shape == (2, 53, 70, 3) and probe.dtype == np.uint8
    assert (probe[0] != probe[1]).any()
    # It gets brighter to the right: a picture that is mirrored or turned would not be equal.
    assert probe[:, :, -1].mean() > probe[:, :, 0].mean() + 150
    np.testing.assert_array_equal(probe, verify.probe())


def test_equal_pictures_do_not_differ(model: model_module.Model, stylized: np.ndarray) -> None:
    assert verify.difference(model, verify.probe(), stylized) == 0


@pytest.mark.parametrize("style", [0, 1, 2])
def test_the_difference_is_the_largest_of_all_styles_and_pixels_up_or_down(
    model: model_module.Model, stylized: np.ndarray, style: int
) -> None:
    changed = stylized.copy()
    value = int(changed[style, 1, 5, 6, 2])
    # uint8 would wrap around.
    changed[style, 1, 5, 6, 2] = value - 7 if value >= 7 else value + 7
    assert verify.difference(model, verify.probe(), changed) == 7


def test_styles_in_another_order_differ(model: model_module.Model, stylized: np.ndarray) -> None:
    assert verify.difference(model, verify.probe(), stylized[[1, 0, 2]]) > 20
