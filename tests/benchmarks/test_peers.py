"""The peers compute what fastnst computes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import contest
from fastnst import files
from fastnst.features import loss_network
from fastnst.losses import functional
from fastnst.nets import architectures, transform_net

torch = pytest.importorskip("torch", reason="needs the extra [bench]")
peers = pytest.importorskip("benchmarks.peers")


@pytest.fixture(autouse=True)
def _without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def channels_first(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy())


def test_the_transform_net_stylizes_the_same_picture() -> None:
    random = np.random.default_rng(0)
    net = transform_net.TransformNet(seed=3)
    net.table.assign_add(random.normal(0, 0.1, net.table.shape).astype(np.float32))
    photos = contest.photos(64, 2).astype(np.float32)
    peer = peers.TransformNet()
    tensors = net.tensors()
    del tensors[architectures.TABLE]
    peer.take(tensors | {name: entry.numpy() for name, entry in net.style().items()})
    stylized = peer(channels_first(photos)).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(stylized, net(tf.constant(photos)), atol=0.05)


def test_the_loss_network_gives_the_same_features_away_from_the_border() -> None:
    layers = list(peers.STYLE_LAYERS)
    photos = contest.photos(128, 1).astype(np.float32)
    weights = loss_network.load_weights(files.find("pretrained/vgg_16.ckpt"))
    expected = loss_network.LossNetwork(weights, layers)(tf.constant(photos), layers)
    found = peers.Vgg16(layers)(channels_first(photos))
    assert list(found) == layers
    for layer, margin in zip(layers, (2, 4, 6, 6), strict=True):
        inner = (slice(None), slice(margin, -margin), slice(margin, -margin))
        features = found[layer].numpy().transpose(0, 2, 3, 1)[inner]
        scale = float(np.abs(features).max())
        np.testing.assert_allclose(features, expected[layer].numpy()[inner], atol=1e-4 * scale)


def test_gram_matrices_are_the_same() -> None:
    features = np.random.default_rng(0).normal(size=(2, 5, 6, 4)).astype(np.float32)
    np.testing.assert_allclose(
        peers.gram(channels_first(features)), functional.gram_matrix(features), atol=1e-6
    )
