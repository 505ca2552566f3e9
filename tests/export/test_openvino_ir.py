"""OpenVINO's files, beyond their parity, which test_formats.py checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino
import pytest
from PIL import Image

from fastnst import export
from fastnst.export import openvino_ir
from fastnst.models import model as model_module


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_model_has_free_sizes_and_its_metadata(
    tmp_path: Path, model: model_module.Model, precision: str
) -> None:
    export.export(model, tmp_path / "exported", "openvino", {}, export.Options(precision))
    read = openvino.Core().read_model(tmp_path / "exported" / "model.xml")
    (given,), (returned,) = read.inputs, read.outputs
    assert given.get_any_name() == "images" and returned.get_any_name() == "stylized"
    assert [side.is_dynamic for side in given.get_partial_shape()] == [True, True, True, False]
    metadata = json.loads(read.get_rt_info(["fastnst", "metadata"]).value)
    beside = json.loads((tmp_path / "exported" / "metadata.json").read_text())
    assert beside == metadata | {"files": beside["files"]}


def test_the_lines_of_the_card_stylize_a_photo(
    tmp_path: Path,
    model: model_module.Model,
    photo: Callable[..., np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    export.export(model, Path("exports/mine"), "openvino", {})
    Image.fromarray(photo(40, 30)).save("photo.jpg")
    code = openvino_ir.USE.split("```python\n")[1].split("```")[0]
    exec(code.replace("{name}", "exports/mine"), {})
    with Image.open("stylized.png") as stylized:
        assert stylized.size == (30, 40)
