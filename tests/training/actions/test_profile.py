"""Traces of steps."""

from __future__ import annotations

from pathlib import Path

from fastnst import events
from fastnst.training.actions import profile


def traced(folder: Path) -> list[Path]:
    return list(folder.glob("plugins/profile/*/*.xplane.pb"))


def test_a_profile_traces_so_many_steps_after_the_first_few(tmp_path: Path) -> None:
    action = profile.Profile(tmp_path, steps=2)
    action(events.Started(20, 100))
    for step in range(21, 27):
        action(events.Step(step, 100))
    assert not traced(tmp_path)
    action(events.Step(27, 100))
    assert len(traced(tmp_path)) == 1
    action(events.Step(28, 100))
    assert len(traced(tmp_path)) == 1


def test_a_profile_ends_with_the_run(tmp_path: Path) -> None:
    action = profile.Profile(tmp_path, steps=50)
    action(events.Started(0, 100))
    action(events.Step(5, 100))
    action(events.Step(6, 100, interrupted=True))
    assert len(traced(tmp_path)) == 1


def test_a_run_too_short_for_a_profile_has_none(tmp_path: Path) -> None:
    action = profile.Profile(tmp_path, steps=2)
    action(events.Started(0, 5))
    for step in range(1, 6):
        action(events.Step(step, 5))
    assert not traced(tmp_path)
