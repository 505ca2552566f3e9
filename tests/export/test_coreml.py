"""Core ML packages, beyond their parity, which test_formats.py checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fastnst import export
from fastnst.export import coreml, mil
from fastnst.models import descriptions, restore, store
from fastnst.models import model as model_module
from fastnst.nets import architectures, transform_net

coremltools = pytest.importorskip("coremltools")


@pytest.fixture(scope="module")
def several(gallery: Path) -> model_module.Model:
    """The gallery of three styles."""
    return restore.load(store.find(gallery))


def read(folder: Path) -> Any:
    """The description of a package."""
    return coremltools.utils.load_spec(str(folder / "model.mlpackage"))


@pytest.mark.slow
def test_a_package_takes_and_returns_images_of_any_size(
    tmp_path: Path, several: model_module.Model
) -> None:
    export.export(several, tmp_path / "exported", "coreml", {})
    spec = read(tmp_path / "exported")
    images, style, strength = spec.description.input
    (stylized,) = spec.description.output
    names = (images.name, style.name, strength.name, stylized.name)
    assert names == ("images", "style", "strength", "stylized")
    range_of = images.type.imageType.imageSizeRange
    assert range_of.heightRange.lowerBound == range_of.widthRange.lowerBound == 16
    assert range_of.heightRange.upperBound == 4096
    assert list(style.type.multiArrayType.shape) == [1, 3]
    assert list(strength.type.multiArrayType.shape) == [1]
    assert stylized.type.WhichOneof("Type") == "imageType"
    # iOS 16.
    assert spec.specificationVersion == 7
    metadata = json.loads(spec.description.metadata.userDefined["fastnst"])
    assert [each["name"] for each in metadata["styles"]] == ["wave", "candy", "ink"]


@pytest.mark.slow
def test_a_package_for_one_size_says_so(tmp_path: Path, model: model_module.Model) -> None:
    export.export(model, tmp_path / "exported", "coreml", {}, export.Options(size=(40, 56)))
    (images,) = read(tmp_path / "exported").description.input
    assert (images.type.imageType.height, images.type.imageType.width) == (40, 56)
    assert not images.type.imageType.HasField("imageSizeRange")


@pytest.mark.slow
def test_the_lite_network_mirrors_two_pixels_at_its_edge(tmp_path: Path) -> None:
    shapes = {"width": 4, "residual_blocks": 1, "lite": True, "antialias": True}
    architecture = architectures.Transform(**shapes)
    net = transform_net.TransformNet(architecture, seed=3)
    description = descriptions.Description(architecture, (descriptions.Style("lite"),))
    coreml.write(model_module.Model(net, description), tmp_path, export.Options("float32"))
    paint = mil.load(str(tmp_path))
    photos = np.random.default_rng(0).integers(0, 256, (2, 21, 34, 3)).astype(np.uint8)
    found = paint(photos, *np.ones((2, 1), np.float32))
    assert np.abs(found - net(tf.constant(photos, tf.float32)).numpy()).max() <= 0.51
