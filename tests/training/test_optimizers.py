"""Muon and Adam, by their definitions and beside Keras's."""

from __future__ import annotations

from typing import Any

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
    assert optimizers.is_matrix((784, 10))
    for shape in ((9, 9, 3, 32), (9, 9, 32, 3), (3, 16), (32,), ()):
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


@pytest.mark.parametrize(
    ("shape", "faster"), [((9, 9, 3, 8), 1), ((16,), 4), ((1, 16), 4), ((3, 16), 1)]
)
def test_muon_takes_adams_steps_for_everything_else(shape: tuple[int, ...], faster: int) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=shape).astype(np.float32)
    ours, theirs = tf.Variable(values, name="table" if shape[0] == 1 else None), tf.Variable(values)
    one, two = (
        optimizers.make("muon", 0.01, tables=["table"]),
        tf.keras.optimizers.Adam(learning_rate=0.01 * faster),
    )
    for _ in range(3):
        gradient = tf.constant(random.normal(size=shape).astype(np.float32))
        one.apply_gradients([(gradient, ours)])
        two.apply_gradients([(gradient, theirs)])
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


@pytest.mark.parametrize("kind", ["adam", "muon"])
@pytest.mark.parametrize("compiled", [False, True])
def test_rows_of_a_table_that_a_batch_does_not_use_stay_as_they_are(
    kind: str, compiled: bool
) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(3, 8)).astype(np.float32)
    table = tf.Variable(values, name="table")
    optimizer = optimizers.make(kind, 0.01, tables=["table"])
    optimizer.build([table])

    def use(row: int) -> None:
        gradient = np.zeros((3, 8), np.float32)
        gradient[row] = random.normal(size=8)
        take = tf.function(lambda: optimizer.apply_gradients([(tf.constant(gradient), table)]))
        take() if compiled else take.python_function()

    def everything() -> list[np.ndarray]:
        return [each.numpy() for each in (table, *optimizer._momentums, *optimizer._velocities)]

    for row in (0, 1, 0, 2, 1):
        before = everything()
        use(row)
        for old, new in zip(before, everything(), strict=True):
            changed = (old != new).any(axis=1)
            assert changed.tolist() == [other == row for other in range(3)]


def test_a_used_row_takes_the_steps_of_plain_adam() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(2, 8)).astype(np.float32)
    ours, theirs = tf.Variable(values, name="table"), tf.Variable(values)
    one, two = optimizers.make("adam", 0.01, tables=["table"]), tf.keras.optimizers.Adam(0.01)
    for _ in range(3):
        gradient = tf.constant(random.normal(size=(2, 8)).astype(np.float32))
        one.apply_gradients([(gradient, ours)])
        two.apply_gradients([(gradient, theirs)])
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("tables", [["table"], []])
def test_a_single_row_and_other_matrices_move_by_their_momentum_as_with_plain_adam(
    tables: list[str],
) -> None:
    table, vector = tf.Variable([[1.0, 2.0]], name="table"), tf.Variable([1.0, 2.0])
    one, two = optimizers.make("adam", 0.01, tables=tables), tf.keras.optimizers.Adam(0.01)
    for gradient in ([1.0, -1.0], [0.0, 0.0]):
        one.apply_gradients([(tf.constant([gradient]), table)])
        two.apply_gradients([(tf.constant(gradient), vector)])
    np.testing.assert_array_equal(table.numpy()[0], vector.numpy())


def rates(steps: int, **options: Any) -> list[float]:
    """Returns the learning rate of each step."""
    optimizer = optimizers.make("adam", 0.5, **options)
    weight = tf.Variable(0.0)
    found = []
    for _ in range(steps):
        found.append(float(optimizer.learning_rate))
        optimizer.apply_gradients([(tf.constant(1.0), weight)])
    return found


def test_a_constant_schedule_stays_at_the_peak_after_its_warmup() -> None:
    assert rates(4, last_step=2) == [0.5] * 4
    assert rates(6, warmup_steps=4, last_step=9) == pytest.approx([0, 0.125, 0.25, 0.375, 0.5, 0.5])


def test_a_cosine_schedule_rises_and_then_falls_to_nothing_at_the_last_step() -> None:
    found = rates(11, schedule="cosine", warmup_steps=2, last_step=10)
    falling = [0.25 * (1 + np.cos(np.pi * step / 8)) for step in range(9)]
    assert found == pytest.approx([0.0, 0.25, *falling], abs=1e-6)
    # Without steps between warmup and end, there is nothing to divide by.
    assert rates(2, schedule="cosine", warmup_steps=5, last_step=5)[1] == pytest.approx(0.1)


def test_a_linear_schedule_falls_to_nothing_in_its_second_half() -> None:
    found = rates(9, schedule="linear", last_step=8)
    assert found == pytest.approx([0.5] * 5 + [0.375, 0.25, 0.125, 0.0])
    warm = rates(4, schedule="linear", warmup_steps=2, last_step=8)
    assert warm == pytest.approx([0.0, 0.25, 0.5, 0.5])


def test_the_decay_of_the_first_moment_can_be_chosen() -> None:
    weight = tf.Variable(0.0)
    optimizer = optimizers.make("adam", 0.1, beta=0.5)
    for gradient in (1.0, -1.0):
        optimizer.apply_gradients([(tf.constant(gradient), weight)])
    # First moments 0.5 and -0.25, of which 0.5 and 0.75 are seen so far; second moments of 1.
    assert float(weight) == pytest.approx(-0.1 * (1.0 - 1 / 3), rel=1e-4)


@pytest.mark.parametrize(("name", "kind"), [("adam", optimizers.Adam), ("muon", optimizers.Muon)])
def test_the_loss_is_scaled_for_float16_only(name: str, kind: type) -> None:
    for dtype in (tf.float32, tf.bfloat16):
        assert type(optimizers.make(name, 0.1, dtype=dtype)) is kind
    scaled = optimizers.make(name, 0.1, dtype=tf.float16)
    assert isinstance(scaled, tf.keras.optimizers.LossScaleOptimizer)
    assert type(scaled.inner_optimizer) is kind
    scaled.build([tf.Variable(0.0)])
    assert float(scaled.dynamic_scale) == 1.0


def test_stairs_fall_by_a_factor_every_few_steps() -> None:
    assert rates(5, schedule="stairs", stairs=(2, 0.5)) == pytest.approx(
        [0.5, 0.5, 0.25, 0.25, 0.125]
    )


def test_sgd_steps_along_the_gradient_and_momentum_also_along_the_steps_before() -> None:
    plain, heavy = tf.Variable(1.0), tf.Variable(1.0)
    one, two = optimizers.make("sgd", 0.1), optimizers.make("momentum", 0.1)
    for _ in range(2):
        one.apply_gradients([(tf.constant(1.0), plain)])
        two.apply_gradients([(tf.constant(1.0), heavy)])
    assert float(plain) == pytest.approx(1 - 0.1 - 0.1)
    # The second step has 0.9 of the first in it.
    assert float(heavy) == pytest.approx(1 - 0.1 - (0.1 + 0.09))
