"""Finding models by name or path, and reading their networks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors
from fastnst.export import exporters
from fastnst.models import store, stylizer

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


def test_a_name_is_looked_for_among_the_own_models_and_then_among_the_shipped(place: Path) -> None:
    assert store.find("candy") == Path("models/candy")
    assert store.find("wave") == place / "elsewhere" / "wave"
    assert store.available() == {
        "candy": Path("models/candy"),
        "wave": place / "elsewhere" / "wave",
    }


def test_an_unknown_name_lists_what_there_is_and_the_nearest(place: Path) -> None:
    with pytest.raises(errors.UserError) as caught:
        stylizer.load("candi")
    assert str(caught.value) == (
        "no model candi; did you mean candy? (models here: candy, wave; train.py trains one)"
    )
    with pytest.raises(errors.UserError, match=r"^no model models/other \(models here: candy, "):
        stylizer.load("models/other")


def test_where_there_are_no_models_one_is_told_to_train_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "none")
    with pytest.raises(errors.UserError, match=r"none here yet; train\.py trains one"):
        stylizer.load("candy")


@pytest.mark.parametrize("name", ["", ".", "/", "models/"])
def test_what_is_no_name_is_no_model(place: Path, name: str) -> None:
    with pytest.raises(errors.UserError, match=r"^no model "):
        stylizer.load(name)


def test_of_an_export_there_is_no_network(place: Path) -> None:
    Path("export").mkdir()
    Path("export/saved_model.pb").touch()
    with pytest.raises(errors.UserError, match=r"^export: is an exported model; name the run that"):
        store.load_net(store.find("export"))


def test_a_run_that_has_saved_nothing_yet_says_so(place: Path) -> None:
    checkpoints = place / "models" / "candy" / "checkpoints"
    shutil.rmtree(checkpoints / "best")
    for file in checkpoints.glob("step-*"):
        file.unlink()
    with pytest.raises(errors.UserError, match=r"models/candy: has no checkpoint yet"):
        stylizer.load("candy")


def test_every_path_into_a_run_leads_to_its_network(
    tiny_run: Path, photo: Callable[..., np.ndarray]
) -> None:
    best = tf.train.latest_checkpoint(str(tiny_run / "checkpoints" / "best"))
    last = tf.train.latest_checkpoint(str(tiny_run / "checkpoints"))
    earlier = tiny_run / "checkpoints" / "step-4"
    nets = {
        path: store.load_net(store.find(path)).tensors()
        for path in (
            tiny_run,
            tiny_run / "checkpoints",
            tiny_run / "checkpoints" / "best",
            Path(best),
            Path(f"{best}.index"),
            Path(last),
            earlier,
        )
    }
    for path, tensors in nets.items():
        assert len(tensors) == 26, path
        expected = store.read_net(earlier if path == earlier else best)
        for name, tensor in tensors.items():
            np.testing.assert_array_equal(tensor, expected[name], err_msg=str(path))
        assert store.name_of(path) == "tiny"


def test_a_models_name_is_its_folders_also_from_within(
    tiny_run: Path, exported: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_run)
    assert store.name_of(store.find(".")) == "tiny"
    assert store.name_of(store.find("checkpoints/best")) == "tiny"
    assert store.name_of(store.find("checkpoints/step-6")) == "tiny"
    assert store.name_of(store.find(exported)) == "bright"
    assert store.name_of(store.find(weights)) == "shipped"
    assert store.name_of(store.find(weights / "weights.ckpt")) == "shipped"


def test_a_model_may_be_called_best(tmp_path: Path, tiny_run: Path) -> None:
    run = tmp_path / "best"
    shutil.copytree(tiny_run, run)
    for path in (run, run / "checkpoints", run / "checkpoints" / "best"):
        assert store.name_of(store.find(path)) == "best"
