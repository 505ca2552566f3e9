"""Stylizing arrays with a restored model."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import fastnst
from fastnst import controls, errors, planes
from fastnst.controls import rendering
from fastnst.models import loading, restore, store, stylizer, work
from fastnst.nets import sweeps, tiling

ROOT = Path(__file__).resolve().parents[2]


def test_running_out_of_memory_is_the_users_error_and_says_how_to_save_some() -> None:
    def refuse(photos: np.ndarray, style: str | None, strength: float | None) -> np.ndarray:
        raise MemoryError

    with pytest.raises(errors.UserError) as caught:
        stylizer.Stylizer(refuse, "large")(np.zeros((3, 20, 30, 3), np.uint8))
    assert str(caught.value).startswith("30 x 20 pixels: not enough memory to stylize; ")
    assert "--size" in str(caught.value) and "--batch" in str(caught.value)


def test_anything_but_an_array_of_finite_numbers_is_rejected(tiny_run: Path) -> None:
    paint = loading.load(tiny_run)
    assert paint(Image.new("RGB", (20, 30), "red")).shape == (30, 20, 3)
    assert paint(np.zeros((0, 20, 30, 3))).shape == (0, 20, 30, 3)
    broken = np.full((20, 20, 3), np.nan)
    for wrong in (broken, np.full((20, 20, 3), "a"), np.full((20, 20, 3), None)):
        with pytest.raises(errors.UserError, match=r"^expected finite numbers in 0\.\.255, found "):
            paint(wrong)
    for wrong in ("photo.jpg", None, [1, 2, 3]):
        with pytest.raises(errors.UserError, match=r"^expected RGB of shape "):
            paint(wrong)  # type: ignore[arg-type]


def test_a_photo_or_a_batch_is_returned_as_uint8_of_its_own_shape(
    tiny_run: Path, photo: Callable[..., np.ndarray]
) -> None:
    paint = loading.load(tiny_run)
    one, two = photo(16, 61, 1), photo(16, 61, 2)
    stylized = paint(one)
    assert stylized.shape == (16, 61, 3) and stylized.dtype == np.uint8
    both = paint(np.stack([one, two]))
    assert both.shape == (2, 16, 61, 3)
    assert np.abs(both[0].astype(int) - stylized).max() <= 1
    np.testing.assert_array_equal(paint(one.astype(np.float32)), stylized)
    np.testing.assert_array_equal(paint(one.astype(np.float64)), stylized)


def test_large_photos_are_stylized_in_tiles_and_look_the_same(
    tiny_run: Path, photo: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    paint = loading.load(tiny_run, "float32")
    photos = np.stack([photo(45, 40, 1), photo(45, 40, 2)])
    whole = paint(photos)
    monkeypatch.setattr(sweeps, "WHOLE_MEMORY", 0)
    asked = []
    paint_tiles = tiling.TilePainter.paint

    def spy(self: tiling.TilePainter, photo: planes.Pixels, *others: Any) -> None:
        asked.append(photo.shape)
        paint_tiles(self, photo, *others)

    monkeypatch.setattr(tiling.TilePainter, "paint", spy)
    assert np.abs(paint(photos).astype(int) - whole).max() <= 1
    assert np.abs(paint(photos[0]).astype(int) - whole[0]).max() <= 1
    assert asked == [(1, 45, 40, 3)] * 3


def test_a_batch_is_painted_at_once_only_as_far_as_memory_allows(
    tiny_run: Path, photo: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    paint = loading.load(tiny_run, "float32")
    photos = np.stack([photo(45, 40, seed) for seed in range(5)])
    together = paint(photos)
    counts: list[int] = []
    render = rendering.render

    def spy(painter: rendering.Painter, photos: planes.Pixels, *others: Any) -> planes.Pixels:
        counts.append(photos.shape[0])
        return render(painter, photos, *others)

    monkeypatch.setattr(rendering, "render", spy)
    one = paint._in_tiles.memory_for(45, 40) + 45 * 40 * stylizer._PHOTO_MEMORY
    for memory, expected in ((10 * one, [5]), (2.5 * one, [2, 2, 1]), (1.1 * one, [1] * 5)):
        monkeypatch.setattr(work.Tiles, "memory_left", lambda self, memory=memory: memory)
        counts.clear()
        assert np.abs(paint(photos).astype(int) - together).max() <= 1
        assert counts == expected


def test_a_full_disk_is_one_line(
    tiny_run: Path, photo: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    paint = loading.load(tiny_run, "float32")
    monkeypatch.setattr(sweeps, "WHOLE_MEMORY", 0)
    monkeypatch.setattr(work.Tiles, "memory_left", lambda self: 1e6)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", fail)
    with pytest.raises(errors.UserError, match=r"temporary files .*\(No space left"):
        paint(photo(145, 140, 1))


@pytest.mark.parametrize("shape", [(20, 20), (20, 20, 4), (1, 2, 20, 20, 3)])
def test_an_array_that_is_not_rgb_is_rejected_with_its_shape(
    tiny_run: Path, shape: tuple[int, ...]
) -> None:
    with pytest.raises(errors.UserError) as caught:
        loading.load(tiny_run)(np.zeros(shape, np.uint8))
    assert str(list(shape)) in str(caught.value)


def test_a_photo_that_is_too_small_is_rejected_with_its_size(tiny_run: Path) -> None:
    with pytest.raises(errors.UserError, match=r"40 x 15 pixels is too small .* at least 16"):
        loading.load(tiny_run)(np.zeros((15, 40, 3), np.uint8))


# The three lines of the library's documentation; prints the modules imported for them.


def test_fastnst_load_is_the_stylizers(tiny_run: Path) -> None:
    assert isinstance(fastnst.load(str(tiny_run), "bfloat16"), stylizer.Stylizer)


def levels(one: np.ndarray, other: np.ndarray) -> int:
    """The largest difference of two pictures, in levels of 255."""
    return int(np.abs(one.astype(int) - other).max())


def test_a_stylizer_stylizes_in_each_style_of_its_model(
    gallery: Path, photo: Callable[..., np.ndarray]
) -> None:
    model = restore.load(store.find(gallery))
    paint = loading.load(gallery, "float32")
    assert paint.name == "gallery"
    assert paint.styles == ("wave", "candy", "ink")
    pixels = photo(30, 41)
    pictures = {}
    for index, name in enumerate(paint.styles):
        pictures[name] = paint(pixels, name)
        expected = model.net(tf.constant(pixels[np.newaxis], tf.float32), model.net.table[index])
        assert np.abs(pictures[name] - expected[0]).max() < 0.51, name
    np.testing.assert_array_equal(paint(pixels), pictures["wave"])
    for one, other in (("wave", "candy"), ("candy", "ink")):
        assert levels(pictures[one], pictures[other]) > 20


def test_strength_0_uses_the_identity_row_with_the_photos_own_colors(
    gallery: Path, photo: Callable[..., np.ndarray]
) -> None:
    net = restore.load(store.find(gallery)).net
    paint, pixels = loading.load(gallery, "float32"), photo(30, 41)
    batch = tf.constant(pixels[np.newaxis], tf.float32)
    expected = net(batch, net.table[-1], tf.constant(1.0))
    assert np.abs(paint(pixels, strength=0.0) - expected[0]).max() < 0.51
    # Every style has the same identity row.
    np.testing.assert_array_equal(paint(pixels, "ink", 0.0), paint(pixels, "candy", 0.0))


@pytest.mark.parametrize(("strength", "keep"), [(0.5, 0.5), (1.5, 0.0)])
def test_strength_interpolates_the_row_and_1_5_extrapolates_it(
    gallery: Path, photo: Callable[..., np.ndarray], strength: float, keep: float
) -> None:
    net = restore.load(store.find(gallery)).net
    paint, pixels = loading.load(gallery, "float32"), photo(30, 41)
    row = (1 - strength) * net.table[-1] + strength * net.table[1]
    expected = net(tf.constant(pixels[np.newaxis], tf.float32), row, tf.constant(keep))
    stylized = paint(pixels, "candy", strength)
    assert np.abs(stylized - expected[0]).max() < 0.52
    assert levels(stylized, paint(pixels, "candy")) > 5


def test_a_batch_and_tiles_are_stylized_in_the_same_style_and_strength(
    gallery: Path, photo: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    paint = loading.load(gallery, "float32", style="wave:0.6,ink:0.4", strength=0.7)
    photos = np.stack([photo(45, 40, 1), photo(45, 40, 2)])
    alone = np.stack([paint(one) for one in photos])
    assert levels(paint(photos), alone) <= 1
    monkeypatch.setattr(sweeps, "WHOLE_MEMORY", 0)
    assert levels(paint(photos), alone) <= 1


def test_large_photos_are_painted_in_two_passes_and_stroke_1_in_one(
    tiny_run: Path, photo: Callable[..., np.ndarray]
) -> None:
    sizes: list[tuple[int, ...]] = []

    def paint(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        sizes.append(tuple(photos.shape[1:3]))
        return photos

    model = stylizer.Stylizer(paint, "x")
    model(photo(600, 700))
    model(photo(640, 700))
    stylizer.Stylizer(paint, "x", controls=controls.Controls(stroke=1))(photo(640, 700))
    assert sizes == [(600, 700), (448, 490), (640, 700), (640, 700)]
