"""The examples in Python with only one runtime."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))
# Of a page of fastnst's own.
WITH_FASTNST = {"gradio_app.py"}

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_short_says_how_to_run_it_and_needs_no_fastnst(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 100
    tree = ast.parse(text)
    assert f"python {path.relative_to(ROOT)}" in (ast.get_docstring(tree) or "")
    modules = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
    }
    assert ("fastnst" in modules) == (path.name in WITH_FASTNST)


def test_onnx_runtime_alone_paints_a_style_by_name_with_a_strength(
    run: Run, onnx_folder: Path, largest_difference: Callable[..., int]
) -> None:
    finished = run("onnxruntime_app.py", onnx_folder, "photo.png", "stylized.png", "--style", "ink")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    assert largest_difference("stylized.png", "ink") <= 1
    assert largest_difference("stylized.png", "wave") > 1
    softer = ("--style", "candy", "--strength", "0.5")
    assert (
        run("onnxruntime_app.py", onnx_folder, "photo.png", "softer.png", *softer).returncode == 0
    )
    assert largest_difference("softer.png", "candy", 0.5) <= 1


def test_onnx_runtime_alone_paints_the_first_style_of_a_turned_photo(
    here: Path, run: Run, onnx_folder: Path
) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # A quarter, as phones do.
    with Image.open("photo.png") as photo:
        photo.save("photo.jpg", exif=turned)
    assert run("onnxruntime_app.py", onnx_folder, "photo.jpg", "stylized.jpg").returncode == 0
    with Image.open("stylized.jpg") as stylized:
        assert stylized.size == (48, 64)


def test_an_unknown_style_is_one_line_that_names_the_others(run: Run, onnx_folder: Path) -> None:
    finished = run("onnxruntime_app.py", onnx_folder, "photo.png", "x.png", "--style", "wav")
    assert finished.returncode == 1
    assert finished.stderr == "no style wav; choose from wave, candy, ink\n"


@pytest.mark.slow
def test_tensorflow_alone_paints_a_style_by_name_with_a_strength(
    run: Run, saved_model: Path, largest_difference: Callable[..., int]
) -> None:
    for picture, options in (
        ("first.png", []),
        ("candy.png", ["--style", "candy", "--strength", "0.5"]),
        ("stylized.jpg", ["--style", "ink"]),
    ):
        finished = run("tensorflow_app.py", saved_model, "photo.png", picture, *options)
        assert finished.returncode == 0, finished.stderr
    assert largest_difference("first.png") <= 1
    assert largest_difference("candy.png", "candy", 0.5) <= 1
    assert Path("stylized.jpg").read_bytes().startswith(b"\xff\xd8")
    finished = run("tensorflow_app.py", saved_model, "photo.png", "x.png", "--style", "wav")
    assert finished.returncode == 1
    assert finished.stderr.endswith("no style wav; choose from wave, candy, ink\n")
