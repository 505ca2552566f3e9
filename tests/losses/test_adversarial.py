"""The losses of an adversarial training, derived by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from fastnst.losses import adversarial

LOGITS = tf.constant([[2.0, -1.0]])


def test_the_cross_entropy_of_a_generator_is_that_with_real() -> None:
    # -log(sigmoid(2)) = log(1 + e^-2), and -log(sigmoid(-1)) = log(1 + e).
    expected = (math.log(1 + math.exp(-2)) + math.log(1 + math.e)) / 2
    assert float(adversarial.of_generator(LOGITS)) == pytest.approx(expected)
    keras = tf.keras.losses.BinaryCrossentropy(from_logits=True)
    assert expected == pytest.approx(float(keras(tf.ones_like(LOGITS), LOGITS)))


def test_a_discriminator_pays_half_for_real_and_half_for_generated_pictures() -> None:
    keras = tf.keras.losses.BinaryCrossentropy(from_logits=True)
    real, made = LOGITS, tf.constant([[3.0, 0.5]])
    expected = 0.5 * (keras(tf.ones_like(real), real) + keras(tf.zeros_like(made), made))
    assert float(adversarial.of_discriminator(real, made)) == pytest.approx(float(expected))


def test_least_squares_are_distances_from_one_and_zero() -> None:
    kind = adversarial.LEAST_SQUARES
    # (2 - 1)^2 and (-1 - 1)^2.
    assert float(adversarial.of_generator(LOGITS, kind)) == pytest.approx((1 + 4) / 2)
    made = tf.constant([[3.0, 1.0]])
    expected = 0.5 * ((1 + 4) / 2 + (9 + 1) / 2)
    assert float(adversarial.of_discriminator(LOGITS, made, kind)) == pytest.approx(expected)


def test_large_logits_do_not_overflow() -> None:
    large = tf.constant([1e4, -1e4])
    assert np.isfinite(float(adversarial.of_discriminator(large, large)))


def test_black_and_white_differ_by_two() -> None:
    black, white = tf.zeros([1, 4, 4, 3]), tf.fill([1, 4, 4, 3], 255.0)
    assert float(adversarial.difference(black, white)) == pytest.approx(2.0)
    assert float(adversarial.difference(white, white)) == 0.0
