"""Values of YAML with their locations; test_conf_file.py tests whole files and invalid ones."""

from __future__ import annotations

import pytest

from fastnst.config import nodes


def parse(text: str) -> nodes.Entry:
    return nodes.parse(text, lambda line: f"line {line}", [])


def test_plain_values_are_what_they_look_like() -> None:
    text = "[1, -2.5, 1.0e-5, yes, Off, ~, null, word, '7', 010, 0x1F, 12:30, 2024-01-01, .inf]"
    assert parse(text).value == [
        *(1, -2.5, 1e-5, True, False, None, None),
        *("word", "7", "010", "0x1F", "12:30", "2024-01-01", float("inf")),
    ]
    assert parse("").value is None


def test_a_value_knows_how_it_is_written() -> None:
    items = parse("a: 1.10\nb: 'x'\nc: [1]\n").items
    assert [item.text for item in items.values()] == ["1.10", "x", None]
    assert [item.where for item in items.values()] == ["line 1", "line 2", "line 3"]


def test_a_merge_key_yields_to_the_keys_beside_it_and_the_first_base_wins() -> None:
    text = "[&a {x: 1, y: 1}, &b {y: 2, z: 2}, {<<: [*a, *b], x: 3}]"
    assert parse(text).value[2] == {"x": 3, "y": 1, "z": 2}


def test_numbers_as_keys_stay_numbers() -> None:
    assert parse("{144: 3000, yes: 1}").value == {144: 3000, True: 1}
    assert [*parse("{144: 3000, yes: 1}").items] == ["144", "yes"]


def test_a_cycle_is_too_deep() -> None:
    with pytest.raises(nodes.InvalidError, match="nested more than 20 levels"):
        parse("&a [*a]")


def test_a_value_in_a_message_fills_a_line_at_most() -> None:
    for value in ("x" * 10**6, ["x" * 10**6] * 10**4, 10**4000, {"a": {"b": {"c": [1] * 99}}}):
        assert len(nodes.shown(value)) < 500
    assert nodes.shown("010") == "'010'"
