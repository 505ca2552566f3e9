"""`fastnst gallery`, run within this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastnst import export, images
from fastnst.cli import gallery as command
from fastnst.models import loading, restore, store
from fastnst.reports import contact_sheet


@pytest.fixture
def here(
    tmp_path: Path,
    tiny_run: Path,
    photo: Callable[..., np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A working directory with two models and a photo of 40 x 60 pixels."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fastnst.models.store.SHIPPED", tmp_path / "none")
    for name in ("one", "two"):
        shutil.copytree(tiny_run, tmp_path / "models" / name)
    Image.fromarray(photo(60, 40)).save(tmp_path / "a.png")
    return tmp_path


def test_a_photo_is_shown_in_every_style(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["a.png", "--size", "64"]) == 0
    assert capsys.readouterr().out == "generated/a-gallery.jpg\n"
    assert images.read("generated/a-gallery.jpg").shape == (8 + 2 * (96 + 36), 8 + 2 * 72, 3)


def test_a_damaged_model_is_left_out_unless_it_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data,) = (here / "models/one/checkpoints/best").glob("*.data-*")
    for kept in [*(here / "models/one").rglob("*.data-*")]:
        kept.write_bytes(data.read_bytes()[:100])
    assert command.main(["a.png", "--size", "32"]) == 0
    error = capsys.readouterr().err
    assert "left out: models/one" in error and error.count("\n") == 1
    # The photo and one painting.
    assert images.read("generated/a-gallery.jpg").shape[1] == 8 + 2 * 40
    assert command.main(["a.png", "--model", "one"]) == 1
    shutil.rmtree(here / "models/two")
    assert command.main(["a.png"]) == 1
    assert "no model can be loaded; name one" in capsys.readouterr().err


def test_models_can_be_chosen_and_a_mistake_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["a.png", "--model", "two", "-o", "sheet.png", "--size", "32"]) == 0
    assert images.read("sheet.png").shape == (8 + 48 + 36, 8 + 2 * 40, 3)
    capsys.readouterr()
    for arguments, message in (
        (["b.png"], "b.png: no such file; did you mean a.png?"),
        (["a.png", "--model", "tow"], "no model tow; did you mean two?"),
        (["a.png", "-o", "sheet.xyz"], "sheet.xyz: cannot write .xyz"),
        (["a.png", "-o", "a.png/sheet.png"], "a.png/sheet.png: cannot be written (File exists)"),
    ):
        assert command.main(arguments) == 1
        output, error = capsys.readouterr()
        assert output == "" and error.startswith(f"fastnst gallery: {message}")
    several = ["models/one/checkpoints", "models/one"]
    options = [f"--model={name}" for name in several]
    assert command.main(["a.png", *options, "-o", "several.png", "--size", "32"]) == 0
    # The photo and two paintings, although both models are called "one".
    assert images.read("several.png").shape == (8 + 48 + 36, 8 + 3 * 40, 3)
    capsys.readouterr()
    shutil.rmtree("models")
    assert command.main(["a.png"]) == 1
    assert "no models found; train one" in capsys.readouterr().err


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """The pictures on the contact sheet by their labels, once the command has run."""
    pictures: dict[str, np.ndarray] = {}
    render = contact_sheet.render
    monkeypatch.setattr(
        contact_sheet, "render", lambda given: pictures.update(given) or render(given)
    )
    return pictures


def test_the_styles_of_one_model_are_shown_by_their_names(
    here: Path, gallery: Path, shown: dict[str, np.ndarray]
) -> None:
    assert command.main(["a.png", "--model", str(gallery), "--size", "32"]) == 0
    assert list(shown) == ["photo", "wave", "candy", "ink"]
    paint = loading.load(gallery)
    for name in ("wave", "candy", "ink"):
        np.testing.assert_array_equal(shown[name], paint(shown["photo"], name))


@pytest.mark.slow
def test_styles_of_several_models_are_all_shown_even_under_equal_names(
    here: Path, gallery: Path, tiny_run: Path, shown: dict[str, np.ndarray]
) -> None:
    for name in ("another", "gallery"):
        shutil.copytree(gallery, here / "models" / name)
    shutil.copytree(tiny_run, here / "models" / "wave")
    assert command.main(["a.png", "--size", "32"]) == 0
    assert list(shown) == [
        "photo",
        *(f"another {style}" for style in ("wave", "candy", "ink")),
        *(f"gallery {style}" for style in ("wave", "candy", "ink")),
        "one",
        "two",
        "wave",
    ]
    np.testing.assert_array_equal(shown["wave"], loading.load(tiny_run)(shown["photo"]))
    assert (shown["gallery wave"] != shown["wave"]).any()
    shown.clear()
    given = ["models/gallery", "models/gallery/weights.ckpt"]
    assert command.main(["a.png", *(f"--model={name}" for name in given), "--size", "32"]) == 0
    assert len(shown) == 1 + 2 * 3
    assert "models/gallery/weights.ckpt ink" in shown


def test_one_style_of_a_model_can_be_chosen(
    here: Path, gallery: Path, shown: dict[str, np.ndarray]
) -> None:
    shutil.copytree(gallery, here / "models" / "gallery")
    options = ["--model", "ink", "--model", "one"]
    assert command.main(["a.png", *options, "--size", "32"]) == 0
    assert list(shown) == ["photo", "ink", "one"]
    expected = loading.load(gallery, style="ink")(shown["photo"])
    np.testing.assert_array_equal(shown["ink"], expected)


@pytest.mark.slow
def test_an_exported_saved_model_is_shown_too(
    here: Path, tiny_run: Path, shown: dict[str, np.ndarray]
) -> None:
    export.export(
        restore.load(store.find(tiny_run)), here / "models" / "exported", "savedmodel", {}
    )
    assert command.main(["a.png", "--size", "32"]) == 0
    assert list(shown) == ["photo", "exported", "one", "two"]
