"""The choice of a runtime by `eval.py`."""

from __future__ import annotations

import io
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnst import export, images
from fastnst.cli import eval as command
from fastnst.cli import terminal
from fastnst.export import portable
from fastnst.models import loading, restore, store


@pytest.fixture
def here(
    tmp_path: Path, gallery: Path, photo: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A working directory with a.png, and models/gallery, which is in no cache yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("fastnst.models.store.SHIPPED", tmp_path / "none")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "gallery").symlink_to(gallery)
    images.write(tmp_path / "a.png", photo(33, 25))
    return tmp_path


def noting(name: str, load: Callable[..., Any], found: list[str]) -> Callable[..., Any]:
    """A function that notes a name, and does as another."""

    def note(*given: Any, **others: Any) -> Any:
        found.append(name)
        return load(*given, **others)

    return note


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runtimes into which models are loaded."""
    found: list[str] = []
    for name, module in (("onnxruntime", portable), ("tensorflow", loading)):
        monkeypatch.setattr(module, "load", noting(name, module.load, found))
    return found


def run(*arguments: str) -> int:
    return command.main(["a.png", "--model", "gallery", "-o", "b.png", *arguments])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", "onnxruntime"),
        ("--precision float32 --tiles off --style candy --strength 0.5", "onnxruntime"),
        ("--runtime tensorflow", "tensorflow"),
        ("--precision bfloat16", "tensorflow"),
        ("--tiles exact", "tensorflow"),
        ("--max-memory 900GiB", "tensorflow"),
    ],
)
def test_few_photos_are_stylized_with_onnx_runtime_unless_an_option_needs_tensorflow(
    here: Path, used: list[str], options: str, expected: str
) -> None:
    assert run(*options.split()) == 0
    assert used == [expected]
    assert images.read("b.png").shape == (33, 25, 3)


def test_many_photos_are_stylized_with_tensorflow(
    here: Path, used: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portable, "MOST_PIXELS", 33 * 25 - 1)
    assert run() == 0
    assert run("--runtime", "onnxruntime") == 0
    assert used == ["tensorflow", "onnxruntime"]


def test_every_style_is_painted_with_tensorflow(here: Path, used: list[str]) -> None:
    arguments = ["a.png", "--model", "gallery", "--style", "all", "-o", "all"]
    assert command.main(arguments) == 0
    assert used == ["tensorflow"] and len(list((here / "all").iterdir())) == 3


def test_the_runtimes_paint_the_same_picture(here: Path) -> None:
    pictures = []
    for runtime in ("tensorflow", "onnxruntime"):
        assert run("--runtime", runtime, "--precision", "float32", "--stroke", "2") == 0
        pictures.append(images.read("b.png"))
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_a_piped_photo_is_stylized_with_onnx_runtime(
    here: Path, used: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = io.BytesIO(Path("a.png").read_bytes())
    monkeypatch.setattr("sys.stdin", types.SimpleNamespace(buffer=photo))
    assert command.main(["-", "--model", "candy", "-o", "b.png"]) == 0
    assert used == ["onnxruntime"] and images.read("b.png").shape == (33, 25, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--precision bfloat16", "--precision bfloat16"),
        ("--tiles thumbnail", "--tiles thumbnail"),
        ("--max-memory 1GiB", "--max-memory"),
        ("--model exported", "--model exported"),
    ],
)
def test_what_onnx_runtime_lacks_is_named(
    here: Path, options: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "exported" in options:
        export.export(
            restore.load(store.find("gallery")), here / "models" / "exported", "savedmodel", {}
        )
    assert run("--runtime", "onnxruntime", *options.split()) == terminal.USER_ERROR
    expected = f"{reason}: is not available with --runtime onnxruntime; leave one of them out\n"
    assert capsys.readouterr().err.endswith(expected)


def test_without_onnx_runtime_tensorflow_is_used_and_the_choice_says_how_to_install_it(
    here: Path,
    used: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(portable, "_installed", lambda name: False)
    assert run() == 0 and used == ["tensorflow"]
    assert run("--runtime", "onnxruntime") == terminal.USER_ERROR
    assert 'pip install "fastnst[onnx]"' in capsys.readouterr().err


def test_without_a_cache_that_can_be_written_tensorflow_is_used(
    here: Path, used: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "cache").write_text("a file in place of the folder")
    assert run() == 0 and used == ["tensorflow"]
    assert run("--runtime", "onnxruntime") == terminal.USER_ERROR
    assert "cache" in capsys.readouterr().err


COMMAND = """
import sys
from fastnst.cli import eval as command

assert command.main(sys.argv[1:]) == 0
print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.slow
def test_from_the_second_time_on_tensorflow_is_not_imported(here: Path) -> None:
    imported = []
    for _ in range(2):
        arguments = ["a.png", "--model", "gallery", "-o", "b.png"]
        finished = subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments], capture_output=True, text=True, check=True
        )
        imported.append("tensorflow" in finished.stderr.split())
        assert ("writing the model for ONNX Runtime, once" in finished.stderr) == imported[-1]
    assert imported == [True, False]
