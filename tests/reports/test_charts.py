"""The parts of a chart; tests/reports/test_page.py reads whole charts from a page."""

from __future__ import annotations

import pytest

from fastnst.reports import charts


def test_runs_of_points_are_replaced_by_their_means_where_there_are_too_many() -> None:
    points = [(float(step), float(step % 2)) for step in range(1000)]
    assert charts.thin(points, 500)[:2] == [(0.5, 0.5), (2.5, 0.5)]
    assert charts.thin(points, 1000) == points


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (1.1e6, 1.4e6, [1e6, 2e6]),
        (3.0, 40.0, [2.0, 5.0, 10.0, 20.0, 50.0]),
        (1.0, 1.0, [1.0, 2.0]),
        (0.0021, 0.009, [0.002, 0.005, 0.01]),
        (999.9999999999999, 1000.0, [500.0, 1000.0]),
    ],
)
def test_value_ticks_are_round_and_enclose_the_values(
    low: float, high: float, ticks: list[float]
) -> None:
    assert charts.log_ticks(low, high) == ticks


def test_step_ticks_are_round_and_few() -> None:
    assert charts.step_ticks(1) == [0, 1]
    assert charts.step_ticks(1200) == [0, 500, 1000]
    assert charts.step_ticks(100_000) == [0, 20_000, 40_000, 60_000, 80_000, 100_000]


def test_each_term_has_a_color_and_a_name_in_the_legend() -> None:
    lines = [
        {"kind": "validation", "step": step, "wave/total": 2.0 * step, "<b>/total": 3.0}
        for step in (1, 2)
    ]
    html = charts.chart("each", lines, ["wave/total", "<b>/total", "none/total"], first=4)
    assert '<span class="term4">wave</span>' in html
    assert '<span class="term5">&lt;b&gt;</span>' in html and "none" not in html
    assert html.count('class="validation term4"') == html.count('class="validation term5"') == 1


def test_there_is_no_chart_without_values() -> None:
    assert charts.chart("total", [{"kind": "start", "step": 0}], ["total"]) == ""
