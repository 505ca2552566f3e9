"""ONNX files, beyond their parity, which test_formats.py checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from PIL import Image

from fastnst import export
from fastnst.export import onnx_file
from fastnst.models import descriptions, restore, store
from fastnst.models import model as model_module
from fastnst.nets import architectures, transform_net

ARCHITECTURES = [
    {"antialias": True, "deep": True, "residual_blocks": 3},
    {"lite": True, "antialias": True},
    {"skips": False, "output_norm": False},
]


@pytest.fixture(scope="module")
def several(gallery: Path) -> model_module.Model:
    """The gallery of three styles."""
    return restore.load(store.find(gallery))


def a_model(options: dict[str, bool | int], styles: int, identity: bool) -> model_module.Model:
    """A small model of another architecture."""
    architecture = architectures.Transform(**{"width": 4, "residual_blocks": 1} | options)
    net = transform_net.TransformNet(architecture, styles=styles + identity)
    net.table.assign_add(np.random.default_rng(0).normal(0, 0.3, net.table.shape))
    names = tuple(descriptions.Style(f"style{index}") for index in range(styles))
    return model_module.Model(net, descriptions.Description(architecture, names, identity))


@pytest.mark.parametrize("options", ARCHITECTURES, ids=str)
@pytest.mark.parametrize("styles", [1, 2])
def test_a_file_is_valid_and_made_of_few_kinds_of_nodes(
    options: dict[str, bool | int], styles: int
) -> None:
    identity = bool(options.get("output_norm", True))
    built = onnx_file.build(a_model(options, styles, identity))
    onnx.checker.check_model(built, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(built, strict_mode=True, data_prop=True)
    (output,) = inferred.graph.output
    assert output.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    # Height, width and batch stay free.
    sides = [side.dim_param or side.dim_value for side in output.type.tensor_type.shape.dim]
    assert sides == ["batch", "height", "width", 3]
    assert len({node.op_type for node in built.graph.node}) < 20
    assert [each.version for each in built.opset_import] == [17] and built.ir_version <= 9


@pytest.mark.parametrize("options", ARCHITECTURES, ids=str)
def test_every_architecture_paints_the_networks_picture(
    options: dict[str, bool | int], photo: Callable[..., np.ndarray]
) -> None:
    model = a_model(options, 1, identity=False)
    session = onnxruntime.InferenceSession(onnx_file.build(model).SerializeToString())
    for height, width in ((16, 16), (37, 50), (64, 33)):
        photos = np.stack([photo(height, width, seed) for seed in range(2)]).astype(np.float32)
        (found,) = session.run(None, {"images": photos})
        expected = model.net(tf.constant(photos)).numpy()
        assert np.abs(found - expected).max() <= 0.51


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0, 1.4])
def test_a_single_style_has_a_strength(photo: Callable[..., np.ndarray], strength: float) -> None:
    model = a_model({}, 1, identity=True)
    session = onnxruntime.InferenceSession(onnx_file.build(model).SerializeToString())
    photos = np.stack([photo(37, 50, seed) for seed in range(2)]).astype(np.float32)
    given = {"images": photos, "strength": np.array([strength], np.float32)}
    (found,) = session.run(None, given)
    expected = model.net(tf.constant(photos), *model.select(None, strength)).numpy()
    assert np.abs(found - expected).max() <= 0.52


def test_shares_may_have_any_sum(
    several: model_module.Model, photo: Callable[..., np.ndarray]
) -> None:
    session = onnxruntime.InferenceSession(onnx_file.build(several).SerializeToString())
    images = photo(20, 30).astype(np.float32)[np.newaxis]
    given = {"images": images, "strength": np.ones(1, np.float32)}
    half, whole = (
        session.run(None, given | {"style": np.array(style, np.float32)})[0]
        for style in ([0.25, 0.25, 0.0], [3.0, 3.0, 0.0])
    )
    assert np.abs(half.astype(int) - whole).max() <= 1
    assert {given.name for given in session.get_inputs()} == {"images", "style", "strength"}


@pytest.mark.slow
def test_a_file_names_its_styles_and_half_precision_halves_it(
    tmp_path: Path, several: model_module.Model
) -> None:
    sizes = []
    for precision in ("float32", "float16"):
        folder = tmp_path / precision
        export.export(several, folder, "onnx", {}, export.Options(precision))
        properties = {
            each.key: each.value for each in onnx.load(folder / "model.onnx").metadata_props
        }
        metadata = json.loads(properties["fastnst"])
        beside = json.loads((folder / "metadata.json").read_text())
        assert beside == metadata | {"files": beside["files"]}
        assert [style["name"] for style in metadata["styles"]] == ["wave", "candy", "ink"]
        sizes.append(
            sum(
                onnx.numpy_helper.to_array(each).nbytes
                for each in onnx.load(folder / "model.onnx").graph.initializer
                if "kernel" in each.name
            )
        )
    assert sizes[1] == sizes[0] / 2


def test_the_lines_of_the_card_stylize_a_photo(
    tmp_path: Path,
    several: model_module.Model,
    photo: Callable[..., np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    export.export(several, Path("exports/mine"), "onnx", {})
    Image.fromarray(photo(40, 30)).save("photo.jpg")
    code = onnx_file.USE.split("```python\n")[1].split("```")[0]
    exec(code.replace("{name}", "exports/mine"), {})
    with Image.open("stylized.png") as stylized:
        assert stylized.size == (30, 40)
