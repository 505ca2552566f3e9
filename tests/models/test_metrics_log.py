"""The history of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fastnst.models import metrics_log

LINES = [
    {"kind": "training", "step": 10, "time": 1.0, "total": 1.5},
    {"kind": "validation", "step": 20, "time": 2.0},
]


def test_written_and_appended_entries_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    metrics_log.append(path, LINES[0])
    metrics_log.append(path, LINES[1])
    assert metrics_log.read(path) == LINES
    assert [json.loads(line) for line in path.read_text().splitlines()] == LINES
    metrics_log.write(path, LINES[:1])
    assert metrics_log.read(path) == LINES[:1]
    metrics_log.write(path, [])
    assert metrics_log.read(path) == []


def test_a_run_without_a_log_has_no_history(tmp_path: Path) -> None:
    assert metrics_log.read(tmp_path / "metrics.jsonl") == []


def test_a_line_cut_off_by_a_crash_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    metrics_log.write(path, LINES)
    whole = path.read_text()
    for cut in ('{"kind": "trai', '{"kind": "training", "step": 30', "\0\0\0"):
        path.write_text(whole + cut)
        assert metrics_log.read(path) == LINES


@pytest.mark.parametrize(
    "damaged",
    [
        b"7",
        b"null",
        b"[" * 100_000,
        b'{"kind": "training", "step": 3, "note": "\xff", "time": 1.0}',
        b'{"step": 3, "time": 1.0}',
        b'{"kind": "training", "time": 1.0}',
        b'{"kind": "training", "step": 3}',
        b'{"kind": 3, "step": 3, "time": 1.0}',
        b'{"kind": "training", "step": true, "time": 1.0}',
        b'{"kind": "training", "step": 3, "time": 1e999}',
        b'{"kind": "training", "step": 1' + b"0" * 30 + b', "time": 1.0}',
        b'{"kind": "training", "step": 1' + b"0" * 5000 + b', "time": 1.0}',
    ],
)
def test_damaged_lines_are_left_out_and_counted(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "metrics.jsonl"
    metrics_log.write(path, LINES)
    path.write_bytes(damaged + b"\n" + path.read_bytes())
    said: list[str] = []
    assert metrics_log.read(path, said.append) == LINES
    assert said == [f"{path}: 1 of 3 lines are damaged and left out"]


def test_values_that_are_no_numbers_are_left_out_of_their_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    odd = {"a": None, "b": [1], "c": float("nan"), "d": 10**400, "e": {}}
    path.write_text(json.dumps({**LINES[0], **odd}) + "\n")
    assert metrics_log.read(path) == LINES[:1]


def test_a_folder_in_the_place_of_the_log_is_named(tmp_path: Path) -> None:
    said: list[str] = []
    assert metrics_log.read(tmp_path, said.append) == []
    assert said == [f"{tmp_path}: cannot be read (Is a directory); its history is left out"]


def test_strange_separators_do_not_break_a_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    line = {"kind": "training", "step": 1, "time": 0.0, "note": "a\u2028b\x85c\nd"}
    metrics_log.append(path, line)
    assert metrics_log.read(path) == [line]


def test_pauses_between_runs_do_not_count_as_time_spent() -> None:
    assert metrics_log.seconds_spent([]) == 0
    # 10, 20 and 5 seconds, and hours between.
    times = [100.0, 110.0, 130.0, 30_000.0, 30_005.0]
    assert metrics_log.seconds_spent([{"time": time} for time in times]) == 35.0


def test_a_clock_that_was_set_back_costs_one_interval_and_no_years() -> None:
    # A year back after 10 seconds, then 5 more.
    times = [4e7, 4e7 + 10, 1e7, 1e7 + 5]
    assert metrics_log.seconds_spent([{"time": time} for time in times]) == 15.0
