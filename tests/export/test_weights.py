"""Weights in float16, and the rules of every export: whole, checked, and never over other files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst import checkpoint_file, errors, export
from fastnst.cli import export as command
from fastnst.controls import blends
from fastnst.export import weights
from fastnst.models import descriptions, loading, restore, store
from fastnst.models import model as model_module
from fastnst.nets import architectures

Photo = Callable[..., np.ndarray]
TOLERANCE = weights.TOLERANCE["float16"]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, model: model_module.Model) -> Path:
    """The tiny run's weights."""
    folder = tmp_path_factory.mktemp("exports") / "tiny"
    export.export(model, folder, "weights", {"README.md": "# A card\n"})
    return folder


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory, gallery: Path) -> Path:
    """The weights of the gallery of three styles."""
    folder = tmp_path_factory.mktemp("exports") / "gallery"
    export.export(restore.load(store.find(gallery)), folder, "weights", {})
    return folder


def read(folder: Path) -> dict[str, np.ndarray]:
    """Reads the tensors with TensorFlow alone."""
    reader = tf.train.load_checkpoint(str(folder / "weights.ckpt"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_every_format_has_a_module_with_the_same_parts_and_a_place_on_the_command_line() -> None:
    for file_format in export.FORMATS:
        module = export._module(file_format)
        assert callable(module.write) and callable(module.paint)
        assert module.TOLERANCE.keys() == set(export.FORMATS[file_format].precisions)
        assert export.use(file_format) == module.USE
        help_text = " ".join(command.make_parser("export.py").format_help().split())
        assert f"{file_format}: for " in help_text


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["exported", "several"])
def test_weights_are_the_networks_in_float16_under_its_names(
    kind: str, tiny_run: Path, gallery: Path, request: pytest.FixtureRequest
) -> None:
    found = read(request.getfixturevalue(kind))
    tensors = restore.load(store.find(tiny_run if kind == "exported" else gallery)).net.tensors()
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == np.float16
        np.testing.assert_allclose(found[name], tensor, rtol=2**-11, atol=1e-7)


def test_weights_can_be_stylized_with(
    exported: Path, model: model_module.Model, photo: Photo
) -> None:
    pixels = photo(29, 43)
    expected = model.net(tf.constant(pixels[np.newaxis], tf.float32))[0]
    stylized = loading.load(exported)(pixels)
    assert np.abs(stylized - expected).max() <= TOLERANCE


def test_weights_of_several_styles_keep_them_all_with_their_description(
    several: Path, gallery: Path, photo: Photo
) -> None:
    text = (several / descriptions.FILE).read_text()
    assert text == (gallery / descriptions.FILE).read_text()
    pixels = photo(29, 43)
    found, expected = (loading.load(folder, "float32") for folder in (several, gallery))
    assert found.styles == ("wave", "candy", "ink")
    for options in ({"style": "candy"}, {"style": "ink"}, {"strength": 0.5}, {"strength": 0.0}):
        difference = found(pixels, **options).astype(int) - expected(pixels, **options)
        assert np.abs(difference).max() <= TOLERANCE, options


@pytest.mark.slow
@pytest.mark.parametrize("style", ["candy", "wave:0.6,candy:0.4"])
def test_one_style_or_blend_is_exported_alone(
    tmp_path: Path, gallery: Path, photo: Photo, style: str
) -> None:
    alone = model_module.only(restore.load(store.find(gallery)), style)
    export.export(alone, tmp_path / "alone", "weights", {})
    assert read(tmp_path / "alone")[architectures.TABLE].shape[0] == 1
    paint, pixels = loading.load(tmp_path / "alone", "float32"), photo(29, 43)
    assert paint.styles == (blends.file_name(style),)
    expected = loading.load(gallery, "float32")(pixels, style)
    assert np.abs(paint(pixels).astype(int) - expected).max() <= TOLERANCE


def test_each_further_style_adds_its_row_alone() -> None:
    layout = architectures.Transform(antialias=True, deep=True).layout()
    # 3558 numbers of 2 bytes.
    assert 2 * layout.size == 7116
    assert weights.__doc__ and "7.1 kB per additional style" in weights.__doc__


@pytest.mark.slow
def test_an_earlier_export_is_replaced_as_a_whole(
    tmp_path: Path, model: model_module.Model
) -> None:
    folder = tmp_path / "model"
    export.export(model, folder, "weights", {"README.md": "one", "config.yml": "old"})
    export.export(model, folder, "weights", {"README.md": "two"})
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "metadata.json",
        "model.json",
        "weights.ckpt.data-00000-of-00001",
        "weights.ckpt.index",
    ]
    assert (folder / "README.md").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert folder.stat().st_mode & 0o777 == 0o755


@pytest.mark.slow
def test_an_export_goes_into_an_empty_folder_even_the_current_one(
    tmp_path: Path, model: model_module.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    export.export(model, Path("."), "weights", {})
    assert (tmp_path / "empty" / "weights.ckpt.index").exists()


@pytest.mark.parametrize("kind", ["folder", "export with more in it", "file"])
def test_only_an_export_is_ever_replaced(
    tmp_path: Path, model: model_module.Model, kind: str
) -> None:
    place = tmp_path / "photos"
    if kind != "file":
        if kind == "folder":
            place.mkdir()
        else:
            export.export(model, place, "weights", {})
        (place / "photo.jpg").write_text("precious")
    else:
        place.write_text("precious")
    precious = place if kind == "file" else place / "photo.jpg"
    with pytest.raises(errors.UserError, match=f"{precious.name}: is not part of an export"):
        export.export(model, place, "weights", {})
    assert precious.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


@pytest.mark.slow
def test_an_export_that_fails_its_check_is_dropped_and_the_old_one_stays(
    tmp_path: Path, model: model_module.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    export.export(model, folder, "weights", {"README.md": "good"})
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    # As if a fault in the exporter moved them a little.
    write = checkpoint_file.write_checkpoint

    def spoil(prefix: Path, tensors: dict[str, np.ndarray]) -> None:
        write(prefix, tensors | {"styles": tensors["styles"] + np.float16(0.3)})

    monkeypatch.setattr(checkpoint_file, "write_checkpoint", spoil)
    with pytest.raises(errors.UserError, match=r"differs from the network by \d+ levels"):
        export.export(model, folder, "weights", {"README.md": "bad"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_error_names_a_folder_that_cannot_be_written(
    tmp_path: Path, model: model_module.Model
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(errors.UserError, match="file/model: cannot be written"):
        export.export(model, tmp_path / "file" / "model", "weights", {})
