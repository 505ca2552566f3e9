"""Charts of metrics: ticks, thinning and positions, compared with values derived by hand."""

from __future__ import annotations

import re

import pytest

from fastnst.reports import charts


def line(kind: str, step: int, **metrics: float) -> dict[str, object]:
    return {"kind": kind, "step": step, **metrics}


def test_many_points_are_thinned_to_means() -> None:
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


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (-3.0, 4.0, [-4.0, -2.0, 0.0, 2.0, 4.0]),
        (0.011, 0.03, [0.01, 0.015, 0.02, 0.025, 0.03]),
        (0.0, 1200.0, [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0, 1200.0]),
        (-7.0, -7.0, [-8.0, -6.0]),
        (0.0, 0.0, [0.0, 0.2]),
    ],
)
def test_linear_ticks_are_round_and_enclose_the_values(
    low: float, high: float, ticks: list[float]
) -> None:
    assert charts.linear_ticks(low, high) == pytest.approx(ticks)


def test_step_ticks_are_round_and_few() -> None:
    assert charts.step_ticks(1) == [0, 1]
    assert charts.step_ticks(1200) == [0, 500, 1000]
    assert charts.step_ticks(100_000) == [0, 20_000, 40_000, 60_000, 80_000, 100_000]


def test_steps_run_linearly_to_the_right_and_values_logarithmically_upwards() -> None:
    axes = charts.Axes(last_step=100, low=1.0, high=100.0)
    assert [axes.x(step) for step in (0, 50, 100)] == [50.0, 285.0, 520.0]
    assert [axes.y(value) for value in (1.0, 10.0, 100.0)] == [290.0, 150.0, 10.0]


def test_values_below_zero_are_drawn_on_a_linear_axis() -> None:
    axes = charts.Axes(last_step=100, low=-10.0, high=10.0, logarithmic=False)
    assert [axes.y(value) for value in (-10.0, 0.0, 10.0)] == [290.0, 150.0, 10.0]
    metrics = [line("training", step, activity=step - 2.0) for step in range(1, 4)]
    assert charts.chart("Activity", metrics, ["activity"], logarithmic=False).count("<circle") == 3
    # A logarithmic axis has room only for the last one.
    assert charts.chart("Activity", metrics, ["activity"]).count("<circle") == 1


def test_each_metric_has_the_color_of_its_place_and_a_name_in_the_legend() -> None:
    metrics = [line("training", 1, content=2.0, tv=3.0), line("validation", 1, content=2.0)]
    drawn = charts.chart("Terms", metrics, ["content", "style", "tv"], first=1)
    assert re.findall(r'<g class="(\w+ \w+)">', drawn) == [
        "training term1",
        "training term3",
        "validation term1",
    ]
    # No value of the style, so no name in the legend.
    assert re.findall(r'<span class="(\w+)">(\w+)</span>', drawn) == [
        ("term1", "content"),
        ("term3", "tv"),
    ]


def test_the_legend_of_a_series_shows_its_name_alone() -> None:
    metrics = [line("validation", 1, **{"wave/total": 2.0, "candy/total": 3.0})]
    drawn = charts.chart("Total, individually", metrics, ["wave/total", "candy/total"], first=4)
    assert re.findall(r'<span class="(\w+)">(\w+)</span>', drawn) == [
        ("term4", "wave"),
        ("term5", "candy"),
    ]


def test_without_values_there_is_no_chart() -> None:
    assert charts.chart("Total", [], ["total"]) == ""
    assert charts.chart("Total", [line("validation", 1, total=0.0)], ["total"]) == ""
