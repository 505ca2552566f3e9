"""The object that holds a user's choices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastnst import controls, errors


def test_choices_take_precedence_over_defaults_also_if_they_are_0() -> None:
    mask = np.zeros((2, 2))
    defaults = controls.Controls(style="a", strength=0.5, stroke=2, grain=4, masks={"a": mask})
    chosen = controls.Controls(strength=0.0, seed=3).over(defaults)
    assert chosen == controls.Controls("a", 0.0, 2, None, {"a": mask}, 4, 3)
    assert controls.Controls().over(defaults) == defaults
    assert controls.Controls(grain=0).over(defaults).grain == 0


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"stroke": 9}, "^stroke 9: should be auto, or a number from 0.5 to 8$"),
        ({"colors": "red"}, "^colors red: should be style, photo, match, or a number"),
        ({"grain": -1.0}, "^grain -1: should be from 0 to 64 levels$"),
        ({"grain": 65}, "^grain 65: should be"),
        ({"grain": float("nan")}, "^grain nan: should be"),
        ({"seed": -1}, "^seed -1: should be a whole number from 0 to 4294967295$"),
        ({"seed": 2**32}, "^seed 4294967296: should be"),
        ({"masks": {"wave": np.zeros(3)}}, "^mask of wave: should have the shape"),
    ],
)
def test_an_impossible_choice_is_refused_when_it_is_made(
    choices: dict[str, Any], message: str
) -> None:
    with pytest.raises(errors.UserError, match=message):
        controls.Controls(**choices)


def test_the_styles_of_masks_are_known_except_the_photo() -> None:
    masks = {name: np.zeros((2, 2)) for name in ("wave", "photo", "ink:0.5,candy:0.5")}
    assert controls.Controls(masks=masks).masked_styles == ("wave", "ink:0.5,candy:0.5")
    assert controls.Controls().masked_styles == ()
