"""Stylizing with ONNX Runtime, from the cache."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import made
import numpy as np
import pytest
from PIL import Image

import fastnst
from fastnst import controls, errors, images
from fastnst.export import portable
from fastnst.models import loading, store


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def reference(tmp_path: Path, gallery: Path) -> store.Reference:
    """A model of three styles."""
    shutil.copytree(gallery, tmp_path / "gallery")
    return store.find(tmp_path / "gallery")


CHOICES = [
    {},
    {"style": "ink"},
    {"style": "wave:0.6,candy:0.4", "strength": 0.5},
    {"strength": 1.3, "colors": "photo"},
    {"stroke": 2.0, "grain": 5.0, "seed": 3},
]


def test_the_pictures_are_those_of_tensorflow(
    reference: store.Reference, photo: Callable[..., np.ndarray]
) -> None:
    portable.write(reference)
    batch = np.stack([photo(45, 62, seed) for seed in range(2)])
    for chosen in CHOICES:
        expected = loading.load(reference, "float32", **chosen)(batch)
        found = portable.load(reference, **chosen)(batch)
        assert found.shape == expected.shape and found.dtype == np.uint8
        assert np.abs(found.astype(int) - expected).max() <= 1, chosen


def test_the_package_loads_models_into_it(
    reference: store.Reference, photo: Callable[..., np.ndarray]
) -> None:
    paint = fastnst.load(reference.path, runtime="onnxruntime", style="candy")
    np.testing.assert_array_equal(
        paint(photo(20, 30)), portable.load(reference, style="candy")(photo(20, 30))
    )


def test_another_runtime_or_precision_is_refused(reference: store.Reference) -> None:
    with pytest.raises(errors.UserError, match=r"^runtime onnx: should be tensorflow or onnx"):
        fastnst.load(reference.path, runtime="onnx")
    with pytest.raises(errors.UserError, match=r"with onnxruntime; use precision float32,"):
        fastnst.load(reference.path, "bfloat16", runtime="onnxruntime")


def test_a_model_of_one_style_has_no_other_and_no_strength(tiny_run: Path) -> None:
    one = store.find(tiny_run)
    portable.write(one)
    paint = portable.load(one)
    assert paint.styles == ("tiny",) and paint.name == "tiny"
    with pytest.raises(errors.UserError, match=r"^no style wave \(styles: tiny\)"):
        portable.load(one, style="wave")
    with pytest.raises(errors.UserError, match=r"^strength 0\.5: only 1 is possible"):
        paint(np.zeros((20, 20, 3), np.uint8), strength=0.5)


def test_a_style_found_by_its_name_is_the_default(
    reference: store.Reference, photo: Callable[..., np.ndarray]
) -> None:
    portable.write(reference)
    candy = portable.load(store.Reference(reference.path, "candy"))
    np.testing.assert_array_equal(
        candy(photo(20, 30)), portable.load(reference)(photo(20, 30), "candy")
    )


def test_a_model_is_written_once_and_again_when_it_has_changed(
    reference: store.Reference, cache: Path
) -> None:
    first = portable.write(reference)
    assert first.is_relative_to(cache)
    written = first.stat().st_mtime_ns
    assert portable.write(reference) == first and first.stat().st_mtime_ns == written
    described = reference.path / "model.json"
    described.write_text(described.read_text() + "\n")
    second = portable.write(reference)
    assert second != first and second.is_file()
    # Its earlier state is of no use.
    assert not first.exists() and len(list(cache.rglob("*.onnx"))) == 1


def test_a_damaged_file_in_the_cache_is_written_again(
    reference: store.Reference, photo: Callable[..., np.ndarray]
) -> None:
    expected = portable.load(reference)(photo(20, 30))
    written = portable.path(reference)
    written.write_bytes(written.read_bytes()[:1000])
    np.testing.assert_array_equal(portable.load(reference)(photo(20, 30)), expected)


def test_few_photos_suit_onnx_runtime_and_many_do_not(
    reference: store.Reference, tmp_path: Path
) -> None:
    default = controls.Controls(stroke=1)
    few, large = tmp_path / "few.png", tmp_path / "large.png"
    Image.new("RGB", (600, 500)).save(few)
    Image.new("RGB", (2400, 1000)).save(large)
    assert portable.suits(reference, [few], default)
    assert portable.suits(reference, [few] * 16, default)
    assert not portable.suits(reference, [few] * 17, default)
    assert not portable.suits(reference, [large], default)
    # A shorter side of 800: 1.5 megapixels.
    assert portable.suits(reference, [large], default, size=800)
    assert portable.suits(reference, [large] * 3, default, size=800)
    two_passes = controls.Controls(stroke=2)
    assert not portable.suits(reference, [large] * 3, two_passes, size=800)
    masks = {style: np.ones((4, 4)) for style in ("wave", "candy")}
    assert not portable.suits(reference, [few] * 9, controls.Controls(stroke=1, masks=masks))
    buffer = io.BytesIO()
    Image.new("RGB", (2400, 1000)).save(buffer, "PNG")
    assert not portable.suits(reference, [buffer.getvalue()], default)
    # What is wrong with a photo is told when it is read.
    assert portable.suits(reference, [tmp_path / "none.png", b"no photo"], default)


def test_photos_beyond_pillows_own_limits_are_left_to_tensorflow_without_a_warning(
    reference: store.Reference, recwarn: pytest.WarningsRecorder
) -> None:
    for side in (11_000, 20_000):
        assert not portable.suits(reference, [made.png_of(side, side)], controls.Controls(stroke=1))
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9000 9000\n%%EndComments\n"
    assert portable.suits(reference, [postscript], controls.Controls(stroke=1))
    assert not recwarn.list


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    reference: store.Reference, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    missing = {"onnx"}
    monkeypatch.setattr(portable, "_installed", lambda name: name not in missing)
    photo = tmp_path / "a.png"
    Image.new("RGB", (20, 20)).save(photo)
    assert not portable.suits(reference, [photo], controls.Controls())
    with pytest.raises(errors.UserError, match=r'^needs onnx and .*pip install "fastnst\[onnx\]"$'):
        portable.write(reference)
    missing.clear()
    portable.write(reference)
    # The file can be used without the package that writes it.
    missing.add("onnx")
    assert portable.suits(reference, [photo], controls.Controls())
    portable.load(reference)
    missing.add("onnxruntime")
    assert not portable.suits(reference, [photo], controls.Controls())
    with pytest.raises(errors.UserError, match=r"^needs onnx and onnxruntime; run: "):
        portable.load(reference)


def test_running_out_of_memory_is_the_users_error(
    reference: store.Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    portable.write(reference)
    paint = portable.load(reference)

    def fail(*_: object) -> None:
        raise RuntimeError("Failed to allocate memory for requested buffer of size 1")

    monkeypatch.setattr(onnxruntime.InferenceSession, "run", fail)
    with pytest.raises(errors.UserError, match=r"not enough memory to stylize"):
        paint(np.zeros((20, 20, 3), np.uint8))


PROGRAM = """
import sys
from pathlib import Path
from fastnst.models import store
from fastnst.export import portable
from fastnst.painting import jobs, photos

reference = store.find(sys.argv[1])
model = portable.load(reference)
(outcome,) = photos.paint(model, jobs.plan([Path(sys.argv[2])], Path(sys.argv[3]), "a"))
assert outcome.error is None, outcome.error
assert "tensorflow" not in sys.modules
"""


def test_tensorflow_is_not_imported(
    reference: store.Reference, tmp_path: Path, photo: Callable[..., np.ndarray]
) -> None:
    portable.write(reference)
    images.write(tmp_path / "a.png", photo(40, 50))
    arguments = [reference.path, tmp_path / "a.png", tmp_path / "b.png"]
    command = [sys.executable, "-c", PROGRAM, *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert images.read(tmp_path / "b.png").shape == (40, 50, 3)
