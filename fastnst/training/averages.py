"""Moving averages of the weights of networks."""

from __future__ import annotations

import collections.abc

import tensorflow as tf


def follow(
    averages: collections.abc.Sequence[tf.Variable],
    variables: collections.abc.Sequence[tf.Variable],
    step: tf.Tensor,
    decay: float,
) -> None:
    """Moves averages towards the variables; for `Task.after_step`.

    The decay after step t is min(decay, (1 + t) / (10 + t)), so that the first weights are soon
    forgotten.

    Args:
        averages: The averages, in the order of the variables.
        variables: The variables.
        step: Steps done before, an int64 scalar.
        decay: The maximum decay, in [0, 1).
    """
    done = tf.cast(step, tf.float32) + 1.0
    rate = 1.0 - tf.minimum(decay, (1.0 + done) / (10.0 + done))

    def approach(mean: tf.Variable, value: tf.Tensor) -> tf.Operation:
        return mean.assign_add(rate * (value - mean))

    strategy = tf.distribute.get_strategy()
    for mean, value in zip(averages, variables, strict=True):
        strategy.extended.update(mean, approach, args=(value,))
