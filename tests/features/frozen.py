"""Writes a small frozen graph in the form of Inception5h's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

# Layer names of the real file.
FIRST, SECOND = "conv2d0_pre_relu", "mixed4d_3x3_bottleneck_pre_relu"


def kernels() -> tuple[np.ndarray, np.ndarray]:
    """The kernels of both layers: 4 and 6 channels."""
    random = np.random.default_rng(0)
    one = random.normal(0, 0.1, (3, 3, 3, 4)).astype(np.float32)
    return one, random.normal(0, 0.3, (1, 1, 4, 6)).astype(np.float32)


def write(path: Path, *, extra: bool = False) -> Path:
    """Writes input -> conv + bias -> ReLU -> pool -> conv; `extra` adds an op that reads a file."""
    one, two = kernels()
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3], name="input")
        net = tf.nn.conv2d(images, one, 1, "SAME", name=f"{FIRST}/conv")
        net = tf.nn.bias_add(net, [0.0, 1.0, 2.0, 3.0], name=FIRST)
        net = tf.nn.relu(net, name="conv2d0")
        net = tf.nn.max_pool2d(net, 2, 2, "SAME", name="maxpool0")
        tf.nn.conv2d(net, two, 1, "SAME", name=SECOND)
        if extra:
            tf.io.read_file("/etc/hostname", name="spy")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path
