"""The history of a run."""

from __future__ import annotations

import json
from pathlib import Path

from fastnst.models import metrics_log

LINES = [{"kind": "training", "step": 10, "total": 1.5}, {"kind": "validation", "step": 20}]


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


def test_strange_separators_do_not_break_a_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    line = {"kind": "training", "step": 1, "note": "a\u2028b\x85c\nd"}
    metrics_log.append(path, line)
    assert metrics_log.read(path) == [line]


def test_pauses_between_runs_do_not_count_as_time_spent() -> None:
    assert metrics_log.seconds_spent([]) == 0
    # 10, 20 and 5 seconds, and hours between.
    times = [100.0, 110.0, 130.0, 30_000.0, 30_005.0]
    assert metrics_log.seconds_spent([{"time": time} for time in times]) == 35.0
