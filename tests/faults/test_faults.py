"""The short form of the table of faults; `python -m tests.faults` prints the whole one."""

from __future__ import annotations

import signal
from pathlib import Path

import faults
import pytest

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> faults.Bench:
    """Trainings of some steps, with an undisturbed one to compare with."""
    return faults.Bench(tmp_path_factory.mktemp("faults") / "bench", steps=40)


def check(row: faults.Row) -> None:
    assert row.passed, f"{row.fault}, {row.times} times: {row.lost} steps lost, {row.outcome}"


@pytest.mark.parametrize(
    ("moment", "times"), [("between", 3), ("checkpoint", 2), ("validation", 1)]
)
def test_a_killed_training_resumes_to_the_same_bits(
    bench: faults.Bench, moment: str, times: int
) -> None:
    check(faults.kills(bench, moment, times))


@pytest.mark.parametrize(("task", "steps"), [("translation", 24), ("classification", 80)])
def test_a_killed_training_of_another_task_resumes_to_the_same_bits(
    tmp_path: Path, task: str, steps: int
) -> None:
    bench = faults.Bench(tmp_path / "bench", steps, task=task)
    for moment in ("between", "checkpoint"):
        check(faults.kills(bench, moment, 1))


def test_a_training_whose_connection_is_lost_saves_and_loses_no_step(bench: faults.Bench) -> None:
    for row in faults.signals(bench, [(signal.SIGHUP, 129)]):
        check(row)


def test_a_training_that_may_not_write_ends_in_one_line(bench: faults.Bench) -> None:
    check(faults.limit(bench))


def test_a_second_process_is_refused(bench: faults.Bench) -> None:
    check(faults.two_processes(bench))


def test_damaged_files_are_told_and_left_out_or_refused(bench: faults.Bench) -> None:
    for row in faults.damages(bench, most=2):
        check(row)


def test_time_does_not_run_backward_in_the_report(bench: faults.Bench) -> None:
    check(faults.clock(bench))
