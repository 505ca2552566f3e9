"""`fastnst benchmark`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fastnst import export
from fastnst.cli import benchmark as command

# Every test exports.
pytestmark = pytest.mark.slow


def test_each_format_is_timed_at_each_size(
    tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--formats", "onnx,coreml", "--sizes", "64,96", "--runs", "2"]
    assert command.main([str(tiny_run), *options]) == 0
    heads, *rows = capsys.readouterr().out.splitlines()
    assert heads.split() == (
        "format precision MB largest difference mean ms at 64 px ms at 96 px".split()
    )
    cells = [row.split() for row in rows]
    assert [row[0] for row in cells] == ["fastnst", "onnx", "coreml"]
    assert cells[0][2:5] == ["-"] * 3 and cells[2][5:] == ["-"] * 2
    assert float(cells[1][3]) <= 1.0 and int(cells[1][5]) >= 0


def test_results_are_an_object_per_format_with_json(
    tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--formats", "onnx", "--sizes", "64", "--runs", "1", "--json"]
    assert command.main([str(tiny_run), *options, "--precision", "float16"]) == 0
    ours, onnx = map(json.loads, capsys.readouterr().out.splitlines())
    assert ours["format"] == "fastnst" and ours["milliseconds"]["64"] > 0.0
    assert onnx["precision"] == "float16" and onnx["milliseconds"]["64"] > 0.0
    assert 0.0 <= onnx["mean"] <= onnx["largest"] and onnx["megabytes"] > 0.0


def test_formats_without_their_packages_are_left_out_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(export, "missing", lambda name: ["onnx"] if name == "onnx" else [])
    assert command._formats("all") == [
        name for name in export.FORMATS if name not in ("onnx", "web")
    ]
    assert capsys.readouterr().err == (
        'onnx is left out: onnx missing; pip install "fastnst[onnx]"\n'
    )


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--formats", "onx"], 1, "--formats onx: no such format; did you mean onnx? (choose from"),
        (["--sizes", "8"], 2, "8: should be sides from 16 to 4096, as in 256,512"),
        (["--sizes", "a,b"], 2, "a,b: should be sides from 16 to 4096, as in 256,512"),
    ],
)
def test_mistakes_are_one_line(
    options: list[str],
    code: int,
    message: str,
    tiny_run: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        found = command.main([str(tiny_run), *options])
    except SystemExit as stopped:
        found = stopped.code
    assert found == code
    assert message in capsys.readouterr().err
