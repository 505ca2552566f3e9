"""The load test of the service."""

from __future__ import annotations

import pytest

from benchmarks import serve


def test_latencies_are_those_of_photos_and_other_answers_are_refusals() -> None:
    lines = [f"200 {hundredth / 100}" for hundredth in range(101)] + ["429 9.0", "503 60.0"]
    found = serve._latencies(lines)
    assert found["median_s"] == pytest.approx(0.5)
    assert found["percentile_95_s"] == pytest.approx(0.95)
    assert found["refused"] == pytest.approx(2 / 103)


def test_photos_of_the_long_run_have_one_size_or_100() -> None:
    one, many = serve._long_sizes(256).values()
    assert one == [(256, 256)]
    assert len(set(many)) == 100 and max(many) == (260, 260)
