"""The order of the entries in the row of an architecture."""

from __future__ import annotations

import dataclasses

import pytest

from fastnst.nets import architectures

TINY = architectures.Transform(width=4, residual_blocks=1)
DEEP = architectures.Transform(width=4, residual_blocks=3, deep=True)


def test_the_row_of_a_tiny_network_has_the_entries_of_its_layers() -> None:
    layout = TINY.layout()
    channels = {"norm1": 4, "norm2": 8, "norm3": 16}
    channels |= {"residuals/0/norm1": 16, "residuals/0/norm2": 16}
    channels |= {"norm4": 8, "norm5": 4, "norm6": 3}
    expected = {f"{name}/{part}": n for name, n in channels.items() for part in ("scale", "shift")}
    expected |= {"skip1/scale": 8, "skip2/scale": 4}
    assert {entry.name: entry.size for entry in layout.entries} == expected
    assert layout.size == 2 * 75 + 12
    # Each norm starts as plain instance norm, the last one with little contrast.
    initial = {entry.name: entry.initial for entry in layout.entries}
    assert initial.pop("norm6/scale") == pytest.approx(0.3)
    assert {name for name, value in initial.items() if value == 0} == {
        name for name in initial if name.endswith("/shift")
    }
    assert set(initial.values()) == {0.0, 1.0}


def test_too_few_blocks_have_no_inner_ones() -> None:
    shallow = dataclasses.replace(DEEP, residual_blocks=2)
    assert not shallow.inner_blocks()
    assert shallow.layout() == dataclasses.replace(shallow, deep=False).layout()
    assert list(DEEP.inner_blocks()) == [1]
