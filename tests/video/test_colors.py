"""The color tags: which matrix is used, and which tags are written."""

from __future__ import annotations

from typing import Any

import pytest

from fastnst.video import colors


def of(**stream: Any) -> colors.Colors:
    return colors.Colors.of({"pix_fmt": "yuv420p", "height": 480, **stream})


@pytest.mark.parametrize(("height", "matrix"), [(576, "smpte170m"), (720, "bt709")])
def test_without_a_tag_the_height_decides_and_none_is_written(height: int, matrix: str) -> None:
    found = of(height=height, color_space="unknown")
    assert f"in_color_matrix={matrix}:in_range=tv" in found.to_rgb()
    assert f"out_color_matrix={matrix}:out_range=tv" in found.from_rgb("yuv420p")
    assert found.tags() == []


def test_tags_are_used_and_written_again() -> None:
    found = of(
        color_space="bt2020nc",
        color_primaries="bt2020",
        color_transfer="bt709",
        color_range="pc",
    )
    assert "in_color_matrix=bt2020:in_range=pc" in found.to_rgb()
    assert found.tags() == [
        *("-colorspace", "bt2020nc", "-color_primaries", "bt2020"),
        *("-color_trc", "bt709", "-color_range", "pc"),
    ]


def test_full_range_pixel_formats_need_no_tag() -> None:
    assert "in_range=pc" in of(pix_fmt="yuvj420p").to_rgb()


def test_rgb_becomes_tagged_yuv() -> None:
    found = of(pix_fmt="bgra", color_space="gbr", color_range="pc")
    assert "out_color_matrix=bt709:out_range=tv" in found.from_rgb("yuv420p")
    assert found.tags() == ["-colorspace", "bt709", "-color_range", "tv"]


@pytest.mark.parametrize(
    ("transfer", "kind"),
    [("smpte2084", "PQ"), ("arib-std-b67", "HLG"), ("bt709", None), ("unknown", None)],
)
def test_hdr_is_known_by_its_transfer_function(transfer: str, kind: str | None) -> None:
    hdr = of(color_transfer=transfer).hdr
    assert (hdr or "").startswith(kind or "") and bool(hdr) == bool(kind)


def test_matrices_that_the_scaler_does_not_know_are_told() -> None:
    assert of(color_space="bt709").convertible and of().convertible
    assert not of(color_space="ictcp").convertible
