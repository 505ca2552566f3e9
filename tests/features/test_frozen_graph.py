"""Frozen graphs, on one that has the names of Inception5h."""

from __future__ import annotations

from pathlib import Path

import frozen
import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors
from fastnst.features import frozen_graph


def test_the_features_are_those_of_the_graph_without_the_mean_level(tmp_path: Path) -> None:
    network = frozen_graph.FrozenGraph(frozen.write(tmp_path / "graph.pb"))
    assert network.layers == {
        f"{frozen.FIRST}/conv": 4,
        frozen.FIRST: 4,
        "conv2d0": 4,
        "maxpool0": 4,
        frozen.SECOND: 6,
    }
    photo = np.random.default_rng(1).uniform(0, 255, (2, 10, 7, 3)).astype(np.float32)
    compute = tf.function(lambda images: network(images, [frozen.SECOND, frozen.FIRST]))
    found = compute(tf.constant(photo))
    one, two = frozen.kernels()
    first = tf.nn.bias_add(tf.nn.conv2d(photo - 117.0, one, 1, "SAME"), [0.0, 1.0, 2.0, 3.0])
    np.testing.assert_allclose(found[frozen.FIRST], first, rtol=1e-5, atol=1e-3)
    second = tf.nn.conv2d(tf.nn.max_pool2d(tf.nn.relu(first), 2, 2, "SAME"), two, 1, "SAME")
    np.testing.assert_allclose(found[frozen.SECOND], second, rtol=1e-5, atol=1e-3)


def test_the_picture_gets_a_gradient(tmp_path: Path) -> None:
    network = frozen_graph.FrozenGraph(frozen.write(tmp_path / "graph.pb"))
    photo = tf.random.uniform([1, 8, 8, 3], maxval=255.0)

    @tf.function
    def gradient(images: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(images)
            value = tf.reduce_sum(network(images, [frozen.SECOND])[frozen.SECOND])
        return tape.gradient(value, images)

    assert float(tf.reduce_max(tf.abs(gradient(photo)))) > 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"\xff\xfe not a graph", "is not a frozen graph of TensorFlow"),
        (b"", "is not a frozen graph of TensorFlow"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "x.pb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(errors.UserError) as refusal:
        frozen_graph.FrozenGraph(path)
    assert str(refusal.value) == f"{path}: {reason}"


def test_a_graph_that_does_more_than_compute_is_refused(tmp_path: Path) -> None:
    path = frozen.write(tmp_path / "spy.pb", extra=True)
    with pytest.raises(errors.UserError, match=r"operations that a network.*: ReadFile; freeze"):
        frozen_graph.FrozenGraph(path)


def test_a_graph_without_an_input_is_refused(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        tf.constant(1.0)
    path = tmp_path / "constant.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(errors.UserError, match="has 0 inputs, but should have one"):
        frozen_graph.FrozenGraph(path)
