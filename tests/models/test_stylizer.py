"""Stylizing arrays with a restored model."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import fastnst
from fastnst import controls, devices, errors, planes
from fastnst.controls import rendering
from fastnst.models import store, stylizer, tiled
from fastnst.nets import sweeps, tiling, transform_net

ROOT = Path(__file__).resolve().parents[2]


def test_running_out_of_memory_is_the_users_error_and_says_how_to_save_some() -> None:
    def refuse(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor\nmore")

    with pytest.raises(errors.UserError) as caught:
        stylizer.Stylizer(refuse, "large")(np.zeros((3, 20, 30, 3), np.uint8))
    assert str(caught.value).startswith("30 x 20 pixels: not enough memory to stylize; ")
    assert "--size" in str(caught.value) and "--batch" in str(caught.value)


def test_a_run_its_saved_model_and_its_weights_stylize_alike(
    tiny_run: Path, exported: Path, weights: Path, photo: Callable[..., np.ndarray]
) -> None:
    photos = np.stack([photo(33, 47, seed) for seed in (1, 2)])
    net = transform_net.TransformNet(transform_net.Architecture(4, 1, antialias=True))
    net.assign(store.read_net(tf.train.latest_checkpoint(str(tiny_run / "checkpoints" / "best"))))
    expected = net(tf.constant(photos, tf.float32)).numpy()
    for path, levels in ((tiny_run, 0.5), (exported, 0.5), (weights, 6.0)):
        stylized = stylizer.load(path, "float32")(photos)
        assert stylized.dtype == np.uint8
        # Half a level for rounding and a hundredth for a sum taken in another order.
        assert np.abs(stylized - expected).max() < levels + 0.01, path


def test_anything_but_an_array_of_finite_numbers_is_rejected(tiny_run: Path) -> None:
    paint = stylizer.load(tiny_run)
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
    paint = stylizer.load(tiny_run)
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
    paint = stylizer.load(tiny_run, "float32")
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
    paint = stylizer.load(tiny_run, "float32")
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
        monkeypatch.setattr(tiled.Tiles, "memory_left", lambda self, memory=memory: memory)
        counts.clear()
        assert np.abs(paint(photos).astype(int) - together).max() <= 1
        assert counts == expected


def test_a_full_disk_is_one_line(
    tiny_run: Path, photo: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    paint = stylizer.load(tiny_run, "float32")
    monkeypatch.setattr(sweeps, "WHOLE_MEMORY", 0)
    monkeypatch.setattr(tiled.Tiles, "memory_left", lambda self: 1e6)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", fail)
    with pytest.raises(errors.UserError, match=r"temporary files .*\(No space left"):
        paint(photo(145, 140, 1))


def test_bfloat16_stylizes_nearly_the_same(
    tiny_run: Path, photo: Callable[..., np.ndarray]
) -> None:
    pixels = photo(40, 40)
    full, half = (stylizer.load(tiny_run, precision) for precision in ("float32", "bfloat16"))
    difference = np.abs(full(pixels).astype(int) - half(pixels))
    assert 0 < difference.mean() < 3


@pytest.mark.parametrize("fast", [True, False])
def test_the_default_precision_is_the_one_the_device_is_fast_at(
    tiny_run: Path,
    photo: Callable[..., np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    fast: bool,
) -> None:
    monkeypatch.setattr(devices, "_bfloat16_is_fast", lambda: fast)
    pixels = photo(40, 40)
    expected = stylizer.load(tiny_run, "bfloat16" if fast else "float32")(pixels)
    np.testing.assert_array_equal(stylizer.load(tiny_run)(pixels), expected)


@pytest.mark.parametrize("shape", [(20, 20), (20, 20, 4), (1, 2, 20, 20, 3)])
def test_an_array_that_is_not_rgb_is_rejected_with_its_shape(
    tiny_run: Path, shape: tuple[int, ...]
) -> None:
    with pytest.raises(errors.UserError) as caught:
        stylizer.load(tiny_run)(np.zeros(shape, np.uint8))
    assert str(list(shape)) in str(caught.value)


def test_a_photo_that_is_too_small_is_rejected_with_its_size(tiny_run: Path) -> None:
    with pytest.raises(errors.UserError, match=r"40 x 15 pixels is too small .* at least 16"):
        stylizer.load(tiny_run)(np.zeros((15, 40, 3), np.uint8))


def test_a_file_without_a_network_is_rejected_by_name(tmp_path: Path) -> None:
    with pytest.raises(errors.UserError, match=r"vgg_16\.ckpt: contains no transform net"):
        stylizer.load(ROOT / "pretrained" / "vgg_16.ckpt")
    text = tmp_path / "notes.txt"
    text.write_text("no network")
    with pytest.raises(errors.UserError, match=r"notes\.txt: not a TensorFlow checkpoint"):
        stylizer.load(text)
    saved = tmp_path / "broken"
    saved.mkdir()
    (saved / "saved_model.pb").write_bytes(b"no graph")
    with pytest.raises(errors.UserError, match="broken: not an exported style"):
        stylizer.load(saved)


# The three lines of the library's documentation; prints the modules imported for them.
_THREE_LINES = """
import sys
import numpy as np
import fastnst
assert "tensorflow" not in sys.modules
photo = np.random.default_rng(0).integers(0, 256, (24, 37, 3)).astype(np.uint8)

