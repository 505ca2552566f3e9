"""How numbers and durations are written."""

from __future__ import annotations

import pytest

from fastnst import formatting


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (0.0042, "0.0042"),
        (0.01234567, "0.0123"),
        (12.345, "12.3"),
        (999.4, "999"),
        (999.99, "1k"),
        (-1500, "-1.5k"),
        (922_000, "922k"),
        (999_600, "1M"),
        (1_400_000, "1.4M"),
        (25e9, "25G"),
        (1e12, "1T"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_a_number_has_about_three_digits(value: float, expected: str) -> None:
    assert formatting.short(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.4, "0:00"),
        (7, "0:07"),
        (59.6, "1:00"),
        (61, "1:01"),
        (3599.5, "1:00:00"),
        (3725, "1:02:05"),
        (90_000, "25:00:00"),
    ],
)
def test_a_duration_reads_like_a_clock(seconds: float, expected: str) -> None:
    assert formatting.clock(seconds) == expected


def test_one_thing_is_not_plural() -> None:
    found = [formatting.count(number, "photo") for number in (0, 1, 2, 1200)]
    assert found == ["0 photos", "1 photo", "2 photos", "1,200 photos"]
