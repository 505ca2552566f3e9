"""The example in C, over the library inside TensorFlow's pip package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent.parent / "examples" / "c"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or not (shutil.which("cc") and shutil.which("make")),
        reason="needs cc and make",
    ),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program."""
    folder = tmp_path_factory.mktemp("c")
    for name in ("Makefile", "stylize.c"):
        shutil.copy(SOURCE / name, folder)
    command = ["make", f"PYTHON={sys.executable}"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0 and "warning:" not in made.stderr, made.stderr
    return folder / "stylize"


def run(program: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(program), *map(str, arguments)]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_it_paints_the_first_style(
    program: Path, saved_model: Path, largest_difference: Callable[..., int]
) -> None:
    finished = run(program, saved_model, "photo.png", "stylized.png")
    assert finished.returncode == 0, finished.stderr
    assert largest_difference("stylized.png") <= 1


def test_what_cannot_be_used_is_named(here: Path, program: Path, saved_model: Path) -> None:
    assert run(program).returncode == 2
    absent = run(program, saved_model, "absent.png", "stylized.png")
    assert absent.returncode == 1 and "stylize: absent.png: cannot be read\n" in absent.stderr
    other = run(program, here / "nothing", "photo.png", "stylized.png")
    assert other.returncode == 1 and "Could not find SavedModel" in other.stderr
    (here / "text.jpg").write_text("not a photo")
    text = run(program, saved_model, "text.jpg", "stylized.png")
    assert text.returncode == 1 and "stylize: text.jpg: " in text.stderr
    assert not (here / "stylized.png").exists()
