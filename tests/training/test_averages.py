"""Moving averages, which follow the weights faster at first."""

from __future__ import annotations

import pytest
import tensorflow as tf

from fastnst.training import averages


def test_the_decay_rises_to_its_maximum() -> None:
    mean, value = tf.Variable(0.0), tf.Variable(1.0)
    # After step t, min(0.25, (1 + t) / (10 + t)) of the difference stays.
    left = 1.0
    for step, decay in enumerate((2 / 11, 0.25, 0.25)):
        averages.follow([mean], [value], tf.constant(step, tf.int64), 0.25)
        left *= decay
        assert float(mean) == pytest.approx(1.0 - left)


def test_without_decay_the_average_is_the_value() -> None:
    mean, value = tf.Variable([5.0, 6.0]), tf.Variable([1.0, 2.0])
    averages.follow([mean], [value], tf.constant(99, tf.int64), 0.0)
    assert mean.numpy().tolist() == [1.0, 2.0]
