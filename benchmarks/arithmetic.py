"""Counts the arithmetic of a graph's convolutions and matrix products."""

from __future__ import annotations

import collections.abc
import math

import tensorflow as tf


def flop(function: tf.types.experimental.PolymorphicFunction, *arguments: object) -> float:
    """Counts the FLOP of one call; a multiplication and an addition count as two.

    Elementwise operations are not counted, because memory bandwidth limits them.

    Args:
        function: Any `tf.function`.
        *arguments: Arguments to trace it with; only their shapes matter.

    Raises:
        ValueError: If a required shape cannot be inferred from those of the arguments.
    """
    graph = function.get_concrete_function(*arguments).graph
    return sum(_of_graph(graph))


def _of_graph(graph: tf.Graph) -> collections.abc.Iterator[float]:
    for operation in _needed(graph):
        count = _COUNTERS.get(operation.type)
        if count is not None:
            yield count(operation)
        elif operation.type in ("PartitionedCall", "StatefulPartitionedCall"):
            name = operation.get_attr("f").name
            yield from _of_graph(graph._get_function(name).graph)


def _needed(graph: tf.Graph) -> set[tf.Operation]:
    """Returns the operations that run: those that a result depends on."""
    pending = [*(tensor.op for tensor in graph.outputs), *graph.control_outputs]
    needed: set[tf.Operation] = set()
    while pending:
        operation = pending.pop()
        if operation not in needed:
            needed.add(operation)
            pending += [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
    return needed


def _convolution(operation: tf.Operation) -> float:
    """Returns 2 x outputs x products per output."""
    return 2.0 * _elements(operation.outputs[0]) * _reach(operation.inputs[1])


def _convolution_to_input(operation: tf.Operation) -> float:
    return 2.0 * _elements(operation.inputs[2]) * _reach(operation.inputs[1])


def _convolution_to_kernel(operation: tf.Operation) -> float:
    return 2.0 * _elements(operation.inputs[2]) * _reach(operation.outputs[0])


def _product(operation: tf.Operation) -> float:
    left = operation.inputs[0].shape
    transposed = "adj_x" if operation.type.startswith("Batch") else "transpose_a"
    summed = left[-2] if operation.get_attr(transposed) else left[-1]
    if summed is None:
        raise ValueError(f"{operation.name}: unknown size")
    return 2.0 * _elements(operation.outputs[0]) * summed


def _elements(tensor: tf.Tensor) -> float:
    if not tensor.shape.is_fully_defined():
        raise ValueError(f"{tensor.name}: unknown shape {tensor.shape}")
    return math.prod(tensor.shape)


def _reach(kernel: tf.Tensor) -> float:
    """Returns the products per output of a kernel [height, width, inputs, outputs]."""
    if not kernel.shape.is_fully_defined():
        raise ValueError(f"{kernel.name}: unknown shape {kernel.shape}")
    return math.prod(kernel.shape[:3])


_COUNTERS: dict[str, collections.abc.Callable[[tf.Operation], float]] = {
    "Conv2D": _convolution,
    "Conv2DBackpropInput": _convolution_to_input,
    "Conv2DBackpropFilter": _convolution_to_kernel,
    "MatMul": _product,
    "BatchMatMul": _product,
    "BatchMatMulV2": _product,
}
