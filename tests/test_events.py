"""Events: the values that they compute of themselves."""

from __future__ import annotations

import dataclasses

import pytest
import tensorflow as tf

from fastnst import events


def test_something_is_due_every_so_many_steps_and_at_the_end() -> None:
    due = [step for step in range(1, 11) if events.Step(step, 10).due(4)]
    assert due == [4, 8, 10]


def test_the_metrics_of_a_step_are_means_over_the_recent_steps() -> None:
    recent = tuple({"loss": tf.constant(value), "rate": 0.5} for value in (1.0, 2.0, 6.0))
    assert events.Step(3, 10, recent=recent).mean_metrics == {"loss": 3.0, "rate": 0.5}
    assert events.Step(3, 10).mean_metrics == {}


def test_a_step_is_finished_at_the_last_step_and_beyond() -> None:
    assert [events.Step(step, 3).finished for step in (2, 3, 4)] == [False, True, True]


def test_work_that_ends_before_its_last_step_is_interrupted() -> None:
    assert events.Finished(2, 3).interrupted and not events.Finished(3, 3).interrupted


def test_events_cannot_be_changed_by_an_action() -> None:
    for event in (
        events.Started(0, 1),
        events.Step(1, 1),
        events.Judged(1, {}),
        events.Saved(1, "step-1"),
        events.Skipped("a.jpg: blank"),
        events.Finished(1, 1),
    ):
        first = dataclasses.fields(event)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, first, None)
