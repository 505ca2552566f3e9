"""Values that change over a video."""

from __future__ import annotations

import pytest

from fastnst import errors
from fastnst.video import keyframes


def parse(text: str) -> keyframes.Keyframes:
    return keyframes.parse(text, "--strength", 1.5)


def test_a_number_holds_all_the_time() -> None:
    value = parse("0.8")
    assert [value(seconds) for seconds in (0, 3, 1e6)] == [0.8] * 3


def test_values_are_linear_between_their_times_and_constant_beyond() -> None:
    value = parse("1:0, 3s:1,4:0.5")
    assert [value(seconds) for seconds in (0, 1, 1.5, 3, 3.5, 4, 9)] == pytest.approx(
        [0, 0, 0.25, 1, 0.75, 0.5, 0.5]
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("much", "--strength much: should be a number"),
        ("0:1,1", "should be a number, such as 0.8, or seconds and values"),
        ("-1:1,2:1", "should be a number"),
        ("2:1,1:0", "the times should increase, but 1 follows 2"),
        ("0:1,1:1.6", "--strength 1.6: should be from 0 to 1.5"),
        ("nan", "--strength nan: should be from 0 to 1.5"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(errors.UserError, match=message):
        parse(text)
