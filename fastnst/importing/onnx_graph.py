"""ONNX files of style networks: of pytorch/examples, of jcjohnson's architecture, and alike.

The graph is followed from the output back to the photo, so nodes that only compute sizes are never
looked at. What a file does not say is how it takes colors: networks of jcjohnson's (a tanh times
150 at the end) take and return BGR minus the loss network's mean, others RGB in 0..255.
"""

from __future__ import annotations

import collections.abc
from pathlib import Path
from typing import Any

import numpy as np

from fastnst import errors, files
from fastnst.importing import builder
from fastnst.nets import listing

PIXELS = ("auto", "rgb", "bgr-mean", "unit")
_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)
_SCALE_OF_TANH = 150.0
# The sides of a photo after two strides and two upsamplings are multiples of this.
_MULTIPLE = 4


def translate(path: Path, pixels: str = "auto") -> builder.Builder:
    """Lists the layers of a file.

    Args:
        path: The file.
        pixels: One of `PIXELS`: "rgb" in 0..255, "bgr-mean", "unit" for RGB in 0..1, or "auto".

    Raises:
        UserError: If it cannot be read, or has an operation that no known network has.
    """
    try:
        import onnx
    except ImportError:
        raise errors.UserError(f'{path}: needs onnx; run: pip install "fastnst[onnx]"') from None
    try:
        # Data in other files, wherever they are, is not read.
        loaded = onnx.load_model_from_string(files.read(path))
    except Exception as error:  # Of onnx and protobuf.
        raise errors.UserError(f"{path}: is no ONNX file ({errors.reason(error)})") from None
    try:
        return _Translation(loaded.graph, pixels).run()
    except errors.UserError as error:
        raise errors.UserError(f"{path}: {error}") from None
    # Of graphs that contradict themselves, onnx raises any exception.
    except Exception as error:
        raise errors.UserError(f"{path}: is damaged ({errors.reason(error)})") from None


