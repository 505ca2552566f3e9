"""Muon, by its definition and beside Keras's."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.training import optimizers


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (12, 12)])
def test_singular_values_come_near_1_and_directions_stay(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    matrix = random.normal(size=shape).astype(np.float32)
    u, values, v = np.linalg.svd(matrix, full_matrices=False)
    matrix = (u * np.linspace(1.0, 30.0, len(values)).astype(np.float32)) @ v
    found = optimizers.orthogonalize(tf.constant(matrix)).numpy()
    in_its_directions = u.T @ found @ v.T
    diagonal = np.diagonal(in_its_directions)
    assert diagonal.min() > 0.6 and diagonal.max() < 1.25
    np.testing.assert_allclose(in_its_directions - np.diag(diagonal), 0.0, atol=1e-4)


def test_no_gradient_is_no_step() -> None:
    assert not optimizers.orthogonalize(tf.zeros([4, 8])).numpy().any()


def test_kernels_that_are_not_of_rgb_are_matrices() -> None:
    assert optimizers.is_matrix((3, 3, 32, 64)) and optimizers.is_matrix((3, 3, 4, 4))
    for shape in ((9, 9, 3, 32), (9, 9, 32, 3), (32,), ()):
        assert not optimizers.is_matrix(shape)


@pytest.mark.skipif(not hasattr(tf.keras.optimizers, "Muon"), reason="older Keras has none")
def test_a_kernel_takes_the_steps_that_keras_takes_for_a_matrix() -> None:
    random = np.random.default_rng(0)
    kernel = random.normal(size=(3, 3, 8, 16)).astype(np.float32)
    ours = tf.Variable(kernel)
    theirs = tf.Variable(kernel.reshape(72, 16))
    options = {"weight_decay": None, "adam_weight_decay": None, "exclude_embeddings": False}
    one = optimizers.Muon(learning_rate=0.01)
    two = tf.keras.optimizers.Muon(learning_rate=0.01, **options)
    for _ in range(3):
        gradient = random.normal(size=kernel.shape).astype(np.float32)
        one.apply_gradients([(tf.constant(gradient), ours)])
        two.apply_gradients([(tf.constant(gradient.reshape(72, 16)), theirs)])
        np.testing.assert_allclose(ours.numpy().reshape(72, 16), theirs.numpy(), atol=2e-6)
    assert not np.allclose(ours.numpy(), kernel, atol=1e-3)


@pytest.mark.parametrize(("shape", "faster"), [((9, 9, 3, 8), 1), ((16,), 4)])
def test_everything_else_takes_adams_steps(shape: tuple[int, ...], faster: int) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=shape).astype(np.float32)
    ours, theirs = tf.Variable(values), tf.Variable(values)
    one, two = (
        optimizers.Muon(learning_rate=0.01),
        tf.keras.optimizers.Adam(learning_rate=0.01 * faster),
    )
    for _ in range(3):
        gradient = tf.constant(random.normal(size=shape).astype(np.float32))
        one.apply_gradients([(gradient, ours)])
        two.apply_gradients([(gradient, theirs)])
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)
