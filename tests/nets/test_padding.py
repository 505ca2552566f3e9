"""Mirror padding, against TensorFlow's own."""

from __future__ import annotations

import collections.abc
import functools
import gc
import weakref
from typing import TypeAlias

import numpy as np
import pytest
import tensorflow as tf

from fastnst.nets import padding

Pad: TypeAlias = collections.abc.Callable[..., tf.Tensor]

RANDOM = np.random.default_rng(0)
WAYS = {
    "reflect 1": (functools.partial(padding.reflect, before=1), [1, 1], "REFLECT"),
    "reflect 4 and 5": (functools.partial(padding.reflect, before=4, after=5), [4, 5], "REFLECT"),
    "edge 1": (functools.partial(padding.repeat_edge, margin=1), [1, 1], "SYMMETRIC"),
    "edge 3": (functools.partial(padding.repeat_edge, margin=3), [3, 3], "SYMMETRIC"),
    "not trained": (functools.partial(padding.reflect, before=2, trained=False), [2, 2], "REFLECT"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("known", [True, False], ids=["known size", "unknown size"])
@pytest.mark.parametrize("shape", [(2, 6, 8, 3), (1, 9, 6, 5)])
@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_result_and_gradient_equal_those_of_tensorflow(
    way: str, known: bool, shape: tuple[int, ...], dtype: tf.DType
) -> None:
    pad, margins, mode = WAYS[way]
    images = tf.constant(RANDOM.integers(-8, 8, shape), dtype)

    def own(images: tf.Tensor) -> tf.Tensor:
        return tf.pad(images, [[0, 0], margins, margins, [0, 0]], mode)

    results = []
    for each in (pad, own):
        signature = [tf.TensorSpec(shape if known else [None, None, None, shape[-1]], dtype)]
        results.append(tf.function(_with_gradient(each), signature)(images))
    (padded, gradient), (expected, expected_gradient) = results
    np.testing.assert_array_equal(padded, expected)
    np.testing.assert_array_equal(gradient, expected_gradient)


def _with_gradient(
    pad: collections.abc.Callable[[tf.Tensor], tf.Tensor],
) -> collections.abc.Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    def both(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(images)
            padded = pad(images)
            # Neighboring numbers have different weights.
            weights = tf.range(tf.size(padded)) % 7
            total = tf.reduce_sum(
                padded * tf.cast(tf.reshape(weights, tf.shape(padded)), padded.dtype)
            )
        return padded, tape.gradient(total, images)

    return both


def test_static_sizes_are_kept() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 7, None, 3])])
    def pad(images: tf.Tensor) -> tf.Tensor:
        padded = padding.reflect(images, 2, 3)
        assert padded.shape.as_list() == [None, 12, None, 3]
        return padded

    assert pad(tf.zeros([2, 7, 8, 3])).shape == (2, 12, 13, 3)


def test_repeat_edge_repeats_the_edge_and_reflect_does_not() -> None:
    row = tf.reshape(tf.constant([1.0, 2.0, 3.0]), [1, 1, 3, 1]) * tf.ones([1, 3, 1, 1])
    np.testing.assert_array_equal(padding.reflect(row, 2)[0, 0, :, 0], [3, 2, 1, 2, 3, 2, 1])
    np.testing.assert_array_equal(padding.repeat_edge(row, 2)[0, 0, :, 0], [2, 1, 1, 2, 3, 3, 2])


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("pad", [padding.reflect, padding.repeat_edge])
def test_a_graph_that_pads_is_freed(pad: Pad, trained: bool) -> None:
    def graph() -> weakref.ref[tf.Graph]:
        padded = tf.function(lambda images: pad(images, 1, trained=trained), autograph=False)
        return weakref.ref(padded.get_concrete_function(tf.TensorSpec([1, 4, 4, 3])).graph)

    waiting = graph()
    gc.collect()
    assert waiting() is None