class _Translation:
    """The layers that have been translated, by the names of the graph's results."""

    def __init__(self, graph: Any, pixels: str) -> None:
        from onnx import helper, numpy_helper

        self._read = numpy_helper.to_array
        self._made_by = {name: node for node in graph.node for name in node.output}
        self._attributes = {
            id(node): {each.name: helper.get_attribute_value(each) for each in node.attribute}
            for node in graph.node
        }
        self._constants = {each.name: self._read(each) for each in graph.initializer}
        inputs = [each.name for each in graph.input if each.name not in self._constants]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise errors.UserError(
                f"has {len(inputs)} inputs and {len(graph.output)} outputs; a style network has one"
            )
        self._input, self._output = inputs[0], graph.output[0].name
        self._pixels = pixels
        self._builder = builder.Builder()
        self._results: dict[str, str] = {}

    def run(self) -> builder.Builder:
        """Translates the graph."""
        made = self._builder
        path = self._path()
        pixels = self._pixels if self._pixels != "auto" else self._guess(path)
        made.add("Extend", multiple=_MULTIPLE)
        if pixels == "bgr-mean":
            made.convolve(_swap_channels(), bias=-_MEAN_BGR)
        elif pixels == "unit":
            made.add("Affine", factor=1 / 255.0, offset=0.0)
        self._results[self._input] = made.last
        for node in path:
            made.last = self._results[self._image_input(node)]
            self._results[node.output[0]] = self._translate(node)
        if pixels == "bgr-mean":
            # Swapped back, and the mean added in the order of RGB.
            made.convolve(_swap_channels(), bias=_MEAN_BGR[::-1])
        elif pixels == "unit":
            made.add("Affine", factor=255.0, offset=0.0)
        made.add("Clip", low=0.0, high=builder.WHITE)
        made.add("Crop", like=listing.PHOTO)
        return made

    def _path(self) -> list[Any]:
        """Returns the nodes between input and output that compute images, in order."""
        ordered: list[Any] = []
        seen: set[str] = set()
        # Without recursion, because networks may have hundreds of nodes.
        waiting = [(self._output, False)]
        while waiting:
            name, inputs_done = waiting.pop()
            if name == self._input or (name in seen and not inputs_done):
                continue
            if name not in self._made_by:
                raise errors.UserError(f"{name} is computed by no node of the graph")
            node = self._made_by[name]
            if inputs_done:
                ordered.append(node)
                continue
            seen.add(name)
            waiting.append((name, True))
            waiting += [(source, False) for source in self._image_inputs(node)]
        return ordered

    def _image_inputs(self, node: Any) -> list[str]:
        """Returns the inputs of a node that are images and not weights, constants or sizes."""
        if node.op_type not in ("Add", "Sub", "Mul", "Div"):
            first = node.input[0]
            return [first]
        return [name for name in node.input if self._constant(name) is None]

    def _image_input(self, node: Any) -> str:
        return self._image_inputs(node)[0]

    def _constant(self, name: str) -> np.ndarray | None:
        """Returns a constant, or None if it is computed."""
        if name in self._constants:
            return self._constants[name]
        node = self._made_by.get(name)
        if node is not None and node.op_type == "Constant":
            value = self._attributes[id(node)].get("value")
            return None if value is None else self._read(value)
        if node is not None and node.op_type in ("Identity", "Cast", "Unsqueeze"):
            return self._constant(node.input[0])
        return None

    def _guess(self, path: list[Any]) -> str:
        """Guesses how the network takes its colors."""
        scales = {
            float(value)
            for node in path
            if node.op_type == "Mul"
            for name in node.input
            if (value := self._constant(name)) is not None and value.size == 1
        }
        has_tanh = any(node.op_type == "Tanh" for node in path)
        return "bgr-mean" if has_tanh and scales == {_SCALE_OF_TANH} else "rgb"

    def _translate(self, node: Any) -> str:
        """Adds the layers of a node; returns the name of the last."""
        made, kind = self._builder, node.op_type
        attributes = self._attributes[id(node)]
        simple: dict[str, collections.abc.Callable[[], str]] = {
            "Relu": lambda: made.add("Relu"),
            "Tanh": lambda: made.add("Tanh"),
            "Identity": lambda: made.last,
            "Dropout": lambda: made.last,
            "Cast": lambda: made.last,
            "Conv": lambda: self._convolve(node, attributes),
            "ConvTranspose": lambda: self._transpose(node, attributes),
            "InstanceNormalization": lambda: self._norm(node, attributes),
            "BatchNormalization": lambda: self._affine_by_channel(*self._batch_norm(node)),
            "Pad": lambda: self._pad(node, attributes),
            "Slice": lambda: self._slice(node, attributes),
            "Upsample": lambda: self._resize(node, attributes),
            "Resize": lambda: self._resize(node, attributes),
            "Clip": lambda: self._clip(node, attributes),
        }
        if kind in simple:
            return simple[kind]()
        if kind in ("Add", "Sub", "Mul", "Div"):
            return self._arithmetic(node)
        raise errors.UserError(
            f"node {node.name or node.output[0]}: {kind} is no operation of a known style network"
        )

    def _weights(self, node: Any, index: int) -> np.ndarray:
        value = self._constant(node.input[index])
        if value is None:
            raise errors.UserError(f"node {node.name or node.output[0]}: has no constant weights")
        return np.asarray(value, np.float32)

    def _convolve(self, node: Any, attributes: dict[str, Any]) -> str:
        kernel = self._weights(node, 1)
        self._require(node, attributes.get("group", 1) == 1, "groups")
        self._require(node, set(attributes.get("dilations", [1])) == {1}, "dilations")
        strides = set(attributes.get("strides", [1]))
        self._require(node, len(strides) == 1 and strides <= {1, 2}, f"strides {strides}")
        top, left, bottom, right = attributes.get("pads", [0] * 4)
        return self._builder.convolve(
            kernel.transpose(2, 3, 1, 0),
            bias=self._weights(node, 2) if len(node.input) > 2 else None,
            stride=strides.pop(),
            pad=(top, bottom, left, right),
        )

    def _transpose(self, node: Any, attributes: dict[str, Any]) -> str:
        kernel = self._weights(node, 1)
        self._require(node, list(attributes.get("strides", [1, 1])) == [2, 2], "another stride")
        pads = attributes.get("pads", [0] * 4)
        self._require(node, pads[0] == pads[1], "different pads")
        # Of [inputs, outputs, height, width]. Twice the size, as with an output padding.
        last = self._builder.transposed(kernel.transpose(2, 3, 0, 1), before=pads[0])
        if len(node.input) > 2 and (bias := self._weights(node, 2)).any():
            return self._affine_by_channel(np.ones_like(bias), bias)
        return last

    def _norm(self, node: Any, attributes: dict[str, Any]) -> str:
        scale, shift = self._weights(node, 1), self._weights(node, 2)
        return self._builder.norm(scale, shift, float(attributes.get("epsilon", 1e-5)))

    def _batch_norm(self, node: Any) -> tuple[np.ndarray, np.ndarray]:
        """Returns factor and offset by channel."""
        scale, shift, mean, variance = (self._weights(node, index) for index in range(1, 5))
        epsilon = float(self._attributes[id(node)].get("epsilon", 1e-5))
        factor = scale / np.sqrt(variance + epsilon)
        return factor, shift - mean * factor

    def _affine_by_channel(self, factor: np.ndarray, offset: np.ndarray) -> str:
        return self._builder.convolve(np.diag(factor)[np.newaxis, np.newaxis], bias=offset)

    def _pad(self, node: Any, attributes: dict[str, Any]) -> str:
        pads = attributes.get("pads")
        if pads is None:
            pads = self._weights(node, 1)
        top, left, bottom, right = map(int, [pads[2], pads[3], pads[6], pads[7]])
        if min(top, left, bottom, right) < 0:
            self._require(node, len({top, left, bottom, right}) == 1, "different negative pads")
            return self._builder.add("Trim", margin=-top)
        if not any((top, left, bottom, right)):
            return self._builder.last
        mode = attributes.get("mode", b"constant")
        mode = {"constant": "zero"}.get(mode.decode(), mode.decode())
        margins = [top, bottom, left, right]
        return self._builder.add("Pad", margins=margins, mode=mode)

    def _slice(self, node: Any, attributes: dict[str, Any]) -> str:
        def values(index: int, name: str) -> list[int]:
            found = attributes[name] if name in attributes else self._weights(node, index)
            return [int(each) for each in np.ravel(found)]

        starts, ends, axes = (values(*each) for each in ((1, "starts"), (2, "ends"), (3, "axes")))
        margin = starts[0]
        same = set(starts) == {margin} and set(ends) == {-margin}
        self._require(node, same and set(axes) <= {2, 3, -1, -2}, "another slice than a margin")
        if len(axes) == 2:
            return self._builder.add("Trim", margin=margin)
        # PyTorch slices one axis after the other: the second makes the layer.
        inner = self._made_by.get(node.input[0])
        is_second = inner is not None and inner.op_type == "Slice"
        return self._builder.add("Trim", margin=margin) if is_second else self._builder.last

    def _resize(self, node: Any, attributes: dict[str, Any]) -> str:
        mode = attributes.get("mode", b"nearest").decode()
        self._require(node, mode == "nearest", f"mode {mode}")
        for name in node.input[1:]:
            value = self._constant(name) if name else None
            if value is not None and value.size == 4 and value.dtype.kind == "f":
                self._require(node, list(value) == [1, 1, 2, 2], f"scales {list(value)}")
        return self._builder.add("Repeat")

    def _clip(self, node: Any, attributes: dict[str, Any]) -> str:
        if len(node.input) > 1:
            low, high = (float(self._weights(node, index)) for index in (1, 2))
        else:
            low, high = float(attributes["min"]), float(attributes["max"])
        return self._builder.add("Clip", low=low, high=high)

    def _arithmetic(self, node: Any) -> str:
        made, kind = self._builder, node.op_type
        others = self._image_inputs(node)
        if len(others) == 2:
            self._require(node, kind == "Add", f"{kind} of two images")
            return made.add("Add", source=self._results[others[0]], other=self._results[others[1]])
        constant_first = node.input[0] != others[0]
        value = np.asarray(self._constant(node.input[0 if constant_first else 1]), np.float32)
        self._require(node, not constant_first or kind in ("Add", "Mul"), f"{kind} of a constant")
        factor, offset = {
            "Add": (np.ones_like(value), value),
            "Sub": (np.ones_like(value), -value),
            "Mul": (value, np.zeros_like(value)),
            "Div": (1.0 / value if kind == "Div" else value, np.zeros_like(value)),
        }[kind]
        if value.size == 1:
            return made.add("Affine", factor=float(factor.item()), offset=float(offset.item()))
        return self._affine_by_channel(factor.ravel(), offset.ravel())

    @staticmethod
    def _require(node: Any, condition: bool, what: str) -> None:
        if not condition:
            raise errors.UserError(
                f"node {node.name or node.output[0]}: {node.op_type} with {what} is in no known "
                "style network"
            )


def _swap_channels() -> np.ndarray:
    """Returns the kernel that turns RGB into BGR and back, [1, 1, 3, 3]."""
    return np.eye(3, dtype=np.float32)[::-1][np.newaxis, np.newaxis]
