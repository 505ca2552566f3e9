"""Contenders that run in turn, and the statistics of their times."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import contest


def test_a_ratio_is_the_median_over_the_rounds() -> None:
    slower = contest.Timing((4.0, 2.0, 9.0), 0, 0)
    faster = contest.Timing((2.0, 2.0, 3.0), 0, 0)
    assert contest.ratio(slower, faster) == 2.0
    assert slower.median == 4.0
    assert slower.spread == 3.5
    assert contest.Timing((4.0,), 0, 0).spread == 0


def test_contenders_run_in_turn_in_their_own_processes() -> None:
    def sleeper(seconds: float) -> contest.Contender:
        return contest.Contender(
            "tests.benchmarks.test_contest", "make_sleeper", {"seconds": seconds}
        )

    found = contest.contest({"long": sleeper(0.04), "short": sleeper(0.01)}, rounds=3)
    assert list(found) == ["long", "short"]
    assert [len(timing.seconds) for timing in found.values()] == [3, 3]
    assert contest.ratio(found["long"], found["short"]) > 1.5
    assert 0 < found["long"].footprint <= found["long"].peak


def test_a_failing_contender_raises_an_error_with_its_name_and_reason() -> None:
    broken = contest.Contender("tests.benchmarks.test_contest", "make_broken", {})
    with pytest.raises(RuntimeError, match=r"^mine: .*no such device"):
        contest.contest({"mine": broken}, rounds=1)
    ended = contest.Contender("tests.benchmarks.test_contest", "make_ended", {})
    with pytest.raises(RuntimeError, match=r"^mine: its process ended"):
        contest.contest({"mine": ended}, rounds=1)
    # A contender that is killed during another's turn, as happens when memory runs out.
    killed = contest.Contender("tests.benchmarks.test_contest", "make_killed", {})
    sleeper = contest.Contender("tests.benchmarks.test_contest", "make_sleeper", {"seconds": 0.01})
    with pytest.raises(RuntimeError, match=r"^mine: its process ended"):
        contest.contest({"mine": killed, "other": sleeper}, rounds=2)


def test_photos_are_squares_in_any_number() -> None:
    found = contest.photos(40, 8)
    assert found.shape == (8, 40, 40, 3) and found.dtype == np.uint8
    assert (found[0] != found[1]).any() and (found[0] == found[6]).all()


def test_the_last_line_is_json_with_versions_and_device(capsys: pytest.CaptureFixture[str]) -> None:
    timing = contest.Timing((0.5, 0.25), 10, 20)
    assert contest.finish("mine", timings=contest.as_json({"a": timing})) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["benchmark"] == "mine" and found["threads"] >= 1
    assert found["versions"]["tensorflow"] and found["device"]
    assert found["timings"]["a"] == {
        "median_s": 0.375,
        "spread_s": 0.125,
        "peak_mib": 20,
        "footprint_mib": 10,
    }


def make_sleeper(seconds: float) -> object:
    """A contender."""
    import time

    return lambda: time.sleep(seconds)


def make_killed() -> object:
    """A contender that is killed soon after it has warmed up."""
    import os
    import threading

    def work() -> None:
        threading.Timer(0.2, os._exit, [9]).start()

    return work


def make_broken() -> object:
    """A contender that cannot be built."""
    raise ValueError("no such device")


def make_ended() -> object:
    """A contender whose process is killed."""
    import os

    os._exit(1)
