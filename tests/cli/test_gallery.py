"""`fastnst gallery`, run within this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastnst import images
from fastnst.cli import gallery as command


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


def test_models_can_be_chosen_and_mistakes_are_a_line(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["a.png", "--model", "two", "-o", "sheet.png", "--size", "32"]) == 0
    assert images.read("sheet.png").shape == (8 + 48 + 36, 8 + 2 * 40, 3)
    capsys.readouterr()
    for arguments, message in (
        (["b.png"], "b.png: no such file; did you mean a.png?"),
        (["a.png", "--model", "tow"], "no model tow; did you mean two?"),
        (["a.png", "-o", "sheet.xyz"], "sheet.xyz: cannot write .xyz"),
    ):
        assert command.main(arguments) == 1
        output, error = capsys.readouterr()
        assert output == "" and error.startswith(f"fastnst gallery: {message}")
    several = ["models/one/checkpoints", "models/one"]
    options = [f"--model={name}" for name in several]
    assert command.main(["a.png", *options, "-o", "several.png", "--size", "32"]) == 0
    # The photo and two paintings, although both are by "one".
    assert images.read("several.png").shape == (8 + 48 + 36, 8 + 3 * 40, 3)
    capsys.readouterr()
    shutil.rmtree("models")
    assert command.main(["a.png"]) == 1
    assert "no models found; train one" in capsys.readouterr().err
