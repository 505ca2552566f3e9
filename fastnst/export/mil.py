"""Computes a saved Core ML program with TensorFlow, because Core ML itself runs on Apple's devices.

The program is read back from the package, so the check covers what was written: shapes, weights and
the meaning of each operation as Apple documents it
(https://apple.github.io/coremltools/source/coremltools.converters.mil.mil.ops.defs.html). This
module runs in a process without fastnst.
"""

from __future__ import annotations

import collections.abc
import os
from typing import Any

import numpy as np
import tensorflow as tf


def load(folder: str) -> collections.abc.Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Reads model.mlpackage in a folder.

    Returns:
        A function of photos, uint8 [B, H, W, 3], shares of the styles, float32 [styles], and a
        strength, float32 [1], to stylized photos, uint8.
    """
    import coremltools
    from coremltools.converters.mil.frontend.milproto.load import load as load_program

    package = os.path.join(folder, "model.mlpackage")
    spec = coremltools.utils.load_spec(package)
    weights = os.path.join(package, "Data", "com.apple.CoreML", "weights")
    program = load_program(spec, spec.specificationVersion, weights).functions["main"]

    def paint_one(photo: np.ndarray, shares: np.ndarray, strength: np.ndarray) -> np.ndarray:
        given = {
            "images": tf.constant(photo.transpose(2, 0, 1)[np.newaxis], tf.float32),
            "style": tf.constant(shares[np.newaxis]),
            "strength": tf.constant(strength),
        }
        (stylized,) = _run(program, {name: given[name] for name in program.inputs})
        return np.uint8(stylized.numpy()[0].transpose(1, 2, 0))

    def paint(photos: np.ndarray, shares: np.ndarray, strength: np.ndarray) -> np.ndarray:
        return np.stack([paint_one(photo, shares, strength) for photo in photos])

    return paint


def _run(program: Any, given: dict[str, tf.Tensor]) -> list[tf.Tensor]:
    """Runs a function of a program; returns its outputs."""
    values: dict[str, Any] = dict(given)

    def value(variable: Any) -> Any:
        if isinstance(variable, (list, tuple)):
            return [value(each) for each in variable]
        return values.get(variable.name, variable.val)

    for operation in program.operations:
        if operation.op_type == "const":
            continue
        inputs = {name: value(variable) for name, variable in operation.inputs.items()}
        results = _OPERATIONS[operation.op_type](**inputs)
        if len(operation.outputs) == 1:
            results = [results]
        for variable, result in zip(operation.outputs, results, strict=True):
            values[variable.name] = result
    return [values[variable.name] for variable in program.outputs]


def _cast(x: tf.Tensor, dtype: str) -> tf.Tensor:
    return tf.cast(x, {"fp32": tf.float32, "fp16": tf.float16, "int32": tf.int32}[dtype])


def _conv(
    x: tf.Tensor,
    weight: np.ndarray,
    strides: np.ndarray,
    pad_type: str,
    groups: int,
    **others: Any,
) -> tf.Tensor:
    """Convolves [B, C, H, W] with weights [outputs, C / groups, h, w]."""
    assert pad_type == "valid" and not np.any(others.get("pad")), others
    assert np.all(others.get("dilations") == 1)
    images = tf.transpose(x, [0, 2, 3, 1])
    weight = tf.convert_to_tensor(weight)
    if groups == 1:
        convolved = tf.nn.conv2d(images, tf.transpose(weight, [2, 3, 1, 0]), strides, "VALID")
    else:
        assert groups == weight.shape[0]
        kernel, sides = tf.transpose(weight, [2, 3, 0, 1]), [1, *strides, 1]
        convolved = tf.nn.depthwise_conv2d(images, kernel, sides, "VALID")
    if others.get("bias") is not None:
        convolved += others["bias"]
    return tf.transpose(convolved, [0, 3, 1, 2])


def _depth_to_space(x: tf.Tensor, block_size: int) -> tf.Tensor:
    """Takes the blocks' pixels from the outer part of the channels, as TensorFlow does."""
    spread = tf.nn.depth_to_space(tf.transpose(x, [0, 2, 3, 1]), int(block_size))
    return tf.transpose(spread, [0, 3, 1, 2])


