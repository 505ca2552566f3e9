"""Small random networks of other projects, and how those projects compute them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

WIDTHS = (4, 6, 8)


def random_photos(*shape: int) -> np.ndarray:
    """Photos in 0..255, float32 [B, H, W, 3]."""
    return np.random.default_rng(1).uniform(0, 255, (*shape, 3)).astype(np.float32)


def _random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _norm(x: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor, epsilon: float) -> tf.Tensor:
    mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
    return scale * (x - mean) / tf.sqrt(variance + epsilon) + shift


def _reflect(x: tf.Tensor, margin: int) -> tf.Tensor:
    return tf.pad(x, [[0, 0], [margin, margin], [margin, margin], [0, 0]], "REFLECT")


def lengstrom() -> dict[str, np.ndarray]:
    """Tensors as lengstrom/fast-style-transfer saves them: kernel, shift and scale, 16 times."""
    one, two, three = WIDTHS
    shapes = [(9, 9, 3, one), (3, 3, one, two), (3, 3, two, three), *[(3, 3, three, three)] * 10]
    # Transposed kernels have the outputs first.
    shapes += [(3, 3, two, three), (3, 3, one, two), (9, 9, one, 3)]
    random, tensors = _random(0), []
    for index, shape in enumerate(shapes):
        channels = shape[2] if index in (13, 14) else shape[3]
        tensors.append(random.normal(0, 0.2, shape))
        tensors += [random.normal(0, 0.3, channels), random.uniform(0.5, 1.0, channels)]
    return {
        f"Variable_{index}" if index else "Variable": tensor.astype(np.float32)
        for index, tensor in enumerate(tensors)
    }


def compute_lengstrom(tensors: dict[str, np.ndarray], photos: np.ndarray) -> np.ndarray:
    """The network as its author wrote it, for sides that are multiples of 4."""
    t = [tensors[f"Variable_{index}" if index else "Variable"] for index in range(48)]

    def conv(x: tf.Tensor, index: int, stride: int = 1, active: bool = True) -> tf.Tensor:
        x = _norm(tf.nn.conv2d(x, t[index], stride, "SAME"), t[index + 2], t[index + 1], 1e-3)
        return tf.nn.relu(x) if active else x

    def transposed(x: tf.Tensor, index: int) -> tf.Tensor:
        count, height, width, _ = x.shape
        shape = [count, 2 * height, 2 * width, t[index].shape[2]]
        x = tf.nn.conv2d_transpose(x, t[index], shape, 2, "SAME")
        return tf.nn.relu(_norm(x, t[index + 2], t[index + 1], 1e-3))

    x = conv(conv(conv(tf.constant(photos), 0), 3, 2), 6, 2)
    for block in range(5):
        first = 9 + 6 * block
        x = x + conv(conv(x, first), first + 3, active=False)
    x = transposed(transposed(x, 39), 42)
    x = tf.tanh(conv(x, 45, active=False)) * 150 + 127.5
    return np.clip(x.numpy(), 0, 255)


def original() -> dict[str, np.ndarray]:
    """Tensors as fast-neural-style-tensorflow saves them, with some of its optimizer."""
    one, two, three = WIDTHS
    shapes = {
        "conv1/conv/weight": (9, 9, 3, one),
        "conv2/conv/weight": (3, 3, one, two),
        "conv3/conv/weight": (3, 3, two, three),
        "deconv1/conv_transpose/conv/weight": (3, 3, three, two),
        "deconv2/conv_transpose/conv/weight": (3, 3, two, one),
        "deconv3/conv/weight": (9, 9, one, 3),
        "conv1/conv/weight/Adam": (9, 9, 3, one),
    }
    for block in range(1, 6):
        shapes |= dict.fromkeys(
            (f"res{block}/residual/conv/weight", f"res{block}/residual/conv_1/weight"),
            (3, 3, three, three),
        )
    random = _random(2)
    return {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}


def save_v1(tensors: dict[str, np.ndarray], path: Path) -> None:
    """Writes a checkpoint in TensorFlow's first format, one file."""
    names, values = zip(*tensors.items(), strict=True)
    tf.raw_ops.Save(filename=str(path), tensor_names=list(names), data=list(values))


