"""Every format: the same pictures as the live network, whatever runs the export."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fastnst import errors, export
from fastnst.models import descriptions, restore, store
from fastnst.models import model as model_module
from fastnst.nets import architectures, unet

_FIXED = (37, 50)
CHOICES = [
    *(("several", name, one.precisions[0], None) for name, one in export.FORMATS.items()),
    # A file for one size takes another way through the writers, as does one style.
    ("one", "coreml", "float32", _FIXED),
    ("unet", "onnx", "float32", None),
    *(
        pytest.param(*choice, marks=pytest.mark.slow)
        for choice in (
            ("one", "litert", "float32", _FIXED),
            *(("one", name, one.precisions[-1], None) for name, one in export.FORMATS.items()),
            *(("unet", name, "float32", None) for name in export.FORMATS if name != "onnx"),
        )
    ),
]


@pytest.fixture(scope="module")
def several(gallery: Path) -> model_module.Model:
    """The gallery of three styles."""
    return restore.load(store.find(gallery))


@pytest.fixture(scope="module")
def of_unet() -> model_module.Model:
    """A small U-Net of one style, with random weights."""
    architecture = architectures.UNet(width=4, depth=3)
    net = unet.UNet(architecture)
    random = np.random.default_rng(0)
    for variable in net.variables:
        variable.assign(random.normal(0, 0.2, variable.shape))
    description = descriptions.Description(architecture, (descriptions.Style("monet"),))
    return model_module.Model(net, description)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "name", "precision", "size"), CHOICES)
def test_an_export_paints_as_the_network_does_in_a_process_of_its_own(
    count: str,
    name: str,
    precision: str,
    size: tuple[int, int] | None,
    tmp_path: Path,
    model: model_module.Model,
    several: model_module.Model,
    of_unet: model_module.Model,
    request: pytest.FixtureRequest,
) -> None:
    if export.FORMATS[name].downloads:
        request.getfixturevalue("web_runtime")
    chosen = {"one": model, "several": several, "unet": of_unet}[count]
    folder, options = tmp_path / "exported", export.Options(precision, size)
    parity = export.export(chosen, folder, name, {"README.md": "# A card\n"}, options, {"steps": 6})
    # Half a level falls on one side or the other; a mean shows more than single pixels would.
    assert parity.largest <= (1.0 if precision == "float32" else 30.0)
    assert parity.mean <= (0.01 if precision == "float32" else 1.0)
    assert parity.milliseconds_live > 0.0
    # Core ML is computed here, but does not run.
    assert (parity.milliseconds is None) == (name == "coreml")
    written = {path.name for path in folder.iterdir()}
    assert export.FORMATS[name].files[0] in written
    assert written <= {*export.FORMATS[name].files, "README.md", export.METADATA}
    metadata = json.loads((folder / export.METADATA).read_text())
    assert metadata["format"] == name and metadata["precision"] == precision
    assert [style["name"] for style in metadata["styles"]] == list(chosen.description.names)
    assert metadata["training"] == {"steps": 6}
    assert metadata["size"] == ("37x50" if size else "any, from 16 x 16 pixels")


@pytest.mark.parametrize("name", export.FORMATS)
def test_every_format_explains_its_use(name: str) -> None:
    assert export.use(name).startswith("## Use\n")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("onnx", export.Options("bfloat16"), "bfloat16: onnx is written in float32 or float16"),
        ("weights", export.Options("bfloat16"), "bfloat16: weights is written in float16 or float"),
        ("onnx", export.Options(None, (64, 64)), "--size: onnx takes photos of any size"),
    ],
)
def test_a_choice_that_a_format_does_not_offer_is_refused(
    name: str, options: export.Options, message: str, tmp_path: Path, model: model_module.Model
) -> None:
    with pytest.raises(errors.UserError, match=message):
        export.check(name, options)
    with pytest.raises(errors.UserError, match=message):
        export.export(model, tmp_path / "exported", name, {}, options)
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if "onnx" in name else True)
    with pytest.raises(errors.UserError) as caught:
        export.check("onnx", export.Options())
    expected = 'onnx: needs onnx and onnxruntime; run: pip install "fastnst[onnx]"'
    assert str(caught.value) == expected
    export.check("savedmodel", export.Options())


def test_an_export_that_paints_differently_is_not_kept(
    tmp_path: Path, model: model_module.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastnst.export import onnx_file

    paint = onnx_file.paint

    def spoil(folder: Path, given: dict) -> dict:
        found = paint(folder, given)
        pictures = found["style 0"].pictures
        pictures[0, 5, 6, 2] = np.uint8(int(pictures[0, 5, 6, 2]) ^ 128)
        return found

    monkeypatch.setattr(onnx_file, "paint", spoil)
    with pytest.raises(errors.UserError, match="differs from the network by 128 levels of 255"):
        export.export(model, tmp_path / "exported", "onnx", {})
    assert not list(tmp_path.iterdir())
