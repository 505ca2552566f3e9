"""Reads frozen TensorFlow 1 graphs, such as the Inception5h of the DeepDream tutorials.

The file is a GraphDef whose weights are constants: `tensorflow_inception_graph.pb` of
inception5h.zip holds GoogLeNet (Szegedy et al. 2014), trained on ImageNet.
"""

from __future__ import annotations

import collections.abc
from pathlib import Path

import tensorflow as tf
from google.protobuf import message

from fastnst import errors, files

# Mean level of ImageNet, which the network was trained without.
MEAN = 117.0
# A GraphDef is a program, and some operations write files. These only compute.
_ALLOWED = {
    *("Add", "AddV2", "AvgPool", "BiasAdd", "CheckNumerics", "Concat", "ConcatV2", "Const"),
    *("Conv2D", "DepthwiseConv2dNative", "Identity", "LRN", "MatMul", "MaxPool", "Mul", "NoOp"),
    *("Pad", "Placeholder", "Relu", "Relu6", "Reshape", "Rsqrt", "Softmax", "Squeeze", "Sub"),
}
_INPUT, _SCOPE = "Placeholder", "import"


class FrozenGraph:
    """A network in a frozen graph, with one input of RGB pictures without their mean level.

    Attributes:
        layers: The number of channels of each layer by name, in the order of the graph. Every
            operation with a feature map as its output is a layer.
    """

    def __init__(self, path: Path) -> None:
        """Reads the file.

        Raises:
            UserError: If the file is missing, is not a frozen graph, has not exactly one input, or
                contains operations that do more than compute features.
        """
        graph_def = _read(path)
        inputs = [node.name for node in graph_def.node if node.op == _INPUT]
        if len(inputs) != 1:
            raise errors.UserError(f"{path}: has {len(inputs)} inputs, but should have one")

        def build(images: tf.Tensor) -> None:
            tf.graph_util.import_graph_def(graph_def, {inputs[0]: images - MEAN}, name=_SCOPE)

        try:
            # Unlike the operations of an imported graph, those of a function have gradients on a
            # tape.
            self._function = tf.compat.v1.wrap_function(
                build, [tf.TensorSpec([None, None, None, 3], tf.float32)]
            )
        except ValueError as error:
            raise errors.UserError(
                f"{path}: cannot be imported ({str(error).splitlines()[0]})"
            ) from None
        self.layers = {
            operation.name.removeprefix(f"{_SCOPE}/"): operation.outputs[0].shape[-1]
            for operation in self._function.graph.get_operations()
            if operation.name.startswith(f"{_SCOPE}/") and _is_feature_map(operation)
        }

    def __call__(
        self, images: tf.Tensor, layers: collections.abc.Collection[str]
    ) -> dict[str, tf.Tensor]:
        """Computes the features of some layers.

        Args:
            images: float32 RGB [B, H, W, 3] in [0, 255].
            layers: Names from `layers`.

        Returns:
            Features by layer, float32 [B, h, w, C].
        """
        graph = self._function.graph
        outputs = {name: graph.get_tensor_by_name(f"{_SCOPE}/{name}:0") for name in layers}
        return dict(self._function.prune(graph.inputs, outputs)(images))


def _read(path: Path) -> tf.compat.v1.GraphDef:
    graph_def = tf.compat.v1.GraphDef()
    try:
        graph_def.ParseFromString(files.read(path))
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None
    except message.DecodeError:
        raise errors.UserError(f"{path}: is not a frozen graph of TensorFlow") from None
    foreign = sorted({node.op for node in graph_def.node} - _ALLOWED)
    if foreign:
        raise errors.UserError(
            f"{path}: contains operations that a network for features does not need: "
            f"{', '.join(foreign)}; freeze its weights and remove what trains or saves it"
        )
    if not graph_def.node:
        raise errors.UserError(f"{path}: is not a frozen graph of TensorFlow")
    return graph_def


def _is_feature_map(operation: tf.Operation) -> bool:
    if operation.type in ("Const", _INPUT) or not operation.outputs:
        return False
    output = operation.outputs[0]
    return output.dtype == tf.float32 and output.shape.rank == 4 and output.shape[-1] is not None
