"""LiteRT files, beyond their parity, which test_formats.py checks."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from fastnst import export
from fastnst.export import litert
from fastnst.models import model as model_module
from fastnst.models import restore, store


@pytest.fixture(scope="module")
def several(gallery: Path) -> model_module.Model:
    """The gallery of three styles."""
    return restore.load(store.find(gallery))


def operations(path: Path) -> set[str]:
    """The kinds of operations of a file."""
    return {each["op_name"] for each in Interpreter(str(path))._get_ops_details()}


def test_a_file_for_one_size_has_only_what_delegates_for_gpus_know(
    tmp_path: Path, several: model_module.Model
) -> None:
    options = export.Options(size=(40, 56))
    export.export(several, tmp_path / "exported", "litert", {}, options)
    path = tmp_path / "exported" / "model.tflite"
    interpreter = Interpreter(str(path))
    for tensor in interpreter.get_tensor_details():
        assert (tensor["shape_signature"] > 0).all() or not tensor["shape"].size, tensor["name"]
    assert not operations(path) & {"GATHER", "GATHER_ND", "SHAPE", "IF", "WHILE"}
    signature = interpreter.get_signature_list()["serving_default"]
    assert set(signature["inputs"]) == {"images", "style", "strength"}
    assert signature["outputs"] == ["stylized"]


def test_photos_that_are_too_small_are_an_error_before_anything_reads_beyond_them(
    tmp_path: Path, several: model_module.Model
) -> None:
    litert.write(several, tmp_path, export.Options("float32"))
    paint = Interpreter(str(tmp_path / "model.tflite")).get_signature_runner()
    choices = {"style": np.eye(3, dtype=np.float32)[0], "strength": np.ones(1, np.float32)}
    for height, width in ((0, 0), (16, 0), (15, 40), (1, 1)):
        with pytest.raises(RuntimeError, match="RESHAPE"):
            paint(images=np.zeros((1, height, width, 3), np.float32), **choices)
    smallest = paint(images=np.zeros((1, 16, 16, 3), np.float32), **choices)
    assert smallest["stylized"].shape == (1, 16, 16, 3)


@pytest.mark.slow
def test_a_file_carries_its_metadata_as_an_associated_file(
    tmp_path: Path, several: model_module.Model
) -> None:
    export.export(several, tmp_path / "exported", "litert", {})
    with zipfile.ZipFile(tmp_path / "exported" / "model.tflite") as archive:
        metadata = json.loads(archive.read("metadata.json"))
    assert [style["name"] for style in metadata["styles"]] == ["wave", "candy", "ink"]


@pytest.mark.slow
def test_half_precision_halves_the_kernels(tmp_path: Path, several: model_module.Model) -> None:
    stored = []
    for precision in ("float32", "float16"):
        export.export(several, tmp_path / precision, "litert", {}, export.Options(precision))
        details = Interpreter(str(tmp_path / precision / "model.tflite")).get_tensor_details()
        stored.append({tensor["dtype"] for tensor in details})
    assert np.float16 not in stored[0] and np.float16 in stored[1]


@pytest.mark.slow
def test_the_lines_of_the_card_stylize_a_photo(
    tmp_path: Path,
    several: model_module.Model,
    photo: Callable[..., np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    export.export(several, Path("exports/mine"), "litert", {})
    Image.fromarray(photo(40, 30)).save("photo.jpg")
    code = litert.USE.split("```python\n")[1].split("```")[0]
    exec(code.replace("{name}", "exports/mine"), {})
    with Image.open("stylized.png") as stylized:
        assert stylized.size == (30, 40)
