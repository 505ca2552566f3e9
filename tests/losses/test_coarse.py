"""The objective at smaller sizes, with an objective that is written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fastnst.losses import coarse


def objective(content: tf.Tensor, stylized: tf.Tensor) -> Any:
    """The side of the picture as content, and its largest value as style."""
    assert content.shape == stylized.shape
    terms = {"content": tf.cast(tf.shape(content)[1], tf.float32), "style": tf.reduce_max(stylized)}
    return tf.constant(1e9), terms


def spot() -> tf.Tensor:
    pixels = np.zeros((1, 16, 16, 3), np.float32)
    pixels[:, 4, 4] = 64.0
    return tf.constant(pixels)


@pytest.mark.parametrize(
    ("scales", "expected"),
    [(1, 0.0), (2, 16.0 + 0.3 * 8), (3, 16.0 + 0.3 * 8 + 4.0 + 0.09 * 4)],
)
def test_each_smaller_size_adds_its_style_and_less_and_less_of_its_content(
    scales: int, expected: float
) -> None:
    # The mean over 2 x 2 pixels leaves a quarter of the spot.
    found = coarse.coarse(objective, spot(), spot(), scales)
    assert float(found) == pytest.approx(expected)
