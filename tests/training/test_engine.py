"""The loop, with step functions made for the test, and the step that trains a style."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fastnst.losses import perceptual
from fastnst.nets import transform_net
from fastnst.training import checkpoints, engine


def make_state(step: int = 0) -> Any:
    """All of a state that the loop itself needs."""
    return types.SimpleNamespace(
        step=tf.Variable(step, dtype=tf.int64), position=tf.Variable(0, dtype=tf.int64)
    )


def numbers() -> Iterator[tuple[tf.Tensor, int]]:
    """Batches that are the numbers 1, 2, 3, ...; after number n the position is 10 n."""
    number = 0
    while True:
        number += 1
        yield tf.constant(float(number)), 10 * number


def doubled(batch: tf.Tensor) -> dict[str, tf.Tensor]:
    """A step function that has nothing to do with styles."""
    return {"twice": 2 * batch}


def test_jitter_shifts_all_pictures_alike_and_mirrors_what_is_beyond() -> None:
    random = np.random.default_rng(0)
    one, two = (random.uniform(0, 255, (2, 40, 48, 3)).astype(np.float32) for _ in range(2))
    offsets = set()
    for step in range(40):
        shifted = engine.jitter(tf.constant(step, tf.int64), tf.constant(one), tf.constant(two))
        again = engine.jitter(tf.constant(step, tf.int64), tf.constant(one))
        np.testing.assert_array_equal(shifted[0], again[0])
        assert shifted[0].shape == one.shape
        # A quarter of the shorter side is less than 16 pixels.
        margins = ((0, 0), (10, 10), (10, 10), (0, 0))
        padded = [np.pad(each, margins, "reflect") for each in (one, two)]
        (offset,) = (
            (top, left)
            for top in range(21)
            for left in range(21)
            if np.array_equal(padded[0][:, top : top + 40, left : left + 48], shifted[0])
        )
        top, left = offset
        np.testing.assert_array_equal(padded[1][:, top : top + 40, left : left + 48], shifted[1])
        offsets.add(offset)
    assert len(offsets) > 30
    assert {0, 20} <= {top for top, _ in offsets} | {left for _, left in offsets}
    large = tf.random.uniform([1, 200, 200, 3])
    for step in range(8):
        (shifted_large,) = engine.jitter(tf.constant(step, tf.int64), large)
        # What lies in the middle is at most 16 pixels away.
        middle = np.asarray(large)[0, 100, 100]
        rows, columns = np.nonzero((np.asarray(shifted_large)[0] == middle).all(axis=-1))
        assert abs(rows[0] - 100) <= 16 and abs(columns[0] - 100) <= 16


def test_any_step_function_can_be_trained_with() -> None:
    state = make_state()
    seen: list[engine.Progress] = []
    last = engine.train(
        doubled, state, numbers(), last_step=5, batch_size=3, actions=[seen.append], window=2
    )
    assert [progress.step for progress in seen] == [1, 2, 3, 4, 5]
    assert last is seen[-1] and last.finished and not last.interrupted
    assert int(state.step) == 5 and int(state.position) == 50
    # The mean of the last two steps, 2 * 4 and 2 * 5.
    assert last.metrics() == {"twice": 9.0}
    assert seen[0].metrics() == {"twice": 2.0}
    assert last.images_per_second > 0


def test_the_loop_goes_on_from_the_state() -> None:
    state = make_state(step=3)
    seen: list[int] = []
    engine.train(
        doubled,
        state,
        numbers(),
        last_step=5,
        batch_size=1,
        actions=[lambda progress: seen.append(progress.step)],
    )
    assert seen == [4, 5]


def test_all_actions_are_called_in_turn_after_the_state_was_advanced() -> None:
    state = make_state()
    calls: list[tuple[str, int]] = []
    engine.train(
        doubled,
        state,
        numbers(),
        last_step=2,
        batch_size=1,
        actions=[
            lambda progress: calls.append(("first", int(state.step))),
            lambda progress: calls.append(("second", int(state.position))),
        ],
    )
    assert calls == [("first", 1), ("second", 10), ("first", 2), ("second", 20)]


def test_should_stop_ends_the_run_after_the_step_and_the_actions_are_told() -> None:
    state = make_state()
    seen: list[engine.Progress] = []
    last = engine.train(
        doubled,
        state,
        numbers(),
        last_step=100,
        batch_size=1,
        actions=[seen.append],
        should_stop=lambda: int(state.step) >= 3,
    )
    assert last.step == 3 and last.interrupted and not last.finished
    assert [progress.interrupted for progress in seen] == [False, False, True]


def test_a_run_stopped_at_its_last_step_is_finished_and_not_interrupted() -> None:
    last = engine.train(
        doubled,
        make_state(),
        numbers(),
        last_step=2,
        batch_size=1,
        actions=[],
        should_stop=lambda: True,
    )
    assert last.step == 1 and last.interrupted
    last = engine.train(
        doubled,
        make_state(step=1),
        numbers(),
        last_step=2,
        batch_size=1,
        actions=[],
        should_stop=lambda: True,
    )
    assert last.finished and not last.interrupted


def test_an_action_that_raises_ends_the_run() -> None:
    state = make_state()

    def fail(progress: engine.Progress) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        engine.train(doubled, state, numbers(), last_step=9, batch_size=1, actions=[fail])
    assert int(state.step) == 1


def test_things_are_due_every_so_many_steps_and_at_the_end() -> None:
    def due(step: int) -> bool:
        return engine.Progress(step, 10, 1.0, False, ()).due(4)

    assert [step for step in range(1, 11) if due(step)] == [4, 8, 10]


def test_the_rate_counts_the_photos_of_a_batch() -> None:
    def rate(batch_size: int) -> float:
        clock = iter(float(tick) for tick in range(100))
        with pytest.MonkeyPatch.context() as patch:
            # Each reading of the clock is a second after the one before: a step takes one.
            patch.setattr(engine.time, "perf_counter", lambda: next(clock))
            return engine.train(
                doubled, make_state(), numbers(), last_step=3, batch_size=batch_size, actions=[]
            ).images_per_second

    assert rate(1) == 1.0
    assert rate(8) == 8.0


Training = tuple[checkpoints.State, engine.StepFunction]


@pytest.fixture(scope="module")
def training(objective: perceptual.PerceptualLoss) -> Training:
    """A tiny network in training."""
    net, average = (
        transform_net.TransformNet(transform_net.Architecture(width=4, residual_blocks=1))
        for _ in range(2)
    )
    optimizer = tf.keras.optimizers.Adam(1e-3)
    optimizer.build(net.trainable_variables)
    state = checkpoints.State.new(net, average, optimizer)
    return state, engine.make_train_step(state, objective, tf.distribute.get_strategy())


def test_a_step_reaches_every_variable_and_reports_every_term(
    training: Training, photo: Callable[..., np.ndarray]
) -> None:
    state, step = training
    before, steps = state.net.tensors(), int(state.optimizer.iterations)
    terms = step(tf.constant(np.stack([photo(32, 32, seed) for seed in (1, 2)]), tf.float32))
    after = state.net.tensors()
    assert len(after) == len(state.net.trainable_variables)
    assert [name for name in after if np.array_equal(before[name], after[name])] == []
    assert int(state.optimizer.iterations) == steps + 1
    assert set(terms) == {
        "learning_rate",
        "total",
        "content",
        "style",
        "tv",
        "unweighted/content",
        "unweighted/style",
        "unweighted/tv",
        "layers/content/relu2_2",
        "layers/style/relu1_2",
        "layers/style/relu2_2",
    }
    assert float(terms["learning_rate"]) == pytest.approx(1e-3)
    parts = sum(float(terms[name]) for name in ("content", "style", "tv"))
    assert float(terms["total"]) == pytest.approx(parts, rel=1e-5)


@pytest.mark.parametrize("decay", [0.0, 0.15, 0.9])
def test_the_average_follows_the_weights_faster_at_first(
    objective: perceptual.PerceptualLoss, photo: Callable[..., np.ndarray], decay: float
) -> None:
    architecture = transform_net.Architecture(width=4, residual_blocks=0)
    net, average = (transform_net.TransformNet(architecture) for _ in range(2))
    optimizer = tf.keras.optimizers.Adam(1e-3)
    optimizer.build(net.trainable_variables)
    state = checkpoints.State.new(net, average, optimizer)
    step = engine.make_train_step(state, objective, tf.distribute.get_strategy(), average=decay)
    expected = average.tensors()["conv1/kernel"]
    for done in (1, 2, 3):
        step(tf.constant(photo(32, 32)[np.newaxis], tf.float32))
        state.step.assign(done)
        weight = min(decay, (1 + done) / (10 + done))
        expected = weight * expected + (1 - weight) * net.tensors()["conv1/kernel"]
        found = average.tensors()["conv1/kernel"]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    assert np.array_equal(found, net.tensors()["conv1/kernel"]) == (decay == 0.0)


def test_steps_lower_the_objective(training: Training, photo: Callable[..., np.ndarray]) -> None:
    _, step = training
    batch = tf.constant(np.stack([photo(32, 32, seed) for seed in (1, 2)]), tf.float32)
    totals = [float(step(batch)["total"]) for _ in range(30)]
    assert totals[-1] < 0.9 * totals[0]
