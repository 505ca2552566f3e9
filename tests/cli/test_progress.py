"""The progress of a training run: plain lines here, a bar in a terminal (see test_train.py)."""

from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf

from fastnst.cli import progress
from fastnst.training import engine


def at(step: int, total: float = 1234567.0) -> engine.Progress:
    metrics: Any = {
        "learning_rate": tf.constant(1e-3),
        "total": tf.constant(total),
        "content": tf.constant(1234.5),
        "style": tf.constant(12.25),
        "tv": tf.constant(0.0),
        "layers/style/relu1_2": tf.constant(5.0),
    }
    return engine.Progress(step, 20, 8.04, False, (metrics,))


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


def test_where_stderr_is_no_terminal_a_line_comes_every_few_seconds_and_at_the_end(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = progress.TrainingProgress(start_step=10, last_step=20, every=2)
    for step in range(11, 21):
        clock.now += 2.0
        display(at(step))
    display.close()
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


def test_the_losses_are_not_waited_for_between_lines(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = progress.TrainingProgress(start_step=0, last_step=20, every=2)
    # Metrics that cannot be read: nobody must look at them yet.
    unread: Any = ({"total": None},)
    display(engine.Progress(1, 20, 8.0, False, unread))
    assert capsys.readouterr().err == ""


def test_the_first_step_which_takes_long_is_left_out_of_the_estimate(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = progress.TrainingProgress(start_step=0, last_step=20, every=2)
    clock.now += 60.0
    display(at(1))
    assert capsys.readouterr().err.splitlines()[0].endswith("8.0 images/s")
    for step in (2, 3, 4):
        clock.now += 2.0
        display(at(step))
    display.close()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("step 4/20") and line.endswith("  0:32 left")
