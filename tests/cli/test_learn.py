"""`fastnst learn`: adding a style to a trained model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import fastnst
from fastnst import export, images
from fastnst.cli import eval as eval_command
from fastnst.cli import learn
from fastnst.models import restore, store

SMALL = [
    *("--steps", "3", "--set", "image_size=32", "--set", "style_weight=8", "--set"),
    *("style_layers=[relu1_2, relu2_2]", "--set", "content_layers=[relu2_2]"),
    *("--set", "precision=float32"),
]


@pytest.fixture
def place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_run: Path,
    validation_photos: Path,
    photo: Callable[..., np.ndarray],
) -> Path:
    """A working directory with a tiny model, a painting and a folder of photos."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_run, tmp_path / "models" / "tiny")
    images.write(tmp_path / "painting.png", photo(64, 48, 7))
    images.write(tmp_path / "several" / "one.png", photo(40, 40, 8))
    images.write(tmp_path / "several" / "two.png", photo(40, 48, 9))
    shutil.copytree(validation_photos, tmp_path / "photos")
    return tmp_path


@pytest.mark.slow
def test_a_style_is_added_and_all_others_stay_bit_for_bit(
    place: Path, photo: Callable[..., np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    picture = photo(32, 32)
    before = fastnst.load("tiny", "float32")(picture)
    tensors = restore.load(store.find("tiny")).net.tensors()
    arguments = ["painting.png", "--into", "tiny", "--name", "mine", "--dataset", "photos", *SMALL]
    assert learn.main(arguments) == 0
    assert "fastnst eval --model tiny --style mine PHOTO" in capsys.readouterr().out
    grown = restore.load(store.find("tiny"))
    assert grown.description.names == ("tiny", "mine")
    assert grown.description.styles[1].painting == "painting.png"
    after = grown.net.tensors()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(after[name][:1] if name == "styles" else after[name], tensor)
    assert not np.array_equal(after["styles"][1], after["styles"][0])
    np.testing.assert_array_equal(fastnst.load("tiny", "float32")(picture), before)
    # Its name finds it.
    assert store.find("mine").path == Path("models/tiny")
    images.write("photo.png", picture)
    assert eval_command.main(["--model", "mine", "photo.png"]) == 0
    assert Path("generated/photo-mine.png").exists()


@pytest.mark.slow
def test_a_folder_of_paintings_is_one_style_named_after_it(place: Path) -> None:
    assert learn.main(["several", "--into", "tiny", "--dataset", "photos", *SMALL]) == 0
    assert restore.styles(Path("models/tiny")) == ("tiny", "several")


@pytest.mark.slow
def test_a_shipped_model_is_copied_to_the_users_own_first(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = place / "shipped"
    shutil.move(place / "models" / "tiny", shipped / "tiny")

    export.export(
        restore.load(store.Reference(shipped / "tiny")), place / "pre" / "tiny", "weights", {}
    )
    shutil.rmtree(shipped)
    monkeypatch.setattr(store, "SHIPPED", place / "pre")
    before = {path.name: path.read_bytes() for path in (place / "pre" / "tiny").iterdir()}
    command = ["painting.png", "--into", "tiny", "--name", "mine", "--dataset", "photos", *SMALL]
    assert learn.main(command) == 0
    assert store.find("mine").path == Path("models/tiny")
    after = {path.name: path.read_bytes() for path in (place / "pre" / "tiny").iterdir()}
    assert after == before


@pytest.mark.slow
def test_all_weights_can_be_trained_into_a_model_of_its_own(place: Path) -> None:
    own = [*SMALL, "--kernels", "--set", "batch_size=1", "--set", "width=4"]
    own += ["--set", "residual_blocks=1", "--set", "validation=photos"]
    assert learn.main(["painting.png", "--into", "tiny", "--dataset", "photos", *own]) == 0
    assert restore.styles(Path("models/tiny")) == ("tiny",)
    assert restore.load(store.find("painting")).description.names == ("painting",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.png", "--into", "tiny"], "style_image: no.png: no such file"),
        (["painting.png", "--into", "tini"], "no model tini; did you mean tiny?"),
        (["painting.png", "--into", "tiny", "--name", "tiny"], "already has a style of that name"),
        (["painting.png", "--into", "tiny", "--name", "a/b"], "--name: 'a/b' is not a plain name"),
        (["painting.png", "--into", "tiny", "--set", "colour=1"], "unknown key colour"),
        (["painting.png", "--into", "tiny", "--set", "colour"], "should be key=value"),
    ],
)
def test_mistakes_are_one_line(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert learn.main([*arguments, "--dataset", "photos", *SMALL]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("fastnst learn: ") and message in line
    assert not (place / "models" / "tiny" / "learned").exists()
