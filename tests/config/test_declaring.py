"""The declarations of keys."""

from __future__ import annotations

import re

import pytest

from fastnst import config
from fastnst.config import declaring, values


def test_every_number_has_a_maximum_and_values_far_above_are_refused() -> None:
    for key, field in config.FIELDS.items():
        if re.match("int|float", str(field.type)):
            most = field.metadata["maximum"]
            assert values.check(field, most) == most, key
            for more in (most * 10, 10**4000, float("inf"), float("nan")):
                with pytest.raises(ValueError, match=r"is too large|should be a number") as caught:
                    values.check(field, more)
                assert len(str(caught.value)) < 200, key


def test_sizes_steps_and_weights_within_mappings_have_one_too() -> None:
    for key, value in {
        "stages": {declaring.SIDE + 1: 1},
        "style_layers": {"relu1_2": 1e31},
    }.items():
        with pytest.raises(ValueError, match=r"too large|at most"):
            values.check(config.FIELDS[key], value)
    with pytest.raises(ValueError, match="has at most 1,000,000,000 steps"):
        values.check(config.FIELDS["stages"], {64: 10**10})


def test_texts_have_a_greatest_length() -> None:
    assert values.check(config.FIELDS["naming"], "n" * 200) == "n" * 200
    with pytest.raises(ValueError, match="a name has at most 200 characters"):
        values.check(config.FIELDS["naming"], "n" * 201)
    with pytest.raises(ValueError, match="is too long, at most 4096 characters"):
        values.check(config.FIELDS["dataset"], "n" * 5000)


def test_a_default_that_is_a_mapping_is_made_anew_each_time() -> None:
    one, two = (config.Style() for _ in range(2))
    assert one.style_layers == two.style_layers and one.style_layers is not two.style_layers
