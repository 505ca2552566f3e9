"""Counting the FLOP of a graph."""

from __future__ import annotations

import pytest
import tensorflow as tf

from benchmarks import arithmetic


def images(*shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32)


def test_a_convolution_and_a_matrix_product() -> None:
    kernel = tf.ones([3, 3, 4, 5])

    @tf.function(autograph=False)
    def convolve(net: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(tf.nn.conv2d(net, kernel, 2, "VALID"))

    # 2 pictures of 3 x 4 outputs in 5 channels, each of 3 x 3 x 4 products and as many sums.
    forward = 2 * 2 * 3 * 4 * 5 * 3 * 3 * 4
    assert arithmetic.flop(convolve, images(2, 7, 9, 4)) == forward

    @tf.function(autograph=False)
    def learn(net: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch([net, kernel])
            loss = tf.reduce_sum(convolve(net))
        return tape.gradient(loss, [net, kernel])

    # The gradients to input and kernel each cost the same again; nested calls are counted.
    assert arithmetic.flop(learn, images(2, 7, 9, 4)) == 3 * forward

    @tf.function(autograph=False)
    def only_to_input(net: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(net)
            loss = tf.reduce_sum(tf.nn.conv2d(net, kernel, 2, "VALID"))
        return tape.gradient(loss, net)

    # The graph contains the sum and the gradient to the kernel, but no result depends on them.
    assert arithmetic.flop(only_to_input, images(2, 7, 9, 4)) == forward

    @tf.function(autograph=False)
    def gram(flat: tf.Tensor) -> tf.Tensor:
        return tf.matmul(flat, flat, transpose_a=True)

    assert arithmetic.flop(gram, images(2, 50, 6)) == 2 * 2 * 6 * 6 * 50
    assert arithmetic.flop(gram, images(50, 6)) == 2 * 6 * 6 * 50


def test_an_unknown_shape_raises_an_error() -> None:
    convolve = tf.function(lambda net: tf.nn.conv2d(net, tf.ones([3, 3, 4, 5]), 1, "SAME"))
    with pytest.raises(ValueError, match="unknown shape"):
        arithmetic.flop(convolve, images(1, None, 9, 4))
