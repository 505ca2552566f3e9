"""Descriptions of layers."""

from __future__ import annotations

from fastnst.nets import listing


def test_entries_of_a_row_are_named_after_their_layer() -> None:
    assert listing.Norm("norm1", "conv1").entries == ("norm1/scale", "norm1/shift")
    assert listing.Skip("skip1", "up", "half").entry == "skip1/scale"
