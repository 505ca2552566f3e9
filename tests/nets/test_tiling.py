"""Stylizing in tiles, against stylizing the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fastnst import planes
from fastnst.nets import architectures, sweeps, tiling, transform_net

OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"antialias": True},
    {"lite": True},
    {"antialias": True, "deep": True},
    {"skips": False, "output_norm": False},
)


def make_net(option: dict[str, Any], blocks: int = 1) -> transform_net.TransformNet:
    blocks = 4 if option.get("deep") else blocks
    net = transform_net.TransformNet(architectures.Transform(8, blocks, **option), seed=1, styles=2)
    net.table.assign_add(np.random.default_rng(1).normal(0, 0.3, net.table.shape))
    return net


def make_photo(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(20, 200, [height, width, 3]).astype(np.float32)


def paint(
    painter: tiling.TilePainter,
    photo: np.ndarray,
    keep: float | None = None,
    moments: tiling.MomentsByStep | None = None,
    **resources: Any,
) -> np.ndarray:
    """Paints the second style. A tile of `pixels` pixels is the largest."""
    picture = planes.Plane(np.full((1, *photo.shape), np.nan, np.float32))

    def write(rows: slice, columns: slice, pixels: np.ndarray) -> None:
        assert np.isnan(picture.read(rows, columns)).all(), "each pixel is written once"
        picture.write(rows, columns, pixels)

    pixels = resources.pop("pixels", 64 * 64)
    tile_memory = pixels * sweeps.tile_memory(tuple(painter.steps.values()))
    if resources.get("folder"):
        # Enough for a tile, but not for what is kept.
        resources.setdefault("memory", tile_memory)
    style = tiling.Choice(painter.net.table[1], None if keep is None else tf.constant(keep))
    painter.paint(
        planes.Plane(photo[np.newaxis]),
        write,
        style,
        moments,
        tiling.Resources(tile_memory=tile_memory, **resources),
    )
    return planes.whole(picture)[0]


def record(
    painter: tiling.TilePainter, photo: np.ndarray, **resources: Any
) -> tiling.MomentsByStep:
    """Returns the moments of a photo in the second style."""
    choice = tiling.Choice(painter.net.table[1])
    pixels = planes.Plane(photo[np.newaxis])
    return painter.moments(pixels, choice, tiling.Resources(**resources))


def whole(net: transform_net.TransformNet, photo: np.ndarray, keep: float | None) -> np.ndarray:
    kept = None if keep is None else tf.constant(keep)
    return net(tf.constant(photo[np.newaxis]), net.table[1], kept)[0].numpy()


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_a_photo_painted_exactly_in_tiles_equals_the_photo_painted_whole(
    option: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = make_net(option, blocks=2)
    painter = tiling.TilePainter(net)
    at_once, in_tiles, in_files = (1e9, {}), (0, {}), (0, {"folder": tmp_path})
    for height, width, keep, choices in (
        (131, 93, None, (at_once, in_files)),
        (47, 198, 0.5, (in_tiles,)),
    ):
        photo = make_photo(height, width)
        expected = whole(net, photo, keep)
        for whole_memory, resources in choices:
            monkeypatch.setattr(sweeps, "WHOLE_MEMORY", whole_memory)
            done: list[tuple[int, int]] = []
            resources["progress"] = lambda number, total, done=done: done.append((number, total))
            found = paint(painter, photo, keep, **resources)
            np.testing.assert_allclose(found, expected, atol=0.05)
            assert done == [(number, len(done)) for number in range(1, len(done) + 1)]
            assert len(done) > 10
        assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("known", [False, True])
def test_a_photo_of_one_color_is_painted_in_one_color_in_tiles(
    known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "WHOLE_MEMORY", 0)
    painter = tiling.TilePainter(make_net({"antialias": True}))
    photo = np.full((131, 93, 3), 77, np.float32)
    found = paint(painter, photo, moments=record(painter, photo) if known else None)
    assert np.ptp(found, axis=(0, 1)).max() < 0.1


@pytest.mark.slow
def test_outputs_are_kept_in_files_only_if_they_do_not_fit_into_memory(tmp_path: Path) -> None:
    painter = tiling.TilePainter(make_net({}))
    photo = make_photo(80, 64)
    seen = []
    for enough in ({"memory": 1e9}, {}):
        found = set[str]()

        def look(done: int, total: int, found: set[str] = found) -> None:
            found.update(path.name for path in tmp_path.iterdir())

        paint(painter, photo, folder=tmp_path, progress=look, **enough)
        seen.append(len(found))
    assert seen[0] == 0 < seen[1]


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_a_pixel_of_the_photo_changes_no_pixel_beyond_the_halo(option: dict[str, Any]) -> None:
    painter = tiling.TilePainter(make_net(option))
    network = tuple(painter.steps.values())
    plan = sweeps.Plan(network, moments_known=True)
    halo = plan.sweeps[0].halo
    size, middle = 4 * halo, 2 * halo
    photo = make_photo(size, size)
    moments = record(painter, photo)
    other = photo.copy()
    # Also the next one, because pixels of one block of the trunk do not reach equally far.
    other[middle : middle + plan.align, middle : middle + plan.align] += 50
    change = paint(painter, photo, moments=moments, pixels=10**6) != paint(
        painter, other, moments=moments, pixels=10**6
    )
    rows = np.flatnonzero(change.any(axis=(1, 2)))
    reach = max(middle - rows[0], rows[-1] - (middle + plan.align - 1))
    # The halo is as wide as needed, up to the rounding of each stride, and not wider.
    assert halo - 2 * plan.align <= reach <= halo


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_tiles_with_known_moments_meet_without_a_seam(
    option: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    painter = tiling.TilePainter(make_net(option))
    photo = make_photo(190, 230)
    moments = record(painter, photo)
    in_one = paint(painter, photo, moments=moments, pixels=10**6)
    np.testing.assert_allclose(whole(painter.net, photo, None), in_one, atol=0.05)
    tile = 190 * 190
    np.testing.assert_allclose(
        paint(painter, photo, moments=moments, pixels=tile), in_one, atol=0.01
    )
    # A halo that is too small would be noticed.
    cut = sweeps.cut
    monkeypatch.setattr(sweeps, "cut", lambda *place, **_: cut(*place[:3], place[3] // 2, place[4]))
    narrow = paint(painter, photo, moments=moments, pixels=tile)
    assert np.abs(narrow - in_one).max() > 0.05


def border_energy(picture: np.ndarray, borders: list[int]) -> float:
    """Returns the gradient across the borders relative to the gradient at other columns."""
    steps_across = np.abs(np.diff(picture, axis=1)).mean(axis=(0, 2))
    at_borders = np.isin(np.arange(1, picture.shape[1]), borders)
    return float(steps_across[at_borders].mean() / steps_across[~at_borders].mean())


def test_an_edge_detector_finds_no_seam_in_a_smooth_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    painter = tiling.TilePainter(make_net({}))
    down, across = np.mgrid[0:120, 0:600] / 100.0
    photo = np.stack([80 + 60 * np.sin(across), 120 + 50 * np.cos(down + across), 90 + 40 * down])
    photo = np.moveaxis(photo, 0, -1).astype(np.float32)
    moments = record(painter, photo[::4, ::4])
    borders = list[int]()
    cut = sweeps.cut

    def spy(*place: Any) -> list[sweeps.Tile]:
        tiles = cut(*place)
        borders[:] = sorted({tile.columns.first for tile in tiles} - {0})
        return tiles

    monkeypatch.setattr(sweeps, "cut", spy)
    picture = paint(painter, photo, moments=moments, pixels=120 * 120)
    assert len(borders) >= 5
    assert 0.7 < border_energy(picture, borders) < 1.3
    monkeypatch.setattr(sweeps, "cut", lambda *place: spy(*place[:3], 0, place[4]))
    cut_hard = paint(painter, photo, moments=moments, pixels=120 * 120)
    assert border_energy(cut_hard, borders) > 2


def test_moments_collected_in_tiles_equal_those_of_the_whole_photo() -> None:
    painter = tiling.TilePainter(make_net({}))
    photo = make_photo(131, 93)
    at_once, in_tiles = (record(painter, photo, memory=memory) for memory in (1e9, 1e6))
    assert in_tiles.keys() <= at_once.keys()
    assert len(in_tiles) == sum(step.normed for step in painter.steps.values())
    for name, moments in in_tiles.items():
        for found, expected in zip(moments, at_once[name], strict=True):
            np.testing.assert_allclose(found, expected, rtol=0.001, atol=1e-4)
