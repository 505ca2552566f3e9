"""The progress of a training run: plain lines here, a bar in a terminal (see test_train.py)."""

from __future__ import annotations

import os
from typing import Any

import pytest
import tensorflow as tf

from fastnst import events
from fastnst.cli import progress

NAMES = ("total", "content", "style", "tv")


def at(step: int, total: float = 1234567.0) -> events.Step:
    metrics: Any = {
        "learning_rate": tf.constant(1e-3),
        "total": tf.constant(total),
        "content": tf.constant(1234.5),
        "style": tf.constant(12.25),
        "tv": tf.constant(0.0),
        "layers/style/relu1_2": tf.constant(5.0),
    }
    return events.Step(step, 20, 8.04, recent=(metrics,))


def make(start_step: int, names: tuple[str, ...] = NAMES) -> progress.Progress:
    """A display of a run that has just started, which looks at every second step."""
    display = progress.Progress("step", every=2)
    display(events.Started(start_step, 20, names, items="images"))
    return display


class Clock:
    """Stands for the time module; the test moves the hands."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock for the progress."""
    hands = Clock()
    monkeypatch.setattr(progress, "time", hands)
    return hands


def test_without_a_terminal_a_line_comes_every_few_seconds_and_at_the_end(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with make(10) as display:
        for step in range(11, 21):
            clock.now += 2.0
            display(at(step))
    output, error = capsys.readouterr()
    assert output == ""
    # Two seconds a step, a line after five at the earliest: after 3, 6 and 9 steps.
    terms = "total 1.23M  content 1.23k  style 12.2  tv 0  8.0 images/s"
    assert error.splitlines() == [
        f"step 13/20  {terms}  0:14 left",
        f"step 16/20  {terms}  0:08 left",
        f"step 19/20  {terms}  0:02 left",
        f"step 20/20  {terms}  0:00 left",
    ]


def test_metrics_are_not_waited_for_between_lines(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = make(0)
    # Metrics that cannot be read: nobody must look at them yet.
    unread: Any = ({"total": None},)
    display(events.Step(1, 20, 8.0, recent=unread))
    assert capsys.readouterr().err == ""


def test_the_first_step_is_left_out_of_the_estimate_because_it_takes_long(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = make(0)
    clock.now += 60.0
    display(at(1))
    assert capsys.readouterr().err.splitlines()[0].endswith("8.0 images/s")
    for step in (2, 3, 4):
        clock.now += 2.0
        display(at(step))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("step 4/20") and line.endswith("  0:32 left")


def test_the_metrics_of_the_task_are_shown_without_those_of_each_series(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = progress.Progress("iteration", every=2)
    # The slope is judged in validations only.
    display(events.Started(0, 1, ("loss", "slope", "line/loss"), items="points"))
    recent = ({"loss": 0.25, "line/loss": 4.0},)
    display(events.Step(1, 1, 9.0, recent=recent))
    assert capsys.readouterr().err == "iteration 1/1  loss 0.25  9.0 points/s\n"


def test_skipped_items_are_named_at_once(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    display = make(0)
    display(events.Skipped("a.jpg: not an image"))
    assert capsys.readouterr().err == "skipped a.jpg: not an image\n"


def test_a_validation_and_a_rewind_are_told_at_once(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = make(0)
    display(events.Judged(3, {"total": 1234.0, "style": 2.0, "layers/style/relu1_2": 5.0}))
    display(events.Rewound(2, "the loss became NaN"))
    display(events.Started(2, 20, NAMES, items="images"))
    display(at(3))
    assert capsys.readouterr().err.splitlines() == [
        "validation at step 3  total 1.23k  style 2",
        "going back to step 2: the loss became NaN",
    ]


@pytest.mark.parametrize(("columns", "shown"), [(64, 1), (80, 2), (120, 4)])
def test_in_a_narrow_terminal_the_bar_keeps_its_length_and_the_rate_stays(
    monkeypatch: pytest.MonkeyPatch, columns: int, shown: int
) -> None:
    monkeypatch.setattr(
        progress.os, "get_terminal_size", lambda *descriptor: os.terminal_size((columns, 24))
    )
    display = make(0)
    terms = ("total 1.23M", "content 1.23k", "style 12.2", "tv 0")
    expected = "  ".join([*terms[:shown], "8.0 images/s"])
    # The counters and times at their longest, the bar of ten, and the metrics after a comma.
    line = f"20/20 {'#' * 10} 10:00:00<10:00:00, {expected}"
    assert display._metrics(at(3), display._room(at(3))) == expected
    assert len(line) <= columns


def test_other_events_show_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    display = make(0)
    for event in (events.Judged(1, {}), events.Saved(1, "step-1"), events.Finished(1, 20)):
        display(event)
    assert capsys.readouterr() == ("", "")


def test_a_display_that_never_started_closes_silently(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Progress("step", every=2):
        pass
    assert capsys.readouterr() == ("", "")
