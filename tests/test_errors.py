"""What the messages of errors may contain."""

from __future__ import annotations

import pytest

from fastnst import errors


def test_messages_escape_control_characters_but_keep_their_lines() -> None:
    error = errors.UserError("a\x1b[2J.jpg: no photo\n\u202egnp.b: caf\xe9 \U0001f5bc is one")
    assert str(error) == "a\\x1b[2J.jpg: no photo\n\\u202egnp.b: caf\xe9 \U0001f5bc is one"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{function_node __f}} shapes differ [Op:Conv2D] name: ", "shapes differ"),
        ("Graph execution error:\n\nDetected at node x\n\nout of memory", "out of memory"),
        ("no such\x00 key", "no such key"),
        ("", "ValueError"),
    ],
)
def test_the_reason_is_one_line_without_tensorflows_names(text: str, expected: str) -> None:
    assert errors.reason(ValueError(text)).strip() == expected


def test_the_nearest_word_is_suggested() -> None:
    assert errors.did_you_mean("wawe", ["wave", "candy"]) == "; did you mean wave?"
    shown = {"wave": "--style wave"}
    assert errors.did_you_mean("wawe", ["wave"], shown) == "; did you mean --style wave?"
    assert errors.did_you_mean("zebra", ["wave", "candy"]) == ""
