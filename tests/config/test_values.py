"""Single values of a conf file; test_loading.py tests how files are read and reported."""

from __future__ import annotations

from typing import Any

import pytest

from fastnst import config
from fastnst.config import values


def check(key: str, value: Any) -> Any:
    return values.check(config.FIELDS[key], value)


def refusal(key: str, value: Any) -> str:
    with pytest.raises(ValueError) as caught:
        check(key, value)
    return str(caught.value)


def test_a_value_becomes_what_its_key_holds() -> None:
    assert check("learning_rate", "1e-4") == 1e-4
    assert check("max_steps", 1e5) == 100_000 and isinstance(check("max_steps", 1e5), int)
    assert check("max_steps", None) is None
    assert check("xla", True) == "on"
    assert check("identity", False) == "off"
    assert check("width", "48") == 48
    assert check("width", None) is None
    assert check("naming", 2026) == "2026"
    assert check("style_layers", "relu1_2") == {"relu1_2": 1.0}
    assert check("style_layers", {"vgg_16/conv4/conv4_2": "2"}) == {"relu4_2": 2.0}


def test_a_number_may_be_left_to_be_found() -> None:
    assert check("style_weight", "auto") == "auto"
    assert check("style_weight", "1e2") == 100.0
    assert refusal("style_weight", "automatic") == "should be a number, found 'automatic' (or auto)"
    assert refusal("strength", "auto") == "should be a number, found 'auto'"


def test_stages_are_sizes_and_their_steps_in_order() -> None:
    assert check("stages", {}) == {}
    stages = check("stages", {192: "1e3", 128: 500})
    assert list(stages.items()) == [(192, 1000), (128, 500)]
    assert refusal("stages", [144, 3000]).startswith("should be a mapping of size to steps, found")
    assert refusal("stages", {8: 100}).startswith("8: 100 is too small; a size is at least 16")
    assert refusal("stages", {128: 0}).startswith("128: 0 is too small")
    assert refusal("stages", {"small": 10}) == "should be a number, found 'small'"


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("max_steps", 1.5, "should be a whole number, found 1.5"),
        ("max_steps", float("nan"), "should be a number, found nan"),
        ("width", 2, "2 is too small, should be at least 4"),
        (
            "recipe",
            "cpus",
            "'cpus' is not one of auto, cpu, gpu, original, quick; did you",
        ),
        ("identity", "yes", "'yes' is not one of auto, on, off"),
        ("average", 1.0, "1.0 is too large, should be at most 0.99999"),
        ("output_norm", 1, "should be true or false, found 1"),
        ("model_path", "a\0b", "'a\\x00b' contains NUL or half of a surrogate pair"),
        ("start_from", "a\ud800b", "'a\\ud800b' contains NUL or half of a surrogate pair"),
        ("style_layers", {}, "should be a list of layers, or a mapping of layer to weight"),
        ("style_layers", ["relu2_3"], "no layer relu2_3; layers are relu1_2, "),
        ("style_layers", ["relu1_2", "vgg_16/conv1/conv1_2"], "layer relu1_2 is named twice"),
        ("style_layers", {"relu1_2": -1}, "the weight of relu1_2 is -1, should be at least 0"),
    ],
)
def test_what_is_not_allowed_is_told(key: str, value: Any, reason: str) -> None:
    assert refusal(key, value).startswith(reason)
