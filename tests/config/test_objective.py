"""The keys of a style."""

from __future__ import annotations

from fastnst import config


def test_a_painting_has_the_side_of_the_crops_unless_it_has_its_own() -> None:
    assert config.Style().side(192) == 192
    assert config.Style(style_size=384).side(192) == 384
