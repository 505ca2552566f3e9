"""Transposed convolutions: those of TensorFlow, in operations that every runtime has."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.nets import transposed


def drawn(bias: bool = False) -> transposed.TransposedConv:
    """A convolution from 5 to 3 channels with random weights."""
    conv = transposed.TransposedConv("up", 5, 3, bias=bias)
    random = np.random.default_rng(0)
    for variable in conv.variables:
        variable.assign(random.normal(size=variable.shape))
    return conv


@pytest.mark.parametrize("bias", [False, True])
def test_it_computes_what_tensorflow_does_with_same_padding(bias: bool) -> None:
    conv = drawn(bias)
    images = np.random.default_rng(1).normal(size=(2, 6, 7, 5)).astype(np.float32)
    # TensorFlow's kernels have the outputs first.
    expected = tf.nn.conv2d_transpose(
        images, tf.transpose(conv.kernel, [0, 1, 3, 2]), [2, 12, 14, 3], 2, "SAME"
    )
    found = conv(tf.constant(images), like=tf.zeros([2, 12, 14, 8]))
    np.testing.assert_allclose(found, expected + (conv.bias if bias else 0.0), atol=1e-5)
    # An odd size loses its last row and column.
    cut = conv(tf.constant(images), like=tf.zeros([2, 11, 13, 8]))
    np.testing.assert_array_equal(cut, found[:, :11, :13])


def test_a_single_pixel_becomes_the_middle_of_the_kernel() -> None:
    conv = drawn()
    pixel = np.zeros((1, 1, 1, 5), np.float32)
    pixel[..., 2] = 1.0
    found = conv(tf.constant(pixel), like=tf.zeros([1, 2, 2, 1]))
    np.testing.assert_allclose(found[0], conv.kernel[1:3, 1:3, 2])


def test_it_computes_in_the_dtype_of_its_input() -> None:
    images = tf.zeros([1, 4, 4, 5], tf.bfloat16)
    assert drawn(bias=True)(images, like=tf.zeros([1, 8, 8, 1])).dtype == tf.bfloat16
