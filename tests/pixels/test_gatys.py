"""Searches at several sizes, on an objective with a known minimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fastnst import events
from fastnst.pixels import descent, gatys

PHOTO = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
STYLE = np.random.default_rng(1).uniform(0, 255, (24, 20, 3)).astype(np.float32)


class Gray:
    """An objective whose minimum is a picture of one gray."""

    def __init__(self, level: float) -> None:
        self._level = level

    def towards(self, content: np.ndarray) -> Any:
        def judge(pictures: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            far = tf.reduce_mean(tf.square(pictures - self._level))
            return far, {"far": far}

        return judge


def test_sizes_double_and_iterations_halve() -> None:
    assert gatys.plan(100, 50) == [gatys.Scale(100, 50)]
    assert gatys.plan(512, 50) == [gatys.Scale(512, 50)]
    assert gatys.plan(1500, 50) == [
        *(gatys.Scale(375, 50), gatys.Scale(750, 25), gatys.Scale(1500, 12)),
    ]
    assert gatys.plan(64, 1, 3) == [gatys.Scale(16, 1), gatys.Scale(32, 1), gatys.Scale(64, 1)]


def test_each_scale_begins_with_the_enlarged_result_of_the_one_before() -> None:
    made: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    seen: list[events.Event] = []

    def make(pixels: np.ndarray, styles: gatys.Styles) -> Any:
        ((style, share),) = styles
        assert share == 2.0 and style.dtype == pixels.dtype == np.float32
        made.append((pixels.shape, style.shape))
        return Gray(50.0)

    result = gatys.stylize(
        PHOTO,
        [(STYLE, 2.0)],
        make,
        lambda pixels: np.full_like(pixels, 200.0),
        gatys.plan(32, 40, 2),
        method="lbfgs",
        show_every=40,
        on_event=seen.append,
    )
    assert made == [((16, 24, 3), (12, 10, 3)), ((32, 48, 3), (24, 20, 3))]
    np.testing.assert_allclose(result.picture, np.full((32, 48, 3), 50.0), atol=0.1)
    totals = [terms["total"] for terms in result.history]
    assert totals[0] == 150.0**2
    # The second scale begins where the first one ended.
    assert max(totals[1:]) < 150.0**2 and totals[-1] < 0.01
    assert result.history[result.iteration]["total"] == result.total
    begun, *others = seen
    assert isinstance(begun, events.Started) and begun.last_step == 60
    steps = [event for event in others if isinstance(event, events.Step)]
    assert [step.step for step in steps] == [*range(1, len(result.history))]
    assert {step.last_step for step in steps} == {60}
    assert seen[-1] == events.Finished(len(steps), 60)
    assert sum(isinstance(event, events.Finished | events.Started) for event in seen) == 2


@pytest.mark.parametrize("at", ["search", "objective"])
def test_ctrl_c_returns_the_result_of_the_scale_that_was_reached(at: str) -> None:
    calls: list[int] = []

    def make(pixels: np.ndarray, styles: gatys.Styles) -> Any:
        calls.append(len(pixels))
        if at == "objective" and len(calls) == 2:
            raise KeyboardInterrupt
        return Gray(50.0)

    def act(event: events.Event) -> None:
        if at == "search" and len(calls) == 2 and isinstance(event, events.Step):
            raise KeyboardInterrupt

    result = gatys.stylize(
        PHOTO,
        [(STYLE, 1.0)],
        make,
        lambda pixels: pixels,
        gatys.plan(32, 4, 2),
        method="adam",
        on_event=act,
    )
    assert result.interrupted and calls == [16, 32]
    assert len(result.picture) == (32 if at == "search" else 16)


def test_ctrl_c_before_the_first_search_has_no_result() -> None:
    def make(pixels: np.ndarray, styles: gatys.Styles) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gatys.stylize(PHOTO, [], make, lambda pixels: pixels, gatys.plan(32, 4))


def test_the_start_is_made_at_the_first_scale_only(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[tuple[int, ...]] = []

    def start(pixels: np.ndarray) -> np.ndarray:
        starts.append(pixels.shape)
        return pixels

    def minimize(objective: object, first: np.ndarray, steps: int, **others: Any) -> Any:
        return descent.Result(first, 1.0, 0, ({"total": 1.0},), False)

    monkeypatch.setattr(descent, "minimize", minimize)

    def make(pixels: np.ndarray, styles: gatys.Styles) -> Any:
        return Gray(0.0)

    gatys.stylize(PHOTO, [], make, start, gatys.plan(32, 4, 2))
    assert starts == [(16, 24, 3)]