def compute_original(tensors: dict[str, np.ndarray], photos: np.ndarray) -> np.ndarray:
    """The network as its author wrote it, at the size of its result."""

    def conv(x: tf.Tensor, name: str, stride: int = 1) -> tf.Tensor:
        kernel = tensors[f"{name}/weight"]
        return tf.nn.conv2d(_reflect(x, kernel.shape[0] // 2), kernel, stride, "VALID")

    def norm(x: tf.Tensor) -> tf.Tensor:
        return _norm(x, 1.0, 0.0, 1e-9)

    x = _reflect(tf.constant(photos) - [123.68, 116.78, 103.94], 10)
    x = tf.nn.relu(norm(conv(x, "conv1/conv")))
    x = tf.nn.relu(norm(conv(x, "conv2/conv", 2)))
    x = tf.nn.relu(norm(conv(x, "conv3/conv", 2)))
    for block in range(1, 6):
        name = f"res{block}/residual/conv"
        x = x + conv(tf.nn.relu(conv(x, name)), f"{name}_1")
    for index in (1, 2):
        large = tf.repeat(tf.repeat(x, 4, axis=1), 4, axis=2)
        x = tf.nn.relu(norm(conv(large, f"deconv{index}/conv_transpose/conv", 2)))
    x = (tf.tanh(norm(conv(x, "deconv3/conv"))) + 1) * 127.5
    return x[:, 10:-10, 10:-10].numpy()


def pytorch_examples() -> dict[str, np.ndarray]:
    """Tensors as pytorch/examples saves them."""
    one, two, three = WIDTHS
    convolutions = {
        "conv1": (one, 3, 9),
        "conv2": (two, one, 3),
        "conv3": (three, two, 3),
        "deconv1": (two, three, 3),
        "deconv2": (one, two, 3),
        "deconv3": (3, one, 9),
    }
    norms = {"in1": one, "in2": two, "in3": three, "in4": two, "in5": one}
    for block in range(1, 6):
        convolutions |= dict.fromkeys((f"res{block}.conv1", f"res{block}.conv2"), (three, three, 3))
        norms |= {f"res{block}.in1": three, f"res{block}.in2": three}
    random, tensors = _random(3), {}
    for name, (outputs, inputs, size) in convolutions.items():
        tensors[f"{name}.conv2d.weight"] = random.normal(0, 0.2, (outputs, inputs, size, size))
        tensors[f"{name}.conv2d.bias"] = random.normal(0, 0.2, outputs)
    tensors["deconv3.conv2d.weight"] *= 40
    tensors["deconv3.conv2d.bias"] += 110
    for name, channels in norms.items():
        tensors[f"{name}.weight"] = random.uniform(0.5, 1.0, channels)
        tensors[f"{name}.bias"] = random.normal(0, 0.3, channels)
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}


def compute_pytorch_examples(tensors: dict[str, np.ndarray], photos: np.ndarray) -> np.ndarray:
    """The network as its authors wrote it, at the size of its result."""

    def conv(x: tf.Tensor, name: str, stride: int = 1) -> tf.Tensor:
        kernel = tensors[f"{name}.conv2d.weight"].transpose(2, 3, 1, 0)
        padded = _reflect(x, kernel.shape[0] // 2)
        return tf.nn.conv2d(padded, kernel, stride, "VALID") + tensors[f"{name}.conv2d.bias"]

    def norm(x: tf.Tensor, name: str) -> tf.Tensor:
        return _norm(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], 1e-5)

    x = tf.constant(photos)
    for index, stride in ((1, 1), (2, 2), (3, 2)):
        x = tf.nn.relu(norm(conv(x, f"conv{index}", stride), f"in{index}"))
    for block in range(1, 6):
        inner = tf.nn.relu(norm(conv(x, f"res{block}.conv1"), f"res{block}.in1"))
        x = norm(conv(inner, f"res{block}.conv2"), f"res{block}.in2") + x
    for index in (1, 2):
        large = tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)
        x = tf.nn.relu(norm(conv(large, f"deconv{index}"), f"in{index + 3}"))
    return np.clip(conv(x, "deconv3").numpy(), 0, 255)
