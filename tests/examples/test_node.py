"""The example in Node."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent.parent / "examples" / "node"

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="needs Node"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program with its packages installed."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "stylize.mjs"):
        shutil.copy(SOURCE / name, folder)
    install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=folder, check=True, timeout=300)
    return folder / "stylize.mjs"


def run(program: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = ["node", str(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_paints_a_style_by_name_with_a_strength(
    program: Path, onnx_folder: Path, largest_difference: Callable[..., int]
) -> None:
    for picture, *options in (
        ("candy.png", "--style", "candy"),
        ("softer.png", "--style", "ink", "--strength", "0.5"),
    ):
        finished = run(program, onnx_folder, "photo.png", picture, *options)
        assert finished.returncode == 0, finished.stderr
    assert largest_difference("candy.png", "candy") <= 1
    assert largest_difference("softer.png", "ink", 0.5) <= 1


def test_a_mistake_is_one_line(here: Path, program: Path, onnx_folder: Path) -> None:
    unknown = run(program, onnx_folder, "photo.png", "stylized.png", "--style", "wav")
    assert unknown.returncode == 1
    assert unknown.stderr == "no style wav; choose from wave, candy, ink\n"
    usage = run(program)
    assert usage.returncode == 1 and usage.stderr.startswith("usage: ")
