"""`export.py`, on a tiny run; what an export is worth is tested in test_exporters.py."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml

from fastnst.cli import export as command
from fastnst.models import store


@pytest.fixture
def here(tmp_path: Path, tiny_run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with models/tiny."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny").symlink_to(tiny_run)
    return tmp_path


def test_an_export_is_checked_and_carries_its_card_and_its_configuration(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "tiny"]) == 0
    output, error = capsys.readouterr()
    assert output == "exports/tiny\n"
    found = re.fullmatch(r"checked against models/tiny: largest difference (\S+) of 255\n", error)
    assert found and float(found[1]) <= 1.0
    folder = Path("exports/tiny")
    assert (folder / "saved_model.pb").exists()
    assert (folder / "README.md").read_text().startswith("# tiny\n")
    assert yaml.safe_load((folder / "config.yml").read_text())["width"] == 4
    assert json.loads((folder / "training.json").read_text())["steps"] == 6
    painted = tf.saved_model.load(str(folder))(tf.zeros([1, 16, 20, 3]))
    assert painted.shape == [1, 16, 20, 3]

    assert command.main(["--model", "tiny"]) == 0
    assert "replaced the export that was in exports/tiny\n" in capsys.readouterr().err

    assert command.main(["--model", "exports/tiny", "-o", "again"]) == 1
    message = (
        "export.py: exports/tiny: is an exported model; name the run that it was exported from\n"
    )
    assert capsys.readouterr() == ("", message)


def test_exported_weights_can_be_exported_again_with_what_is_known_of_them(
    here: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "tiny", "--format", "weights", "-o", "shipped"]) == 0
    assert command.main(["--model", "shipped", "--format", "weights", "-o", "again"]) == 0
    assert capsys.readouterr().out == "shipped\nagain\n"
    for name in ("config.yml", "training.json"):
        assert Path("shipped", name).read_text() == Path("again", name).read_text()
    assert "# shipped" in Path("again/README.md").read_text()
    one, two = (store.load_net(Path(name)).tensors() for name in ("shipped", "again"))
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor, two[name])


def test_mistakes_are_a_line_and_exit_code_1(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "tini"]) == 1
    assert "did you mean tiny?" in capsys.readouterr().err
    Path("precious").mkdir()
    Path("precious/photo.jpg").touch()
    assert command.main(["--model", "tiny", "-o", "precious"]) == 1
    output, error = capsys.readouterr()
    assert (output, error.count("\n")) == ("", 1)
    assert error.startswith("export.py: precious/photo.jpg: is not of an export")
    assert [path.name for path in Path("precious").iterdir()] == ["photo.jpg"]


def test_an_unknown_format_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(["--model", "tiny", "--format", "onnx2"])
    assert stopped.value.code == 2
