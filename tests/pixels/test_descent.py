"""The minimizer, on objectives with known minima."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy import optimize

from fastnst import errors, events
from fastnst.pixels import descent

START = np.random.default_rng(0).uniform(0, 255, (5, 4, 3)).astype(np.float32)
# Partly out of reach, because pixels stay in 0..255.
TARGET = np.random.default_rng(1).uniform(-100, 355, (5, 4, 3)).astype(np.float32)


def bowl(pictures: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """A quadratic bowl that is steeper along some axes than along others."""
    slopes = tf.reshape(tf.range(1.0, 61.0), [5, 4, 3])
    near = tf.reduce_sum(slopes * tf.square(pictures[0] - TARGET))
    far = tf.constant(7.0)
    return near + far, {"near": near, "far": far}


@pytest.mark.parametrize("method", descent.METHODS)
def test_it_finds_the_minimum_between_0_and_255(method: str) -> None:
    result = descent.minimize(bowl, START, 400, method=method)
    np.testing.assert_allclose(result.picture, np.clip(TARGET, 0, 255), atol=0.05)
    assert result.picture.dtype == np.float32
    assert not result.interrupted


@pytest.mark.parametrize("method", descent.METHODS)
def test_the_history_covers_the_start_and_every_iteration(method: str) -> None:
    seen: list[events.Event] = []
    result = descent.minimize(bowl, START, 8, method=method, show_every=4, on_event=seen.append)
    assert seen[0] == events.Started(0, 8, ("total", "near", "far"), items="iterations")
    assert seen[-1] == events.Finished(8, 8)
    steps = [event for event in seen if isinstance(event, events.Step)]
    assert [(step.step, step.last_step) for step in steps] == [(i, 8) for i in range(1, 9)]
    assert len(result.history) == 9
    assert result.history[0]["total"] == pytest.approx(float(bowl(START[np.newaxis])[0]), rel=1e-5)
    for step, recorded in zip(steps, result.history[1:], strict=True):
        assert step.mean_metrics == recorded and set(recorded) == {"total", "near", "far"}
    shown = [event for event in seen if isinstance(event, events.Judged)]
    assert [event.step for event in shown] == [4, 8]
    for event in shown:
        (picture,) = event.outputs["picture"]
        assert picture.shape == START.shape and picture.dtype == np.uint8
        assert event.metrics == result.history[event.step]
    assert result.history[-1]["total"] < result.history[0]["total"]


@pytest.mark.parametrize("method", descent.METHODS)
def test_improvements_are_shown_when_asked(method: str) -> None:
    shown: list[events.Judged] = []

    def act(event: events.Event) -> None:
        if isinstance(event, events.Judged):
            shown.append(event)

    result = descent.minimize(
        bowl, START, 30, method=method, show_improvements=True, learning_rate=90, on_event=act
    )
    totals = [terms["total"] for terms in result.history]
    better = [i for i in range(1, len(totals)) if totals[i] < min(totals[:i])]
    assert [event.step for event in shown] == better
    assert shown[-1].step == result.iteration and 0 < len(better) <= 30


@pytest.mark.parametrize("method", descent.METHODS)
def test_the_same_start_gives_the_same_picture(method: str) -> None:
    first, second = (descent.minimize(bowl, START, 5, method=method) for _ in range(2))
    np.testing.assert_array_equal(first.picture, second.picture)


def test_adam_takes_the_steps_of_the_paper() -> None:
    def square(pictures: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        return tf.reduce_sum(tf.square(pictures)) / 2, {}

    start = np.full((1, 1, 3), 100.0, np.float32)
    found = descent.minimize(square, start, 2, method="adam", learning_rate=30.0)
    # Of three equal pixels x the total is 3 x^2 / 2.
    path = [(2 * terms["total"] / 3) ** 0.5 for terms in found.history]
    # The gradient equals the pixel. After bias correction, the first moments are the gradient and
    # its square, so the first step is the learning rate. The second uses gradients 100 and 70:
    mean = (0.9 * 0.1 * 100 + 0.1 * 70) / (1 - 0.9**2)
    square_mean = (0.999 * 0.001 * 100**2 + 0.001 * 70**2) / (1 - 0.999**2)
    assert path == pytest.approx([100.0, 70.0, 70.0 - 30.0 * mean / square_mean**0.5], rel=1e-5)


def test_the_best_picture_is_kept_if_later_ones_are_worse() -> None:
    def valley(pictures: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        return tf.reduce_sum(tf.square(pictures - 100)), {}

    start = np.full((1, 1, 3), 70.0, np.float32)
    # The first step ends at 98; its momentum carries the next ones beyond 100.
    result = descent.minimize(valley, start, 3, method="adam", learning_rate=28.0)
    assert [round(terms["total"]) for terms in result.history[:2]] == [3 * 30**2, 3 * 2**2]
    assert len(result.history) == 4
    assert result.iteration == 1
    assert result.total == pytest.approx(12.0, rel=1e-4)
    np.testing.assert_allclose(result.picture, 98.0, rtol=1e-5)


@pytest.mark.parametrize("method", descent.METHODS)
def test_ctrl_c_returns_the_best_picture_so_far(method: str) -> None:
    def stop(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 4:
            raise KeyboardInterrupt

    result = descent.minimize(bowl, START, 100, method=method, on_event=stop)
    assert result.interrupted
    assert len(result.history) == 5
    uninterrupted = descent.minimize(bowl, START, 4, method=method)
    np.testing.assert_array_equal(result.picture, uninterrupted.picture)


def test_lbfgs_is_restarted_if_it_gives_up_before_the_last_iteration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = optimize.minimize
    asked: list[int] = []

    def giving_up(*arguments: Any, options: dict[str, Any], **others: Any) -> object:
        asked.append(options["maxiter"])
        fewer = options | {"maxiter": min(options["maxiter"], 3)}
        return whole(*arguments, options=fewer, **others)

    monkeypatch.setattr(optimize, "minimize", giving_up)
    result = descent.minimize(bowl, START, 8)
    assert asked == [8, 5, 2]
    assert len(result.history) == 9


def test_lbfgs_stops_at_a_minimum() -> None:
    bottom = np.clip(TARGET, 0, 255)
    result = descent.minimize(bowl, bottom, 50)
    assert len(result.history) < 50
    assert not result.interrupted
    np.testing.assert_allclose(result.picture, bottom, atol=1e-3)


def test_lbfgs_needs_far_fewer_iterations_than_adam() -> None:
    totals = {
        method: descent.minimize(bowl, START, 40, method=method).total for method in descent.METHODS
    }
    lowest = float(bowl(np.clip(TARGET, 0, 255)[np.newaxis])[0])
    assert totals["lbfgs"] - lowest < 0.01 * (totals["adam"] - lowest)


def test_without_scipy_lbfgs_raises_an_error_and_adam_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(
        errors.UserError, match=r"needs SciPy; run `pip install scipy`, or use --method adam"
    ):
        descent.minimize(bowl, START, 2)
    assert len(descent.minimize(bowl, START, 2, method="adam").history) == 3


def test_an_objective_that_is_not_finite_raises_an_error_before_the_search() -> None:
    def infinite(pictures: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        return tf.reduce_sum(pictures) * np.float32(3e38), {}

    with pytest.raises(errors.UserError, match="initial picture is inf; choose smaller weights"):
        descent.minimize(infinite, START, 2)


def test_a_picture_too_large_for_memory_raises_an_error() -> None:
    def hungry(picture: tf.Tensor) -> tf.Tensor:
        raise MemoryError

    def objective(pictures: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        return tf.py_function(hungry, [pictures], tf.float32), {}

    with pytest.raises(errors.UserError, match="out of memory at 4 x 5 px; choose a smaller"):
        descent.minimize(objective, START, 2)


def test_an_unknown_method_raises_a_value_error() -> None:
    with pytest.raises(ValueError, match="unknown method 'sgd'; choose one of lbfgs, adam"):
        descent.minimize(bowl, START, 2, method="sgd")
