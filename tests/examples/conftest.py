"""Exports for the examples, and a photo."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastnst import export, images
from fastnst.export import saved_model as saved_model_module
from fastnst.models import loading, restore, store

ROOT = Path(__file__).resolve().parent.parent.parent
# Of the photo. Not square, so that mistaking height for width shows.
HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="session")
def saved_model(gallery: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gallery of three styles as a SavedModel."""
    folder = tmp_path_factory.mktemp("exports") / "gallery"
    model = restore.load(store.find(gallery))
    saved_model_module.write(model, folder, export.Options("float32"))
    return folder


@pytest.fixture(scope="session")
def onnx_folder(gallery: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gallery of three styles as an ONNX file."""
    folder = tmp_path_factory.mktemp("exports") / "gallery-onnx"
    export.export(restore.load(store.find(gallery)), folder, "onnx", {})
    return folder


@pytest.fixture
def here(tmp_path: Path, photo: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with photo.png."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(HEIGHT, WIDTH)).save("photo.png")
    return tmp_path


@pytest.fixture
def run(here: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs an example where fastnst cannot be imported: run("tensorflow_app.py", ...)."""
    # A package of this name that refuses comes before an installed one.
    (here / "blocked").mkdir()
    (here / "blocked" / "fastnst.py").write_text("raise ImportError('needs only its runtime')")

    def start(example: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "examples" / example), *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(here / "blocked")}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return start


@pytest.fixture
def largest_difference(here: Path, gallery: Path) -> Callable[..., int]:
    """Compares a picture with fastnst's: largest_difference("stylized.png", "wave", 0.8)."""

    def compare(picture: str, style: str | None = None, strength: float | None = None) -> int:
        photo = images.decode((here / "photo.png").read_bytes())
        expected = loading.load(gallery, "float32")(photo, style, strength).astype(int)
        found = images.decode((here / picture).read_bytes())
        assert found.shape == (HEIGHT, WIDTH, 3)
        return int(np.abs(found - expected).max())

    return compare
