"""The section of a translation declares the published settings."""

from __future__ import annotations

from fastnst.config import translation


def test_the_defaults_are_those_of_the_paper() -> None:
    section = translation.Translation()
    assert (section.cycle_weight, section.identity_weight, section.history) == (10.0, 5.0, 50)
    assert (section.unet_width, section.unet_depth, section.discriminator_width) == (64, 8, 64)
