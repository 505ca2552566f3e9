"""`fastnst inspect`."""

from __future__ import annotations

import json
from pathlib import Path

import made
import numpy as np
import pytest
from PIL import Image

from fastnst.cli import inspect_records

PIXELS = made.noise(0, 4, 5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    records = [
        {"image/encoded": made.encode(PIXELS), "image/class/label": 2, "name": b"\x1b[31m"},
        {"image/class/label": 1},
    ]
    return made.write_records(tmp_path / "a.tfrecord", records)


def test_it_prints_keys_label_and_shape_and_saves_the_picture(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "out" / "picture.png"
    assert inspect_records.main([str(path), "-o", str(picture)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{path}: record 1 of 2"
    assert lines[1] == "  image/class/label  int64 2"
    assert lines[2].startswith("  image/encoded      bytes, ")
    # Characters that could rewrite the terminal are not shown.
    assert lines[3:] == [
        "  name               bytes, 5 bytes",
        "label: 2",
        "shape: 4 x 5 x 3",
        str(picture),
    ]
    np.testing.assert_array_equal(np.asarray(Image.open(picture)), PIXELS)


def test_json_is_one_object_whatever_the_extension(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = path.rename(path.with_suffix(".jpg"))
    assert inspect_records.main([str(path), "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "output": str(path),
        "record": 2,
        "records": 2,
        "keys": {"image/class/label": "int64 1"},
        "label": 1,
    }


def test_a_record_without_a_picture_cannot_be_saved(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inspect_records.main([str(path), "2", "-o", str(tmp_path / "a.png")]) == 1
    assert f"{path}: record 2 holds no picture" in capsys.readouterr().err
    assert inspect_records.main([str(path), "-o", str(tmp_path / "a.txt")]) == 1