def _instance_norm(x: tf.Tensor, epsilon: float, gamma: Any = None, beta: Any = None) -> tf.Tensor:
    mean, variance = tf.nn.moments(tf.cast(x, tf.float32), [2, 3], keepdims=True)
    normalized = (tf.cast(x, tf.float32) - mean) * tf.math.rsqrt(variance + float(epsilon))
    if gamma is not None:
        normalized = normalized * np.reshape(gamma, [-1, 1, 1]) + np.reshape(beta, [-1, 1, 1])
    return tf.cast(normalized, x.dtype)


def _pad(x: tf.Tensor, pad: np.ndarray, mode: str, **others: Any) -> tf.Tensor:
    margins = np.zeros((4, 2), np.int32)
    margins[-len(pad) // 2 :] = np.reshape(pad, [-1, 2])
    if mode == "replicate":
        # Of one pixel at a time, mirroring the edge repeats it.
        for _ in range(margins.max()):
            x = tf.pad(x, np.minimum(margins, 1), "SYMMETRIC")
            margins = np.maximum(margins - 1, 0)
        return x
    return tf.pad(x, margins, {"reflect": "REFLECT", "constant": "CONSTANT"}[mode])


def _slice_by_index(
    x: tf.Tensor,
    begin: np.ndarray,
    end: np.ndarray,
    begin_mask: np.ndarray | None = None,
    end_mask: np.ndarray | None = None,
    **others: Any,
) -> tf.Tensor:
    assert others.get("stride") is None and not np.any(others.get("squeeze_mask"))
    count = len(begin)
    firsts, lasts = ([False] * count if mask is None else mask for mask in (begin_mask, end_mask))
    slices = [
        slice(None if firsts[axis] else begin[axis], None if lasts[axis] else end[axis])
        for axis in range(count)
    ]
    return x[tuple(slices)]


def _upsample(x: tf.Tensor, scale_factor_height: int, scale_factor_width: int) -> tf.Tensor:
    tall = tf.repeat(x, int(scale_factor_height), axis=2)
    return tf.repeat(tall, int(scale_factor_width), axis=3)


# Names of the arguments are those of Core ML's operations.
_OPERATIONS: dict[str, collections.abc.Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "atanh": lambda x: tf.atanh(x),
    "cast": _cast,
    "clip": lambda x, alpha, beta: tf.clip_by_value(x, alpha, beta),
    "concat": lambda values, axis, interleave: tf.concat(values, axis),
    "conv": _conv,
    "depth_to_space": _depth_to_space,
    "instance_norm": _instance_norm,
    "leaky_relu": lambda x, alpha: tf.nn.leaky_relu(x, float(alpha)),
    "linear": lambda x, weight, bias: tf.matmul(x, weight, transpose_b=True) + bias,
    "matmul": lambda x, y, transpose_x, transpose_y: tf.matmul(
        x, y, transpose_a=bool(transpose_x), transpose_b=bool(transpose_y)
    ),
    "minimum": lambda x, y: tf.minimum(x, y),
    "mul": lambda x, y: x * y,
    "pad": _pad,
    "reduce_max": lambda x, axes, keep_dims: tf.reduce_max(x, axes, keepdims=bool(keep_dims)),
    "reduce_min": lambda x, axes, keep_dims: tf.reduce_min(x, axes, keepdims=bool(keep_dims)),
    "reduce_mean": lambda x, axes, keep_dims: tf.reduce_mean(x, axes, keepdims=bool(keep_dims)),
    "relu": lambda x: tf.nn.relu(x),
    "reshape": lambda x, shape: tf.reshape(x, shape),
    "reverse": lambda x, axes: tf.reverse(x, axes),
    "round": lambda x: tf.round(x),
    "shape": lambda x: tf.shape(x),
    "slice_by_index": _slice_by_index,
    "slice_by_size": lambda x, begin, size: tf.slice(x, begin, size),
    "sqrt": lambda x: tf.sqrt(x),
    "split": lambda x, split_sizes, axis, num_splits=None: tf.split(x, split_sizes, axis),
    "sub": lambda x, y: x - y,
    "tanh": lambda x: tf.tanh(x),
    "upsample_nearest_neighbor": _upsample,
}
