"""ONNX files of other projects, beside ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networks
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper

from fastnst import errors, importing

ONE, TWO, THREE = networks.WIDTHS
MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)


class Graph:
    """Writes a graph node by node."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.random = np.random.default_rng(4)
        self.last = "input"

    def weight(self, value: np.ndarray) -> str:
        name = f"weight{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def normal(self, *shape: int, deviation: float = 0.2) -> str:
        return self.weight(self.random.normal(0, deviation, shape).astype(np.float32))

    def node(self, kind: str, *inputs: str, source: str | None = None, **attributes: Any) -> str:
        output = f"{kind.lower()}{len(self.nodes)}"
        given = [source or self.last, *inputs]
        self.nodes.append(helper.make_node(kind, given, [output], name=output, **attributes))
        self.last = output
        return output

    def conv(self, outputs: int, inputs: int, size: int, stride: int = 1, pad: int = 0) -> None:
        weights = self.normal(outputs, inputs, size, size), self.normal(outputs)
        options = {"strides": [stride] * 2, "pads": [pad] * 4, "kernel_shape": [size] * 2}
        self.node("Conv", *weights, **options)

    def norm(self, channels: int) -> None:
        scale = self.weight(self.random.uniform(0.5, 1, channels).astype(np.float32))
        self.node("InstanceNormalization", scale, self.normal(channels), epsilon=1e-5)

    def batch_norm(self, channels: int) -> None:
        spread = self.random.uniform(5.0, 9.0, (2, channels)).astype(np.float32)
        mean = self.normal(channels)
        inputs = self.weight(spread[0]), self.normal(channels), mean, self.weight(spread[1])
        self.node("BatchNormalization", *inputs)

    def save(self, path: Path, opset: int = 13) -> onnxruntime.InferenceSession:
        sides = [1, 3, None, None]
        made = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, sides)],
            [helper.make_tensor_value_info(self.last, TensorProto.FLOAT, sides)],
            self.weights,
        )
        imports = [helper.make_opsetid("", opset)]
        onnx.save(helper.make_model(made, opset_imports=imports, ir_version=7), path)
        return onnxruntime.InferenceSession(str(path))


