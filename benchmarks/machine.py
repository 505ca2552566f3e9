"""The machine's peak rates: a large matrix product, and copying memory."""

from __future__ import annotations

import collections.abc

import tensorflow as tf


def product(side: int, dtype: str) -> collections.abc.Callable[[], object]:
    """Returns a function that multiplies two square matrices once."""
    matrix = tf.cast(tf.random.normal([side, side]), dtype)
    multiply = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)[:1]), autograph=False)
    return lambda: multiply().numpy()


def copy(elements: int, dtype: str) -> collections.abc.Callable[[], object]:
    """Returns a function that copies a vector of the given length once."""
    source = tf.Variable(tf.cast(tf.random.normal([elements]), dtype))
    target = tf.Variable(tf.zeros([elements], dtype))

    @tf.function(autograph=False)
    def assign() -> None:
        # The addition forces a pass over memory; assigning `source` could copy a reference.
        target.assign(source + tf.cast(1.0, source.dtype))

    return assign
