"""Deciding how a photo is painted, and its small version."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fastnst import devices, planes
from fastnst.models import descriptions, model, restore, store, tiled
from fastnst.nets import transform_net

GIB = 2**30


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> tiled.TiledPainter:
    """A painter with a network of the default size."""
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    net = transform_net.TransformNet()
    description = descriptions.Description(
        net.architecture, (descriptions.Style("wave", "img/wave.jpg"),)
    )
    return tiled.TiledPainter(model.Model(net, description), net)


def test_auto_paints_whole_then_exactly_then_with_a_thumbnail(
    painter: tiled.TiledPainter,
) -> None:
    assert painter.choose(2048, 2048, "auto", 16 * GIB) == "off"
    assert painter.choose(2048, 2052, "auto", 16 * GIB) == "exact"
    assert painter.choose(8192, 8192, "auto", 16 * GIB) == "exact"
    # 128 bytes a pixel in the trunk alone.
    assert painter.choose(16384, 16384, "auto", 16 * GIB) == "thumbnail"
    assert painter.choose(2048, 2048, "auto", 2 * GIB) == "exact"


def test_the_users_choice_prevails(painter: tiled.TiledPainter) -> None:
    assert painter.choose(20000, 20000, "off", 2 * GIB) == "off"
    assert painter.choose(20000, 20000, "exact", 2 * GIB) == "exact"
    assert painter.choose(1025, 800, "thumbnail", 2 * GIB) == "thumbnail"
    assert painter.choose(500, 500, "exact", 2 * GIB) == "off"


@pytest.mark.parametrize("mode", ["auto", "thumbnail", "exact"])
def test_a_photo_no_larger_than_a_thumbnail_has_its_own_statistics(
    painter: tiled.TiledPainter, mode: str
) -> None:
    assert painter.choose(1024, 800, mode, 2 * GIB) == "off"
    assert painter.choose(1024, 800, mode, GIB // 4) == "exact"


def test_a_thumbnail_is_the_photo_scaled_down() -> None:
    down, across = np.mgrid[0:600, 0:900]
    photo = np.stack([down / 3, across / 4, np.full_like(down, 99)], axis=-1).astype(np.uint8)
    (small,) = tiled.thumbnail(planes.Plane(photo[np.newaxis]), side=90)
    assert small.shape == (60, 90, 3) and small.dtype == np.float32
    centers = photo[5::10, 5::10]
    # Filters see other neighbors at the border.
    assert np.abs(small - centers)[3:-3, 3:-3].max() < 2


def test_a_thumbnail_of_a_long_photo_is_high_enough_to_stylize() -> None:
    photo = planes.Plane(np.zeros((1, 40, 4000, 3), np.uint8))
    assert tiled.thumbnail(photo, side=200).shape == (1, 16, 200, 3)


def test_a_thumbnails_moments_paint_nearly_the_same_picture(gallery: Path) -> None:
    restored = restore.load(store.find(gallery))
    painter = tiled.TiledPainter(restored, restored.net)
    down, across = np.mgrid[0:200, 0:1200] / 150.0
    photo = np.stack([90 + 50 * np.sin(down), 110 + 50 * np.cos(across), 80 + 40 * down], -1)
    pictures = []
    for mode in ("exact", "thumbnail"):
        picture = np.empty((1, *photo.shape), np.float32)
        write = planes.Plane(picture).write
        pixels = planes.Plane(photo[np.newaxis])
        painter.paint(
            pixels,
            write,
            "candy",
            None,
            mode=mode,
            memory=float("inf"),
            folder=None,
            progress=lambda done, total: None,
        )
        pictures.append(picture)
    assert 0 < np.abs(pictures[0] - pictures[1]).mean() < 4
