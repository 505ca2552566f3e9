"""`fastnst import`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import networks
import numpy as np
import pytest

from fastnst import errors, export, images
from fastnst.cli import eval as eval_command
from fastnst.cli import import_model as command
from fastnst.models import loading, restore, store


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with muse.npz."""
    monkeypatch.chdir(tmp_path)
    np.savez("muse.npz", **networks.lengstrom())
    return tmp_path


@pytest.mark.slow
def test_an_imported_network_is_a_model_like_any_other(
    here: Path, photo: Callable[..., np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["muse.npz", "--name", "muse"]) == 0
    output, error = capsys.readouterr()
    assert output == "models/muse\n"
    assert error == "Stylize a photo:  fastnst eval --model muse PHOTO\n"
    described = json.loads(Path("models/muse/model.json").read_text())
    assert described["architecture"]["name"] == "layers"
    assert [style["name"] for style in described["styles"]] == ["muse"]
    assert restore.styles(Path("models/muse")) == ("muse",)
    pixels = photo(48, 64)
    expected = networks.compute_lengstrom(networks.lengstrom(), pixels[np.newaxis].astype("f4"))
    stylized = loading.load("muse", "float32")(pixels)
    assert np.abs(stylized - expected[0]).max() <= 0.55


@pytest.mark.slow
@pytest.mark.parametrize("to_stdout", [False, True])
def test_a_file_of_another_project_paints_without_being_imported(
    here: Path, photo: Callable[..., np.ndarray], to_stdout: bool
) -> None:
    networks.save_v1(networks.original(), Path("wave.ckpt-done"))
    pixels = photo(48, 64)
    images.write("photo.png", pixels)
    arguments = ["--model_file", "wave.ckpt-done", "--image_file", "photo.png"]
    if to_stdout:
        program = [sys.executable, "-m", "fastnst", "eval", *arguments, "-o", "-"]
        written = subprocess.run(program, capture_output=True, check=True).stdout
    else:
        assert eval_command.main(arguments) == 0
        written = Path("generated/photo-wave.png").read_bytes()
    given = pixels[np.newaxis].astype(np.float32)
    expected = networks.compute_original(networks.original(), given)[0]
    assert np.abs(images.decode(written) - expected).max() <= 0.55


@pytest.mark.parametrize("name", ["savedmodel", "onnx", "openvino", "litert"])
@pytest.mark.slow
def test_an_imported_network_is_exported_to_every_format_of_any_size(here: Path, name: str) -> None:
    assert command.main(["muse.npz", "--name", "muse"]) == 0
    model = restore.load(store.find("muse"))
    parity = export.export(model, Path("exported"), name, {})
    assert parity.largest <= 1.0


@pytest.mark.slow
def test_core_ml_takes_a_network_that_extends_photos_at_one_size(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["muse.npz", "--name", "muse"]) == 0
    model = restore.load(store.find("muse"))
    size = export.Options(size=(37, 50))
    assert export.export(model, Path("exported"), "coreml", {}, size).largest <= 1.0
    with pytest.raises(errors.UserError, match="needs sides that are multiples of 4"):
        export.export(model, Path("other"), "coreml", {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.npz", "--name", "mine"], "fastnst import: none.npz: does not exist\n"),
        (["muse.npz", "--name", "a/b"], "--name a/b: should be the name of a folder"),
        (["muse.npz", "--name", "there"], "models/there: exists already; choose another --name"),
    ],
)
def test_a_mistake_is_one_line(
    here: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("models/there").mkdir(parents=True)
    assert command.main(arguments) == 1
    output, error = capsys.readouterr()
    assert output == "" and message in error and error.count("\n") == 1
    assert [path.name for path in Path("models").iterdir()] == ["there"]
