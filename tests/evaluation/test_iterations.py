"""Comparing a network with the optimization method; test_quality.py does so with real networks."""

from __future__ import annotations

import dataclasses
import math

import pytest

from fastnst.evaluation import iterations


@pytest.mark.parametrize(
    ("goal", "expected"),
    [(120, 0), (100, 0), (90, 0.5), (80, 1), (50, 1.75), (40, 2), (39, math.inf)],
)
def test_equal_iterations_are_interpolated_where_the_curve_reaches_the_goal(
    goal: float, expected: float
) -> None:
    assert iterations.equal_iterations([100.0, 80.0, 40.0, 40.0], goal) == pytest.approx(expected)


def made(scale: float, of_network: float) -> iterations.Assessment:
    curve = [scale * value for value in (10.0, 4.0, 2.0, 1.0)]
    return iterations.Assessment(
        photo="a.jpg",
        of_photo=5.0 * scale,
        of_network=of_network,
        curves={"noise": curve, "photo": [value / 2 for value in curve]},
        figures={"structure": 0.5 * scale},
        pictures={},
    )


def test_the_summary_uses_the_means_and_null_if_the_optimizer_never_gets_there() -> None:
    found = iterations.summary([made(1.0, 3.0), made(3.0, 0.5)])
    assert found["photos"] == 2 and found["steps"] == 3
    assert found["photo"] == {"mean": 10.0, "spread": 5.0}
    assert found["network"] == {"mean": 1.75, "spread": 1.25}
    assert found["optimiser"]["noise"] == {3: {"mean": 2.0, "spread": 1.0}}
    assert found["optimiser"]["photo"] == {3: {"mean": 1.0, "spread": 0.5}}
    # The mean curve from noise is 20, 8, 4, 2; from the photo it is half of that.
    assert found["equal_iterations"] == {"noise": None, "photo": 2.2}
    assert found["equal_iterations_by_photo"] == {"noise": [1.5, None], "photo": [0.7, None]}
    assert found["ratio_to_best"] == 1.75
    assert found["figures"]["structure"] == {"mean": 1.0, "spread": 0.5}


def test_the_summary_of_one_start_covers_only_that_start() -> None:
    one = dataclasses.replace(made(1.0, 3.0), curves={"photo": [5.0, 2.0, 1.0, 0.5]})
    found = iterations.summary([one])
    assert set(found["optimiser"]) == set(found["equal_iterations"]) == {"photo"}
    assert found["ratio_to_best"] == 6.0
