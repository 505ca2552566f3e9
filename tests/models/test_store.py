"""Finding models by name, path or style, and restoring them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors, files
from fastnst.models import descriptions, learned, loading, restore, store
from fastnst.nets import transform_net

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_run: Path, weights: Path) -> Path:
    """A working directory with models/candy, and candy and wave where shipped models lie."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_run, tmp_path / "models" / "candy")
    for name in ("candy", "wave"):
        shutil.copytree(weights, tmp_path / "elsewhere" / name)
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "elsewhere")
    return tmp_path


def test_a_name_is_looked_up_in_the_working_directory_and_then_among_the_shipped_models(
    place: Path,
) -> None:
    assert store.find("candy") == store.Reference(Path("models/candy"))
    assert store.find("wave") == store.Reference(place / "elsewhere" / "wave")
    assert store.available() == {
        "candy": Path("models/candy"),
        "wave": place / "elsewhere" / "wave",
    }


def test_a_run_is_found_by_its_checkpoints_even_if_tensorflows_note_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = Path("models", "mine")
    (run / "checkpoints" / "best").mkdir(parents=True)
    (run / "config.yml").touch()
    with pytest.raises(errors.UserError, match="no model mine"):
        store.find("mine")
    for place in (run / "checkpoints" / "best", run / "checkpoints"):
        (place / "step-30.index").touch()
        assert store.find("mine") == store.find(run) == store.Reference(run)
        (place / "step-30.index").unlink()


def test_an_unknown_name_is_an_error_with_the_nearest_and_all_models(place: Path) -> None:
    with pytest.raises(errors.UserError) as caught:
        loading.load("candi")
    assert str(caught.value) == (
        "no model candi; did you mean candy? (models here: candy, wave; fastnst train trains one)"
    )
    with pytest.raises(errors.UserError, match=r"^no model models/other \(models here: candy, "):
        loading.load("models/other")


def test_without_any_model_the_error_says_to_train_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "none")
    with pytest.raises(errors.UserError, match=r"none here yet; fastnst train trains one"):
        loading.load("candy")


@pytest.mark.parametrize("name", ["", ".", "/", "models/"])
def test_a_path_that_is_no_model_is_rejected(place: Path, name: str) -> None:
    with pytest.raises(errors.UserError, match=r"^no model "):
        loading.load(name)


def test_a_saved_model_cannot_be_restored_as_a_network(place: Path) -> None:
    Path("export").mkdir()
    Path("export/saved_model.pb").touch()
    with pytest.raises(errors.UserError, match=r"^export: is an exported model; name the run that"):
        restore.load(store.find("export"))


def test_a_run_without_a_checkpoint_is_the_users_error(place: Path) -> None:
    checkpoints = place / "models" / "candy" / "checkpoints"
    shutil.rmtree(checkpoints / "best")
    for file in checkpoints.glob("step-*"):
        file.unlink()
    with pytest.raises(errors.UserError, match=r"models/candy: has no checkpoint yet"):
        loading.load("candy")


def test_every_path_into_a_run_leads_to_its_network(tiny_run: Path) -> None:
    best = tf.train.latest_checkpoint(str(tiny_run / "checkpoints" / "best"))
    last = tf.train.latest_checkpoint(str(tiny_run / "checkpoints"))
    earlier = tiny_run / "checkpoints" / "step-4"
    for path in (
        tiny_run,
        tiny_run / "checkpoints",
        tiny_run / "checkpoints" / "best",
        Path(best),
        Path(f"{best}.index"),
        Path(last),
        earlier,
    ):
        reference = store.find(path)
        tensors = restore.load(reference).net.tensors()
        assert len(tensors) == 8 + 1, path
        expected = restore.read_net(earlier if path == earlier else best)
        for name, tensor in tensors.items():
            np.testing.assert_array_equal(tensor, expected[name], err_msg=str(path))
        assert reference.name == "tiny"
        assert reference.folder == tiny_run.resolve()
        assert restore.styles(path) == ("tiny",)


def test_a_models_name_is_that_of_its_folder_even_from_within(
    tiny_run: Path, exported: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_run)
    assert store.find(".").name == "tiny"
    assert store.find("checkpoints/best").name == "tiny"
    assert store.find("checkpoints/step-6").name == "tiny"
    assert store.find(exported).name == "bright"
    assert store.find(weights).name == "shipped"
    assert store.find(weights / "weights.ckpt").name == "shipped"


@pytest.mark.parametrize("place", ["best", "checkpoints/candy", "checkpoints/best"])
def test_a_model_may_be_called_best_and_lie_among_checkpoints(
    tmp_path: Path, tiny_run: Path, place: str
) -> None:
    run = tmp_path / place
    shutil.copytree(tiny_run, run)
    for path in (run, run / "checkpoints", run / "checkpoints" / "best"):
        reference = store.find(path)
        assert reference.name == run.name
        assert reference.folder == run
        assert restore.load(reference).description.names == ("tiny",)


@pytest.fixture
def with_gallery(place: Path, gallery: Path) -> Path:
    """The same working directory with models/gallery, which has the styles wave, candy and ink."""
    shutil.copytree(gallery, place / "models" / "gallery")
    return place


def test_a_model_of_several_styles_is_listed_with_them(with_gallery: Path) -> None:
    path = store.available()["gallery"]
    assert path == Path("models/gallery")
    assert restore.styles(path) == ("wave", "candy", "ink")
    assert restore.styles(Path("models/candy")) == ("tiny",)


def test_only_the_learned_styles_that_fit_the_kernels_are_listed(with_gallery: Path) -> None:
    path = store.available()["gallery"]
    net = restore.load(store.Reference(path)).net
    row = net.table.numpy()[0]
    learned.add(path, descriptions.Style("mine"), row, net)
    learned.add(
        path, descriptions.Style("older"), row, transform_net.TransformNet(net.architecture)
    )
    assert restore.styles(path) == ("wave", "candy", "ink", "mine")
    # Its name still leads to its model, which says why the style cannot be used.
    assert store.find("older") == store.Reference(path, "older")


def test_runs_that_were_moved_aside_are_found_only_by_their_full_name(place: Path) -> None:
    aside = files.retire(place / "models" / "candy")
    assert aside is not None and aside not in store.available().values()
    assert store.find("candy.old1").path == Path("models/candy.old1")


def test_a_style_is_found_by_its_name(with_gallery: Path) -> None:
    reference = store.find("ink")
    assert reference == store.Reference(Path("models/gallery"), "ink")
    assert reference.name == "ink"
    assert reference.folder.name == "gallery"
    assert store.find("gallery") == store.Reference(Path("models/gallery"))


def test_a_model_is_found_before_a_style_of_that_name(with_gallery: Path) -> None:
    assert store.find("wave") == store.Reference(with_gallery / "elsewhere" / "wave")
    shutil.rmtree(with_gallery / "elsewhere" / "wave")
    assert store.find("wave") == store.Reference(Path("models/gallery"), "wave")


def test_a_style_is_looked_up_in_the_working_directory_first(with_gallery: Path) -> None:
    # "art" comes before "gallery" in the alphabet.
    shutil.copytree(with_gallery / "models" / "gallery", with_gallery / "elsewhere" / "art")
    assert store.find("ink").path == Path("models/gallery")
    shutil.rmtree(with_gallery / "models" / "gallery")
    assert store.find("ink").path == with_gallery / "elsewhere" / "art"


def test_the_nearest_name_may_be_a_style(with_gallery: Path) -> None:
    with pytest.raises(
        errors.UserError, match=r"^no model inc; did you mean ink\? \(models here: "
    ):
        store.find("inc")