stylizer = fastnst.load("tiny")
stylized = stylizer(photo)

assert stylized.shape == (24, 37, 3) and stylized.dtype == np.uint8
print(*sys.modules)
"""


def test_stylizing_imports_nothing_of_training(tiny_run: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", _THREE_LINES],
        cwd=tiny_run.parent.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    imported = set(finished.stdout.split())
    ours = {name for name in imported if name.split(".")[0] in ("fastnst", "tf_slim", "yaml")}
    assert not {
        name
        for name in ours
        for room in ("losses", "training", "config", "reports", "data", "features", "cli")
        if f"{name}.".startswith(f"fastnst.{room}.")
    }
    assert not ours & {"tf_slim", "yaml"}


def test_fastnst_load_is_the_stylizers(tiny_run: Path) -> None:
    assert isinstance(fastnst.load(str(tiny_run), "bfloat16"), stylizer.Stylizer)


def levels(one: np.ndarray, other: np.ndarray) -> int:
    """The largest difference of two pictures, in levels of 255."""
    return int(np.abs(one.astype(int) - other).max())


def test_a_stylizer_stylizes_in_each_style_of_its_model(
    gallery: Path, photo: Callable[..., np.ndarray]
) -> None:
    model = store.load(store.find(gallery))
    paint = stylizer.load(gallery, "float32")
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


@pytest.mark.parametrize("style", ["ink", "wave:0.6,candy:0.4"])
def test_a_stylizer_is_loaded_with_a_style_or_a_blend(
    gallery: Path, photo: Callable[..., np.ndarray], style: str
) -> None:
    pixels = photo(30, 41)
    any_style, one_style = stylizer.load(gallery), stylizer.load(gallery, style=style)
    np.testing.assert_array_equal(one_style(pixels), any_style(pixels, style))
    # A call may choose another.
    np.testing.assert_array_equal(one_style(pixels, "candy"), any_style(pixels, "candy"))


def test_a_stylizer_found_by_a_styles_name_stylizes_in_it(
    tmp_path: Path,
    gallery: Path,
    photo: Callable[..., np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "gallery").symlink_to(gallery)
    paint, pixels = stylizer.load("ink"), photo(30, 41)
    assert paint.name == "ink"
    np.testing.assert_array_equal(paint(pixels), stylizer.load(gallery)(pixels, "ink"))
    # An explicit style wins.
    other = stylizer.load("ink", style="candy")
    np.testing.assert_array_equal(other(pixels), paint(pixels, "candy"))


def test_strength_0_uses_the_identity_row_with_the_photos_own_colors(
    gallery: Path, photo: Callable[..., np.ndarray]
) -> None:
    net = store.load(store.find(gallery)).net
    paint, pixels = stylizer.load(gallery, "float32"), photo(30, 41)
    batch = tf.constant(pixels[np.newaxis], tf.float32)
    expected = net(batch, net.table[-1], tf.constant(1.0))
    assert np.abs(paint(pixels, strength=0.0) - expected[0]).max() < 0.51
    # Every style has the same identity row.
    np.testing.assert_array_equal(paint(pixels, "ink", 0.0), paint(pixels, "candy", 0.0))


@pytest.mark.parametrize(("strength", "keep"), [(0.5, 0.5), (1.5, 0.0)])
def test_strength_interpolates_the_row_and_1_5_extrapolates_it(
    gallery: Path, photo: Callable[..., np.ndarray], strength: float, keep: float
) -> None:
    net = store.load(store.find(gallery)).net
    paint, pixels = stylizer.load(gallery, "float32"), photo(30, 41)
    row = (1 - strength) * net.table[-1] + strength * net.table[1]
    expected = net(tf.constant(pixels[np.newaxis], tf.float32), row, tf.constant(keep))
    stylized = paint(pixels, "candy", strength)
    assert np.abs(stylized - expected[0]).max() < 0.52
    assert levels(stylized, paint(pixels, "candy")) > 5


def test_a_stylizers_strength_is_that_of_all_calls_that_name_none(
    gallery: Path, photo: Callable[..., np.ndarray]
) -> None:
    pixels = photo(30, 41)
    half, full = stylizer.load(gallery, strength=0.5), stylizer.load(gallery)
    np.testing.assert_array_equal(half(pixels), full(pixels, strength=0.5))
    np.testing.assert_array_equal(half(pixels, "ink"), full(pixels, "ink", 0.5))
    np.testing.assert_array_equal(half(pixels, strength=1.0), full(pixels))
    # 0 is a strength too.
    assert levels(half(pixels, strength=0.0), half(pixels)) > 5


def test_a_batch_and_tiles_are_stylized_in_the_same_style_and_strength(
    gallery: Path, photo: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    paint = stylizer.load(gallery, "float32", style="wave:0.6,ink:0.4", strength=0.7)
    photos = np.stack([photo(45, 40, 1), photo(45, 40, 2)])
    alone = np.stack([paint(one) for one in photos])
    assert levels(paint(photos), alone) <= 1
    monkeypatch.setattr(sweeps, "WHOLE_MEMORY", 0)
    assert levels(paint(photos), alone) <= 1


def test_an_impossible_style_or_strength_is_an_error_at_once(gallery: Path, tiny_run: Path) -> None:
    for options, message in (
        ({"style": "cubist"}, r"^no style cubist \(styles: wave, candy, ink\)$"),
        ({"style": "wave:0"}, "^style wave:0: the share should be"),
        ({"strength": 2.0}, "^strength 2: should be from 0 to 1.5$"),
    ):
        with pytest.raises(errors.UserError, match=message):
            stylizer.load(gallery, **options)
    with pytest.raises(errors.UserError, match=r"^strength 0\.5: only 1 is possible, because"):
        stylizer.load(tiny_run, strength=0.5)
    paint = stylizer.load(gallery)
    with pytest.raises(errors.UserError, match=r"^no style cubist"):
        paint(np.zeros((20, 20, 3), np.uint8), "cubist")


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


def test_a_networks_own_grain_is_the_default(
    gallery: Path, tmp_path: Path, photo: Callable[..., np.ndarray]
) -> None:
    shutil.copytree(gallery, tmp_path / "grainy")
    path = tmp_path / "grainy" / "model.json"
    path.write_text(path.read_text().replace('"identity": true', '"identity": true, "grain": 6'))
    pixels = photo(30, 40)
    grainy, plain = stylizer.load(tmp_path / "grainy"), stylizer.load(gallery)
    np.testing.assert_array_equal(grainy(pixels), plain(pixels, grain=6))
    np.testing.assert_array_equal(grainy(pixels, grain=0), plain(pixels))
    assert levels(grainy(pixels), plain(pixels)) > 5
