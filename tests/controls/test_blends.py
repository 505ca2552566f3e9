"""Styles, blends and strengths as text."""

from __future__ import annotations

import pytest

from fastnst import errors
from fastnst.controls import blends

NAMES = ("wave", "candy", "mosaic")


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        (None, [1, 0, 0]),
        ("candy", [0, 1, 0]),
        ("wave:0.6,candy:0.4", [0.6, 0.4, 0]),
        (" mosaic:3 , wave:1 ", [0.25, 0, 0.75]),
        ("wave,candy,mosaic:2", [0.25, 0.25, 0.5]),
        ("wave,candy,wave", [2 / 3, 1 / 3, 0]),
        ("candy:1e-3", [0, 1, 0]),
    ],
)
def test_shares_are_scaled_to_a_sum_of_1(text: str | None, shares: list[float]) -> None:
    assert blends.parse(text, NAMES) == pytest.approx(shares)


def test_an_unknown_style_is_an_error_with_the_nearest_and_all_names() -> None:
    expected = r"^no style mosiac; did you mean mosaic\? \(styles: wave, candy, mosaic\)$"
    for text in ("mosiac", "wave:0.5,mosiac:0.5"):
        with pytest.raises(errors.UserError, match=expected):
            blends.parse(text, NAMES)
    for text in ("zzz", ""):
        with pytest.raises(errors.UserError, match=rf"^no style {text} \(styles: wave, candy, mo"):
            blends.parse(text, NAMES)


def test_huge_shares_do_not_overflow() -> None:
    assert blends.parse("a:1e308,b:1e308", ("a", "b")) == [0.5, 0.5]


@pytest.mark.parametrize("share", ["", "0", "-1", "much", "nan", "inf", "1:2"])
def test_a_share_is_a_number_above_0(share: str) -> None:
    with pytest.raises(errors.UserError) as caught:
        blends.parse(f"wave:1,candy:{share}", NAMES)
    assert str(caught.value) == (
        f"style candy:{share}: the share should be a number above 0, as in wave:0.6,candy:0.4"
    )


def test_a_style_may_be_named_like_a_blend() -> None:
    # Folders of before there was a model.json name their style, and they may have any name.
    names = ("a:1,b", "a")
    assert blends.parse("a:1,b", names) == [1, 0]


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 1.5])
def test_without_the_identity_row_only_the_full_strength_is_possible(strength: float) -> None:
    blends.check_strength(strength)
    if strength == 1.0:
        blends.check_strength(strength, identity=False)
        return
    with pytest.raises(errors.UserError, match=rf"^strength {strength:g}: only 1 is possible"):
        blends.check_strength(strength, identity=False)
