"""Painting arrays with a restored model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import fastnst
from fastnst import devices, errors
from fastnst.export import exporters
from fastnst.models import store, stylizer
from fastnst.nets import tiling, transform_net

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    """The tiny run as a SavedModel."""
    folder = tmp_path_factory.mktemp("exports") / "bright"
    exporters.export(store.load_net(tiny_run), folder, "savedmodel", {})
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    """The tiny run as it would be shipped."""
    folder = tmp_path_factory.mktemp("shipped") / "shipped"
    exporters.export(store.load_net(tiny_run), folder, "weights", {})
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_run: Path, weights: Path) -> Path:
    """A working directory with models/candy, and candy and wave where shipped models lie."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_run, tmp_path / "models" / "candy")
    for name in ("candy", "wave"):
        shutil.copytree(weights, tmp_path / "elsewhere" / name)
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "elsewhere")
    return tmp_path


def test_what_does_not_fit_into_memory_is_told_with_what_helps() -> None:
    def refuse(photos: tf.Tensor) -> tf.Tensor:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor\nmore")

    with pytest.raises(errors.UserError) as caught:
        stylizer.Stylizer(refuse, "large")(np.zeros((3, 20, 30, 3), np.uint8))
    assert str(caught.value).startswith("3 of 30 x 20 pixels: not enough memory to paint; ")
    assert "--size" in str(caught.value) and "--batch" in str(caught.value)


def test_a_run_its_saved_model_and_its_weights_paint_alike(
    tiny_run: Path, exported: Path, weights: Path, photo: Callable[..., np.ndarray]
) -> None:
    photos = np.stack([photo(33, 47, seed) for seed in (1, 2)])
    net = transform_net.TransformNet.from_tensors(
        store.read_net(tf.train.latest_checkpoint(str(tiny_run / "checkpoints" / "best")))
    )
    expected = net(tf.constant(photos, tf.float32)).numpy()
    for path, levels in ((tiny_run, 0.5), (exported, 0.5), (weights, 6.0)):
        painted = stylizer.load(path, "float32")(photos)
        assert painted.dtype == np.uint8
        # Half a level for rounding and a hundredth for a sum taken in another order.
        assert np.abs(painted - expected).max() < levels + 0.01, path


def test_what_is_no_array_of_numbers_is_told(tiny_run: Path) -> None:
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


def test_a_photo_or_a_batch_comes_back_as_uint8_in_its_own_shape(
    tiny_run: Path, photo: Callable[..., np.ndarray]
) -> None:
    paint = stylizer.load(tiny_run)
    one, two = photo(16, 61, 1), photo(16, 61, 2)
    painted = paint(one)
    assert painted.shape == (16, 61, 3) and painted.dtype == np.uint8
    both = paint(np.stack([one, two]))
    assert both.shape == (2, 16, 61, 3)
    assert np.abs(both[0].astype(int) - painted).max() <= 1
    np.testing.assert_array_equal(paint(one.astype(np.float32)), painted)
    np.testing.assert_array_equal(paint(one.astype(np.float64)), painted)


def test_large_photos_are_painted_in_strips_to_the_same_pictures(
    tiny_run: Path, photo: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    paint = stylizer.load(tiny_run, "float32")
    photos = np.stack([photo(45, 40, 1), photo(45, 40, 2)])
    whole = paint(photos)
    monkeypatch.setattr(stylizer, "_LARGE", 40 * 40)
    monkeypatch.setattr(tiling, "_ROWS", 32)
    asked = []
    cut = tiling._strips
    monkeypatch.setattr(tiling, "_strips", lambda height: asked.append(height) or cut(height))
    assert np.abs(paint(photos).astype(int) - whole).max() <= 1
    assert np.abs(paint(photos[0]).astype(int) - whole[0]).max() <= 1
    assert asked == [45] * 3


def test_bfloat16_paints_nearly_the_same(tiny_run: Path, photo: Callable[..., np.ndarray]) -> None:
    pixels = photo(40, 40)
    full, half = (stylizer.load(tiny_run, precision) for precision in ("float32", "bfloat16"))
    difference = np.abs(full(pixels).astype(int) - half(pixels))
    assert 0 < difference.mean() < 3


@pytest.mark.parametrize("fast", [True, False])
def test_the_default_precision_is_what_the_device_is_fast_at(
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
def test_what_is_no_rgb_is_refused_by_its_shape(tiny_run: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(errors.UserError) as caught:
        stylizer.load(tiny_run)(np.zeros(shape, np.uint8))
    assert str(list(shape)) in str(caught.value)


def test_what_is_too_small_is_refused_by_its_size(tiny_run: Path) -> None:
    with pytest.raises(errors.UserError, match=r"40 x 15 pixels is too small .* at least 16"):
        stylizer.load(tiny_run)(np.zeros((15, 40, 3), np.uint8))


def test_what_holds_no_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.UserError, match=r"vgg_16\.ckpt: holds no transform net"):
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


# The three lines of the library's documentation, and what was imported for them.
_THREE_LINES = """
import sys
import numpy as np
import fastnst
assert "tensorflow" not in sys.modules
photo = np.random.default_rng(0).integers(0, 256, (24, 37, 3)).astype(np.uint8)

stylizer = fastnst.load("tiny")
painted = stylizer(photo)

assert painted.shape == (24, 37, 3) and painted.dtype == np.uint8
print(*sys.modules)
"""


def test_painting_imports_nothing_of_training(tiny_run: Path) -> None:
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
