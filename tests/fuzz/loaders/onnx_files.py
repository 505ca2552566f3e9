"""ONNX files, for `fastnst import`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from fastnst import importing


def seeds() -> dict[str, bytes]:
    """A convolution and a ReLU."""
    kernel = np.random.default_rng(0).normal(0, 0.3, (3, 3, 3, 3)).astype(np.float32)
    sides = (1, 3, "height", "width")
    given, returned = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, sides) for name in ("x", "y")
    )
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["z"], kernel_shape=[3, 3], pads=[1] * 4),
        helper.make_node("Relu", ["z"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "net", [given], [returned], [numpy_helper.from_array(kernel, "kernel")]
    )
    return {"net.onnx": helper.make_model(graph).SerializeToString()}


def load(path: Path, output: Path) -> None:
    """Reads the network and tries it."""
    importing.read(path, "mine", "rgb")
