"""Stylizing in bands inside a graph, against stylizing the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fastnst.nets import architectures, bands, layers, listed_net, network, transform_net


def make_net(blocks: int = 1, **option: Any) -> transform_net.TransformNet:
    architecture = architectures.Transform(8, blocks, **option)
    net = transform_net.TransformNet(architecture, seed=1, styles=2)
    net.table.assign_add(np.random.default_rng(1).normal(0, 0.3, net.table.shape))
    return net


def make_photos(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(20, 200, [*shape, 3]).astype(np.float32)


def compile_painter(net: network.Network) -> tf.types.experimental.PolymorphicFunction:
    """A graph for any photos, rows, and shares to keep."""
    given = [
        tf.TensorSpec([None, None, None, 3]),
        tf.TensorSpec([net.layout.size]),
        tf.TensorSpec([]),
    ]
    return tf.function(bands.BandPainter(net.frozen()), given, autograph=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "option",
    [{"output_norm": False}, {"lite": True}, {"antialias": True, "deep": True, "blocks": 3}],
    ids=str,
)
def test_photos_painted_in_bands_equal_those_painted_whole(
    option: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bands, "LARGE", 900)
    # The lowest bands that are possible, so that windows reach across several.
    monkeypatch.setattr(bands, "BAND_MEMORY", 1)
    net = make_net(**option)
    paint = compile_painter(net)
    for shape, row, keep in (((1, 131, 53), 1, 0.0), ((3, 47, 98), 0, 0.5), ((2, 19, 50), 1, 1.0)):
        photos = make_photos(*shape)
        expected = net(tf.constant(photos), net.table[row], tf.constant(keep))
        found = paint(photos, net.table[row], keep)
        np.testing.assert_allclose(found, expected, atol=0.05, err_msg=str(shape))


@pytest.mark.slow
def test_a_photo_of_one_color_is_painted_in_one_color(monkeypatch: pytest.MonkeyPatch) -> None:
    net = make_net(antialias=True)
    photos = tf.fill([2, 131, 53, 3], 77.0)
    for large in (900, bands.LARGE):
        monkeypatch.setattr(bands, "LARGE", large)
        for keep in (0.0, 0.5):
            found = compile_painter(net)(photos, net.table[1], keep)
            assert np.ptp(found, axis=(1, 2)).max() < 0.1


def test_small_photos_are_painted_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise AssertionError("bands are computed")

    def fail_in_graph(painting: object) -> tf.Tensor:
        return tf.py_function(fail, [], tf.float32) + tf.zeros([1, 1, 1, 3])

    monkeypatch.setattr(bands, "LARGE", 24 * 24)
    monkeypatch.setattr(bands._Painting, "run", fail_in_graph)
    net = make_net()
    paint = compile_painter(net)
    photos = make_photos(2, 24, 24)
    expected = net(tf.constant(photos), net.table[0])
    np.testing.assert_allclose(paint(photos, net.table[0], 0.0), expected, atol=0.05)
    with pytest.raises(tf.errors.OpError, match="bands are computed"):
        paint(make_photos(1, 24, 25), net.table[0], 0.0)


def test_a_graph_holds_each_kernel_once() -> None:
    net = make_net(antialias=True)
    graph = compile_painter(net).get_concrete_function().graph.as_graph_def()
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    constants = [tf.make_ndarray(node.attr["value"].tensor) for node in nodes if node.op == "Const"]
    stored = sum(each.size for each in constants)
    kernels = sum(
        np.size(each) for name, each in net.tensors().items() if name != architectures.TABLE
    )
    # The rest is shapes, axes, and the low-pass filters.
    assert kernels < stored < kernels + 3000


def test_a_listed_network_is_painted_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "LARGE", 900)
    described = (
        {"kind": "Affine", "name": "half", "source": "photo", "factor": 0.5, "offset": 0.0},
        {
            "kind": "ConvolveValid",
            "name": "last",
            "source": "half",
            "shape": [1, 1, 3, 3],
            "stride": 1,
            "bias": False,
        },
    )
    net = listed_net.ListedNet(architectures.Listed(described))
    net.assign(
        {"last/kernel": np.eye(3)[np.newaxis, np.newaxis], architectures.TABLE: np.zeros((1, 0))}
    )
    photos = make_photos(2, 40, 50)
    found = compile_painter(net)(photos, tf.zeros([0]), 0.0)
    np.testing.assert_allclose(found, photos / 2, rtol=1e-5)


def test_a_shared_kernel_is_made_once_for_each_dtype() -> None:
    conv = layers.Conv("conv", 3, 2, 2, antialias=True)
    expected = conv(tf.ones([1, 8, 8, 2]))
    made = []
    applied = conv.applied
    conv.applied = lambda: made.append(1) or applied()

    @tf.function(autograph=False)
    def twice(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        conv.shared = layers.Shared()
        (images,) = tf.while_loop(lambda _: False, lambda each: (conv(each),), (images,))
        return conv(images), tf.cond(tf.size(images) > 0, lambda: conv(images), lambda: images)

    for found in twice(tf.ones([1, 8, 8, 2])):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert len(made) == 1
