"""What a dream maximizes, on a network whose features are simple functions of the picture."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf

from fastnst.losses import dreams


class Simple:
    """Layer "a" is the picture, and "b" a hundred times the picture."""

    layers: ClassVar = {"a": 3, "b": 3}

    def __call__(self, images: tf.Tensor, layers: Collection[str]) -> dict[str, tf.Tensor]:
        features = {"a": images, "b": 100.0 * images}
        return {layer: features[layer] for layer in layers}


PICTURE = np.random.default_rng(0).uniform(1, 255, (4, 5, 3)).astype(np.float32)
BATCH = tf.constant(PICTURE[np.newaxis])


def test_the_activity_of_a_layer_is_the_mean_of_its_squares() -> None:
    objective = dreams.activity(Simple(), {"b": 1.0}, PICTURE)
    assert float(objective(BATCH)) == pytest.approx(1e4 * np.mean(PICTURE**2), rel=1e-5)


def test_several_layers_count_by_their_shares_whatever_their_activity() -> None:
    objective = dreams.activity(Simple(), {"a": 0.25, "b": 0.75}, PICTURE)
    # At the picture itself, each layer is 1. At twice the picture, each is 4.
    assert float(objective(BATCH)) == pytest.approx(1.0, rel=1e-5)
    assert float(objective(2 * BATCH)) == pytest.approx(4.0, rel=1e-5)


def test_channels_count_by_their_mean() -> None:
    objective = dreams.channels(Simple(), "a", {0: 0.5, 2: 2.0})
    expected = 0.5 * PICTURE[..., 0].mean() + 2.0 * PICTURE[..., 2].mean()
    assert float(objective(BATCH)) == pytest.approx(expected, rel=1e-5)


def test_likeness_compares_each_position_with_the_nearest_of_the_guide() -> None:
    guide = np.array([[[3.0, 0.0, 0.0], [0.0, 4.0, 0.0]]], np.float32)
    objective = dreams.likeness(Simple(), {"a": 1.0}, guide)
    # Positions of the guide have length 1, divided by the mean length, 3.5.
    picture = tf.constant([[[[7.0, 0.0, 5.0], [7.0, 14.0, 0.0]]]])
    assert float(objective(picture)) == pytest.approx((7 + 14) / 2 / 3.5, rel=1e-5)


def test_a_large_guide_is_thinned_out() -> None:
    guide = np.ones((100, 100, 3), np.float32)
    objective = dreams.likeness(Simple(), {"a": 1.0}, guide)
    graph = tf.function(objective).get_concrete_function(BATCH).graph
    product = next(op for op in graph.get_operations() if op.type == "MatMul")
    assert product.outputs[0].shape[-1] <= 2048
