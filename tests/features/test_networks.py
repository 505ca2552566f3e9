"""The networks by name."""

from __future__ import annotations

from pathlib import Path

import frozen
import numpy as np
import pytest
import stacked
import tensorflow as tf

from fastnst import errors
from fastnst.cli import dream
from fastnst.features import frozen_graph, loss_network, networks, vgg


def test_vgg_16_ships_up_to_relu4_3() -> None:
    network = networks.load("vgg_16")
    assert isinstance(network, loss_network.LossNetwork)
    assert [*network.layers] == [*vgg.layers_of("vgg_16")[:10]]
    assert (network.layers["relu1_1"], network.layers["relu4_3"]) == (64, 512)
    assert network(tf.zeros([1, 32, 32, 3]), ["relu4_3"])["relu4_3"].shape == (1, 4, 4, 512)


def test_inception5h_is_a_frozen_graph(tmp_path: Path) -> None:
    network = networks.load("inception5h", frozen.write(tmp_path / "graph.pb"))
    assert isinstance(network, frozen_graph.FrozenGraph)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(errors.UserError, match=r"inception_graph.pb: no such file; name"):
        networks.load("inception5h")


def test_the_command_knows_the_networks_without_tensorflow() -> None:
    assert [*dream.LAYERS] == [*networks.FILES]


def test_slims_other_networks_are_read_from_their_checkpoints(tmp_path: Path) -> None:
    path = stacked.write(tmp_path / "lenet.ckpt", "lenet", inputs=1)
    assert networks.load("lenet", path).layers == {"relu1": 32, "relu2": 64}
    with pytest.raises(errors.UserError, match=r"a\.mat: \.mat files hold vgg_16, .*; for lenet, "):
        networks.load("lenet", tmp_path / "a.mat")
    with pytest.raises(errors.UserError, match=r"pretrained/overfeat\.ckpt"):
        networks.load("overfeat")


def test_vgg_is_read_with_its_mean_color() -> None:
    tensors, mean = networks.read_weights(Path("pretrained/vgg_16.ckpt").resolve(), "vgg_16")
    assert mean == [123.68, 116.78, 103.94]
    assert tensors["vgg_16/conv1/conv1_1/weights"].shape == (3, 3, 3, 64)
    assert all(tensor.dtype == np.float32 for tensor in tensors.values())
