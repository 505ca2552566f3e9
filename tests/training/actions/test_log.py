"""The history of a run. A whole run's is read in training/test_engine.py and cli/test_train.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fastnst import events
from fastnst.models import metrics_log
from fastnst.training.actions import log


def step(number: int, last_step: int = 100, **metrics: float) -> events.Step:
    return events.Step(number, last_step, 12.3456, recent=(metrics,))


def untimed(line: dict[str, Any]) -> dict[str, Any]:
    assert line.pop("time") > 0
    return line


def test_lines_after_the_step_to_resume_from_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = [
        {"kind": "training", "step": step, "time": float(step), "images_per_second": 1.0}
        for step in (2, 4, 6, 8)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"kind": "trai')
    action = log.Log(path, every=2)
    assert len(path.read_text().splitlines()) == 5
    action(events.Started(4, 100, about={"photos": 9}, items="images"))
    *earlier, start = metrics_log.read(path)
    assert earlier == lines[:2]
    assert untimed(start) == {"kind": "start", "step": 4, "photos": 9}
    action(step(5, total=3.0))
    action(step(6, total=3.0))
    action(events.Judged(6, {"total": 2.5, "style": 0.25}))
    *_, training, validation = metrics_log.read(path)
    assert len(metrics_log.read(path)) == 5
    assert untimed(training) == {
        "kind": "training",
        "step": 6,
        "images_per_second": 12.346,
        "total": 3.0,
    }
    assert untimed(validation) == {"kind": "validation", "step": 6, "total": 2.5, "style": 0.25}


def test_the_last_step_is_logged_whether_due_or_not(tmp_path: Path) -> None:
    action = log.Log(tmp_path / "metrics.jsonl", every=10)
    for number in (10, 11, 12, 13):
        action(step(number, last_step=13))
    assert [line["step"] for line in metrics_log.read(tmp_path / "metrics.jsonl")] == [10, 13]


@pytest.mark.parametrize(
    "event", [events.Saved(3, "step-3"), events.Skipped("a.jpg: blank"), events.Finished(3, 3)]
)
def test_other_events_leave_no_line(tmp_path: Path, event: events.Event) -> None:
    log.Log(tmp_path / "metrics.jsonl", every=1)(event)
    assert not list(tmp_path.iterdir())
