"""Loading models of every kind to stylize with."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst import checkpoint_file, devices, errors
from fastnst.models import descriptions, loading, model, restore, store
from fastnst.nets import architectures, transform_net

ROOT = Path(__file__).resolve().parents[2]
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


def levels(one: np.ndarray, other: np.ndarray) -> int:
    """The largest difference of two pictures, in levels of 255."""
    return int(np.abs(one.astype(int) - other).max())


def test_a_run_its_saved_model_and_its_weights_stylize_alike(
    tiny_run: Path, exported: Path, weights: Path, photo: Callable[..., np.ndarray]
) -> None:
    photos = np.stack([photo(33, 47, seed) for seed in (1, 2)])
    net = transform_net.TransformNet(architectures.Transform(4, 1, antialias=True))
    net.assign(restore.read_net(tf.train.latest_checkpoint(str(tiny_run / "checkpoints" / "best"))))
    expected = net(tf.constant(photos, tf.float32)).numpy()
    for path, levels in ((tiny_run, 0.5), (exported, 0.5), (weights, 6.0)):
        stylized = loading.load(path, "float32")(photos)
        assert stylized.dtype == np.uint8
        # Half a level for rounding and a hundredth for a sum taken in another order.
        assert np.abs(stylized - expected).max() < levels + 0.01, path


def graphs() -> int:
    """Counts the graphs in memory."""
    gc.collect()
    # By type: isinstance asks objects of other packages for their __class__, which may warn.
    return sum(issubclass(type(each), tf.Graph) for each in gc.get_objects())


def test_a_model_that_is_dropped_leaves_no_graph_in_memory(
    tmp_path: Path, photo: Callable[..., np.ndarray]
) -> None:
    # With all layers that pad: convolutions, low-pass filters, and upsampling.
    described = descriptions.Description(
        architectures.Transform(width=4, residual_blocks=3, deep=True, antialias=True),
        (descriptions.Style("one"),),
    )
    net = model.build(described.architecture)
    checkpoint_file.write_checkpoint(tmp_path / store.WEIGHTS, net.tensors())
    (tmp_path / descriptions.FILE).write_text(described.to_json())
    before = graphs()
    loading.load(tmp_path, "float32")(photo(32, 40))
    assert graphs() <= before


def test_bfloat16_stylizes_nearly_the_same(
    tiny_run: Path, photo: Callable[..., np.ndarray]
) -> None:
    pixels = photo(40, 40)
    full, half = (loading.load(tiny_run, precision) for precision in ("float32", "bfloat16"))
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
    expected = loading.load(tiny_run, "bfloat16" if fast else "float32")(pixels)
    np.testing.assert_array_equal(loading.load(tiny_run)(pixels), expected)


def test_a_file_without_a_network_is_rejected_by_name(tmp_path: Path) -> None:
    with pytest.raises(errors.UserError, match=r"vgg_16\.ckpt: contains no transform net"):
        loading.load(ROOT / "pretrained" / "vgg_16.ckpt")
    text = tmp_path / "notes.txt"
    text.write_text("no network")
    with pytest.raises(errors.UserError, match=r"notes\.txt: not a TensorFlow checkpoint"):
        loading.load(text)
    saved = tmp_path / "broken"
    saved.mkdir()
    (saved / "saved_model.pb").write_bytes(b"no graph")
    with pytest.raises(errors.UserError, match=r"broken: is a SavedModel without the model\.json"):
        loading.load(saved)


@pytest.mark.slow
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


@pytest.mark.parametrize("style", ["ink", "wave:0.6,candy:0.4"])
def test_a_stylizer_is_loaded_with_a_style_or_a_blend(
    gallery: Path, photo: Callable[..., np.ndarray], style: str
) -> None:
    pixels = photo(30, 41)
    any_style, one_style = loading.load(gallery), loading.load(gallery, style=style)
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
    paint, pixels = loading.load("ink"), photo(30, 41)
    assert paint.name == "ink"
    np.testing.assert_array_equal(paint(pixels), loading.load(gallery)(pixels, "ink"))
    # An explicit style wins.
    other = loading.load("ink", style="candy")
    np.testing.assert_array_equal(other(pixels), paint(pixels, "candy"))


def test_a_stylizers_strength_is_that_of_all_calls_that_name_none(
    gallery: Path, photo: Callable[..., np.ndarray]
) -> None:
    pixels = photo(30, 41)
    half, full = loading.load(gallery, strength=0.5), loading.load(gallery)
    np.testing.assert_array_equal(half(pixels), full(pixels, strength=0.5))
    np.testing.assert_array_equal(half(pixels, "ink"), full(pixels, "ink", 0.5))
    np.testing.assert_array_equal(half(pixels, strength=1.0), full(pixels))
    # 0 is a strength too.
    assert levels(half(pixels, strength=0.0), half(pixels)) > 5


def test_an_impossible_style_or_strength_is_an_error_at_once(gallery: Path, tiny_run: Path) -> None:
    for options, message in (
        ({"style": "cubist"}, r"^no style cubist \(styles: wave, candy, ink\)$"),
        ({"style": "wave:0"}, "^style wave:0: the share should be"),
        ({"strength": 2.0}, "^strength 2: should be from 0 to 1.5$"),
    ):
        with pytest.raises(errors.UserError, match=message):
            loading.load(gallery, **options)
    with pytest.raises(errors.UserError, match=r"^strength 0\.5: only 1 is possible, because"):
        loading.load(tiny_run, strength=0.5)
    paint = loading.load(gallery)
    with pytest.raises(errors.UserError, match=r"^no style cubist"):
        paint(np.zeros((20, 20, 3), np.uint8), "cubist")


def test_a_networks_own_grain_is_the_default(
    gallery: Path, tmp_path: Path, photo: Callable[..., np.ndarray]
) -> None:
    shutil.copytree(gallery, tmp_path / "grainy")
    path = tmp_path / "grainy" / "model.json"
    path.write_text(path.read_text().replace('"identity": true', '"identity": true, "grain": 6'))
    pixels = photo(30, 40)
    grainy, plain = loading.load(tmp_path / "grainy"), loading.load(gallery)
    np.testing.assert_array_equal(grainy(pixels), plain(pixels, grain=6))
    np.testing.assert_array_equal(grainy(pixels, grain=0), plain(pixels))
    assert levels(grainy(pixels), plain(pixels)) > 5


class Foreign(tf.Module):
    """A SavedModel of another program."""

    def __init__(self, compute: Callable[[tf.Tensor], tf.Tensor]) -> None:
        super().__init__()
        self.compute = compute

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)])
    def serve(self, photos: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"pictures": self.compute(photos)}


def save(folder: Path, compute: Callable[[tf.Tensor], tf.Tensor]) -> Path:
    made = Foreign(compute)
    tf.saved_model.save(made, str(folder), signatures=made.serve)
    return folder


def test_the_saved_model_of_another_program_needs_trust(tmp_path: Path) -> None:
    folder = save(tmp_path / "inverted", lambda photos: 255.0 - photos)
    with pytest.raises(errors.UserError, match=r"A SavedModel is a program.*add --trust"):
        loading.load(folder)
    photo = np.full((20, 30, 3), 55, np.uint8)
    assert (loading.load(folder, trust=True)(photo) == 200).all()


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda photos: photos / 255.0, "returns values of about 0..1; a model should return RGB"),
        (lambda photos: tf.reduce_mean(photos, [1, 2]), r"returns the shape \[1, 3\] for a photo"),
        (lambda photos: photos * float("nan"), "that are no finite numbers"),
        (lambda photos: tf.reshape(photos, [1, 9, 9, 3]), r"cannot stylize RGB of 1 x 64 x 64"),
    ],
)
def test_a_saved_model_that_paints_no_pictures_is_refused(
    compute: Callable[[tf.Tensor], tf.Tensor], message: str, tmp_path: Path
) -> None:
    folder = save(tmp_path / "other", compute)
    with pytest.raises(errors.UserError, match=message) as caught:
        loading.load(folder, trust=True)
    assert "{{" not in str(caught.value) and "Graph execution" not in str(caught.value)


@pytest.mark.parametrize("name", ["[brackets]*?", os.fsdecode(b"caf\xe9")])
def test_a_saved_model_is_loaded_from_a_folder_of_any_name(
    name: str, tmp_path: Path, exported: Path, photo: Callable[..., np.ndarray]
) -> None:
    shutil.copytree(exported, tmp_path / name)
    assert loading.load(tmp_path / name)(photo(20, 30)).shape == (20, 30, 3)
