"""The defaults of a task."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from fastnst import events
from fastnst.training import task


class Least(task.Task):
    """Has the methods that every task must have."""

    metric_names = ("loss",)
    variables = ()

    def kept(self) -> dict[str, Any]:
        return {}

    def step(self, batch: Any, step: tf.Tensor) -> events.Metrics:
        return {"loss": tf.constant(0.0)}

    def validate(self) -> task.Judgement:
        return task.Judgement({"loss": 0.0})


def test_a_task_need_not_know_pictures_earlier_releases_or_facts() -> None:
    least = Least()
    assert least.after_step(tf.constant(0, tf.int64)) is None
    assert least.restore_older("step-1") is False
    assert least.about() == {} == least.references()
    judgement = least.validate()
    assert judgement.inputs == () and judgement.outputs == {}
