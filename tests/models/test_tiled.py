"""Deciding how a photo is painted, and its small version."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fastnst import devices, errors, planes
from fastnst.models import model, store, tiled
from fastnst.nets import tiling, transform_net

GIB = 2**30


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> tiled.TiledPainter:
    """A painter with a network of the default size, in a process that uses 1 GiB."""
    monkeypatch.setattr(devices, "used_memory", lambda: GIB)
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    net = transform_net.TransformNet()
    description = model.Description(net.architecture, (model.Style("wave", "img/wave.jpg"),))
    return tiled.TiledPainter(model.Model(net, description), net)


def test_auto_paints_whole_then_exactly_then_with_a_thumbnail(
    painter: tiled.TiledPainter,
) -> None:
    sixteen = tiled.Tiles("auto", 17 * GIB)
    assert painter.choose(2048, 2048, sixteen) == "off"
    assert painter.choose(2048, 2052, sixteen) == "exact"
    assert painter.choose(8192, 8192, sixteen) == "exact"
    # 128 bytes a pixel in the trunk alone.
    assert painter.choose(16384, 16384, sixteen) == "thumbnail"
    assert painter.choose(2048, 2048, tiled.Tiles("auto", 3 * GIB)) == "exact"


def test_the_users_choice_prevails(painter: tiled.TiledPainter) -> None:
    assert painter.choose(20000, 20000, tiled.Tiles("off", 3 * GIB)) == "off"
    assert painter.choose(20000, 20000, tiled.Tiles("exact", 3 * GIB)) == "exact"
    assert painter.choose(1025, 800, tiled.Tiles("thumbnail")) == "thumbnail"
    # A thumbnail of the same size, or the whole photo in one tile, is the same picture.
    assert painter.choose(1024, 800, tiled.Tiles("thumbnail")) == "off"
    assert painter.choose(500, 500, tiled.Tiles("exact", 3 * GIB)) == "off"


def test_too_little_memory_and_unknown_modes_are_the_users_errors(
    painter: tiled.TiledPainter,
) -> None:
    with pytest.raises(errors.UserError, match=r"^1,024 MiB is too little memory: .*1,216 MiB$"):
        painter.choose(500, 500, tiled.Tiles("auto", GIB))
    with pytest.raises(errors.UserError, match=r"^tiles both: should be one of auto, exact"):
        tiled.Tiles("both")


def test_a_thumbnail_is_the_photo_scaled_down() -> None:
    down, across = np.mgrid[0:600, 0:900]
    photo = np.stack([down / 3, across / 4, np.full_like(down, 99)], axis=-1).astype(np.uint8)
    (small,) = tiled.thumbnail(planes.Plane.of(photo[np.newaxis]), side=90)
    assert small.shape == (60, 90, 3) and small.dtype == np.float32
    centers = photo[5::10, 5::10]
    # Filters see other neighbors at the border.
    assert np.abs(small - centers)[3:-3, 3:-3].max() < 2


def test_a_thumbnail_of_a_long_photo_is_high_enough_to_stylize() -> None:
    photo = planes.Plane.of(np.zeros((1, 40, 4000, 3), np.uint8))
    assert tiled.thumbnail(photo, side=200).shape == (1, 16, 200, 3)


def test_a_thumbnails_moments_paint_nearly_the_same_picture(gallery: Path) -> None:
    restored = store.load(store.find(gallery))
    painter = tiled.TiledPainter(restored, restored.net)
    down, across = np.mgrid[0:200, 0:1200] / 150.0
    photo = np.stack([90 + 50 * np.sin(down), 110 + 50 * np.cos(across), 80 + 40 * down], -1)
    pictures = []
    for mode in ("exact", "thumbnail"):
        picture = np.empty((1, *photo.shape), np.float32)
        write = planes.Plane.of(picture).write
        pixels = planes.Plane.of(photo[np.newaxis])
        painter.paint(pixels, write, "candy", None, tiling.Resources(), mode=mode)
        pictures.append(picture)
    assert 0 < np.abs(pictures[0] - pictures[1]).mean() < 4
