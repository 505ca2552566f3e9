"""The keys of the transform net's architecture."""

from __future__ import annotations

import dataclasses

from fastnst import config
from fastnst.config import schema
from fastnst.nets import architectures


def test_the_keys_are_those_of_the_architecture_and_cannot_change() -> None:
    keys = schema.keys(config.Network)
    assert [*keys] == [each.name for each in dataclasses.fields(architectures.Transform)]
    assert all(field.metadata["fixed"] for field in keys.values())


def test_lite_networks_are_narrow_and_not_deep_unless_told_otherwise() -> None:
    for network, width, deep in (
        (config.Network(), 32, True),
        (config.Network(lite=True), 16, False),
        (config.Network(width=48, deep=False), 48, False),
    ):
        assert (network.width, network.deep) == (width, deep)
