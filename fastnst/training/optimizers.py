"""Muon, the optimizer: momentum whose directions are all made equally long (Jordan et al. 2024)."""

from __future__ import annotations

import collections.abc
import math

import tensorflow as tf

# The quintic iteration that rises most steeply at 0 and stays near 1, from the authors.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5
_MOMENTUM = 0.95
# Makes a step as long, per weight, as Adam's usually are (Liu et al. 2025).
_RMS = 0.2
# Scales and shifts learn a style best at several times the kernels' rate: docs/quality.md.
_VECTORS = 4.0


class Muon(tf.keras.optimizers.Adam):
    """Muon for the kernels of convolutions, Adam for everything else.

    The gradient of a kernel is dominated by a few directions. Its momentum, as a matrix of inputs
    by outputs, is replaced by the nearest orthogonal matrix, so that a step goes as far in the
    weak directions as in the strong ones. Kernels from or to RGB, and vectors, have few directions
    and are left to Adam, vectors at four times the learning rate.

    Example:
        >>> optimizer = Muon(learning_rate=3e-3)
    """

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Takes a step for one variable, as Keras asks for it."""
        if not is_matrix(variable.shape):
            faster = _VECTORS if len(variable.shape) == 1 else 1.0
            super().update_step(gradient, variable, faster * learning_rate)
            return
        momentum = self._momentums[self._get_variable_index(variable)]
        self.assign(momentum, _MOMENTUM * momentum + gradient)
        ahead = gradient + _MOMENTUM * momentum
        direction = orthogonalize(tf.reshape(ahead, [-1, variable.shape[-1]]))
        length = _RMS * math.sqrt(max(direction.shape))
        step = tf.reshape(length * direction, variable.shape)
        self.assign_sub(variable, tf.cast(learning_rate, variable.dtype) * step)


def is_matrix(shape: collections.abc.Sequence[int]) -> bool:
    """Whether a variable of this shape is stepped by Muon: a kernel [H, W, in, out], not of RGB."""
    return len(shape) == 4 and min(shape[2:]) > 3


def orthogonalize(matrix: tf.Tensor) -> tf.Tensor:
    """Brings all singular values near 1: to 0.7 to 1.2, which is close enough (Jordan et al.).

    Args:
        matrix: float32 [M, N].

    Returns:
        About U V^T for the matrix U S V^T, the same shape; of zeros zeros.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    matrix /= tf.norm(matrix) + 1e-7
    # Each iteration is X <- p(X X^T) X with p(G) = A + B G + C G^2: all of them act on the short
    # side alone, and the matrix is multiplied by their product once.
    square = tf.matmul(matrix, matrix, transpose_a=tall, transpose_b=not tall)
    one = product = tf.eye(square.shape[0])
    for _ in range(_ITERATIONS):
        factor = _A * one + _B * square + _C * tf.matmul(square, square)
        product = tf.matmul(factor, product)
        square = tf.matmul(tf.matmul(factor, square), factor)
    return tf.matmul(matrix, product) if tall else tf.matmul(product, matrix)