def jcjohnson(norm: str = "norm") -> Graph:
    """The network of jcjohnson/fast-neural-style: padded by 40 pixels once, then by zeros only."""
    graph = Graph()
    graph.node("Pad", graph.weight(np.array([0, 0, 40, 40] * 2)), mode="reflect")
    for outputs, inputs, size, stride in ((ONE, 3, 9, 1), (TWO, ONE, 3, 2), (THREE, TWO, 3, 2)):
        graph.conv(outputs, inputs, size, stride, pad=size // 2)
        getattr(graph, norm)(outputs)
        graph.node("Relu")
    for block in range(5):
        before = graph.last
        graph.conv(THREE, THREE, 3)
        getattr(graph, norm)(THREE)
        graph.node("Relu")
        graph.conv(THREE, THREE, 3)
        getattr(graph, norm)(THREE)
        inner = graph.last
        if block % 2:
            bounds = (graph.weight(np.array(each)) for each in ([2, 2], [-2, -2], [2, 3]))
            graph.node("Slice", *bounds, source=before)
        else:
            # PyTorch slices one axis after the other.
            graph.last = before
            for axis in (2, 3):
                bounds = (graph.weight(np.array(each)) for each in ([2], [-2], [axis]))
                graph.node("Slice", *bounds)
        graph.node("Add", inner)
    for outputs, inputs in ((TWO, THREE), (ONE, TWO)):
        weights = graph.normal(inputs, outputs, 3, 3), graph.normal(outputs)
        options = {"strides": [2, 2], "pads": [1] * 4, "output_padding": [1, 1]}
        graph.node("ConvTranspose", *weights, **options)
        getattr(graph, norm)(outputs)
        graph.node("Relu")
    graph.conv(3, ONE, 9, pad=4)
    graph.node("Tanh")
    graph.node("Mul", graph.weight(np.float32(150.0)))
    return graph


def pytorch_examples() -> Graph:
    """The network of pytorch/examples, which computes the size of its upsampling."""
    graph = Graph()

    def conv(outputs: int, inputs: int, size: int, stride: int = 1) -> None:
        margin = size // 2
        graph.node("Pad", graph.weight(np.array([0, 0, margin, margin] * 2)), mode="reflect")
        graph.conv(outputs, inputs, size, stride)

    for outputs, inputs, size, stride in ((ONE, 3, 9, 1), (TWO, ONE, 3, 2), (THREE, TWO, 3, 2)):
        conv(outputs, inputs, size, stride)
        graph.norm(outputs)
        graph.node("Relu")
    before = graph.last
    conv(THREE, THREE, 3)
    graph.norm(THREE)
    graph.node("Add", before)
    for outputs, inputs in ((TWO, THREE), (ONE, TWO)):
        before = graph.last
        sides = graph.node("Shape", source=before)
        graph.node("Mul", graph.weight(np.array([1, 1, 2, 2])), source=sides)
        sizes = graph.last
        graph.node(
            "Resize",
            "",
            "",
            sizes,
            source=before,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        conv(outputs, inputs, 3)
        graph.norm(outputs)
        graph.node("Relu")
    conv(3, ONE, 9)
    graph.node("Mul", graph.weight(np.full((1, 3, 1, 1), 60, np.float32)))
    graph.node("Add", graph.weight(np.array([110, 120, 130], np.float32).reshape(1, 3, 1, 1)))
    return graph


def painted(path: Path, photos: np.ndarray, pixels: str = "auto") -> np.ndarray:
    return importing.read(path, "mine", pixels).net(tf.constant(photos)).numpy()


@pytest.mark.parametrize("norm", ["norm", "batch_norm"])
def test_jcjohnsons_network_takes_bgr_minus_the_mean(norm: str, tmp_path: Path) -> None:
    session = jcjohnson(norm).save(tmp_path / "net.onnx")
    photos = networks.random_photos(1, 44, 60)
    given = (photos[..., ::-1] - MEAN_BGR).transpose(0, 3, 1, 2)
    (returned,) = session.run(None, {"input": np.ascontiguousarray(given)})
    expected = np.clip((returned.transpose(0, 2, 3, 1) + MEAN_BGR)[..., ::-1], 0, 255)
    assert expected.shape == photos.shape and np.ptp(expected) > 100
    np.testing.assert_allclose(painted(tmp_path / "net.onnx", photos), expected, atol=0.1)


@pytest.mark.parametrize("pixels", ["auto", "rgb", "unit"])
def test_other_networks_take_rgb(pixels: str, tmp_path: Path) -> None:
    session = pytorch_examples().save(tmp_path / "net.onnx")
    photos = networks.random_photos(1, 32, 40)
    scale = 255.0 if pixels == "unit" else 1.0
    given = (photos / scale).transpose(0, 3, 1, 2)
    (returned,) = session.run(None, {"input": np.ascontiguousarray(given, np.float32)})
    expected = np.clip(scale * returned.transpose(0, 2, 3, 1), 0, 255)
    np.testing.assert_allclose(painted(tmp_path / "net.onnx", photos, pixels), expected, atol=0.5)
    assert painted(tmp_path / "net.onnx", networks.random_photos(2, 33, 41)).shape == (2, 33, 41, 3)


@pytest.mark.parametrize(
    ("kind", "attributes", "message"),
    [
        ("LSTM", {}, "LSTM is no operation of a known style network"),
        ("Resize", {"mode": "linear"}, "Resize with mode linear"),
    ],
)
def test_an_operation_of_no_style_network_is_named(
    kind: str, attributes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    graph = Graph()
    graph.conv(3, 3, 3, pad=1)
    graph.node(kind, **attributes)
    sides = [1, 3, None, None]
    made = helper.make_graph(
        graph.nodes,
        "net",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, sides)],
        [helper.make_tensor_value_info(graph.last, TensorProto.FLOAT, sides)],
        graph.weights,
    )
    onnx.save(helper.make_model(made), tmp_path / "net.onnx")
    with pytest.raises(errors.UserError, match=f"net.onnx: node {kind.lower()}1: {message}"):
        importing.read(tmp_path / "net.onnx", "mine")


@pytest.mark.parametrize("content", [b"", b"no graph at all"])
def test_a_file_that_is_no_graph_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(errors.UserError, match=r"net\.onnx: ") as caught:
        importing.read(tmp_path / "net.onnx", "mine")
    assert "\n" not in str(caught.value)
