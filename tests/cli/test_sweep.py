"""`fastnst sweep`, on pictures of 32 pixels and with a few iterations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacked
from PIL import Image

from fastnst import images
from fastnst.cli import optimize, optimizing, sweep
from fastnst.pixels import descent

# From gray, the first steps improve the picture.
GIVEN = (
    "photo.png --style red.png --size 32 --steps 3 --method adam --init gray --loss_model lenet "
    "--style_layers relu1"
).split()


@pytest.fixture
def here(tmp_path: Path, photo: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a photo and a painting."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(40, 50)).save("photo.png")
    Image.fromarray(photo(60, 45, 1)).save("red.png")
    return tmp_path


def test_each_cell_is_the_picture_of_its_two_values(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stacked.write(Path("pretrained/lenet.ckpt"), "lenet")
    axes = ["--rows", "style_weight=1,300", "--columns", "content_layers=conv1,relu2"]
    assert sweep.main([*GIVEN, *axes, "-o", "sheet.png", "--json"]) == 0
    output, error = capsys.readouterr()
    assert json.loads(output) == {"output": "sheet.png", "pictures": 4}
    assert "picture 4 of 4: style_weight 300, content_layers relu2\n" in error
    sheet = images.decode(Path("sheet.png").read_bytes())
    # Labels of 28 px, and cells of 32 x 40 px with gaps of 8.
    assert sheet.shape == (28 + 2 * 40 + 8, 28 + 2 * 48 + 8, 3)
    cell = sheet[36 + 40 : 36 + 40 + 32, 36 + 48 : 36 + 48 + 40]
    # The last cell, made by the other command.
    Image.fromarray(images.resize(images.decode(Path("photo.png").read_bytes()), 32, 40)).save(
        "photo.png"
    )
    own = ["--style_weight", "300", "--content_layers", "relu2", "-o", "one.png"]
    assert optimize.main([*GIVEN, *own]) == 0
    difference = cell.astype(int) - images.decode(Path("one.png").read_bytes())
    assert np.abs(difference).max() <= 1
    assert np.abs(cell.astype(int) - sheet[36 : 36 + 32, 36 : 36 + 40]).max() > 1


def test_ctrl_c_writes_the_pictures_so_far(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results: list[descent.Result] = []

    def run(plan: optimizing.Plan, *others: Any) -> descent.Result:
        gray = np.full((32, 40, 3), 99, np.float32)
        results.append(descent.Result(gray, 1.0, 0, ({"total": 1.0},), len(results) == 1))
        return results[-1]

    monkeypatch.setattr(optimizing.Plan, "run", run)
    assert sweep.main([*GIVEN, "--rows", "steps=1,2,3"]) == 130
    assert capsys.readouterr().out == "generated/photo-sweep.jpg\n"
    sheet = images.decode(Path("generated/photo-sweep.jpg").read_bytes())
    assert abs(int(sheet[40, 40, 0]) - 99) < 3 and sheet[90, 50, 0] > 250


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (["--rows", "stile_weight=1"], "no option 'stile_weight' to vary; did you mean"),
        (["--rows", "size=1,2"], "no option 'size' to vary"),
        (["--rows", "steps"], "'steps' should be steps=X,Y,..."),
        (["--rows", "steps=1,,2"], "should be steps=X,Y,..."),
        (["--rows", "steps=1,1"], "has a value twice"),
        (["--rows", "steps=1,x"], "--steps: 'x' should be a whole number"),
        (["--rows", "variant=gatys,monet"], "--variant: invalid choice: 'monet'"),
        (["--rows", "seed=1", "--columns", "seed=2"], "--rows and --columns vary the same option"),
        (["--rows", f"seed={','.join(map(str, range(101)))}"], "more than 100 pictures"),
    ],
)
def test_a_mistake_is_told_before_anything_is_read(
    here: Path, capsys: pytest.CaptureFixture[str], axes: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        sweep.main([*GIVEN, *axes])
    assert stop.value.code == 2 and message in capsys.readouterr().err


def test_a_missing_file_is_told_before_the_first_search(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep.main([*GIVEN, "--rows", "init=content,nose.png"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("fastnst sweep: --init nose.png: no such file") and "picture" in error
    assert sweep.main([*GIVEN, "--rows", "steps=1,2", "-o", "red.png"]) == 1
    assert "red.png: would overwrite an input picture" in capsys.readouterr().err
    assert sweep.main([*GIVEN, "--rows", "steps=1,2", "-o", "red.png/a.png"]) == 1
    error = capsys.readouterr().err
    assert error == "fastnst sweep: red.png/a.png: cannot be written (File exists)\n"
