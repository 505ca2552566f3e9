"""The table of loss networks, against the papers and slim's definitions."""

from __future__ import annotations

import numpy as np
import pytest
import stacked
import tensorflow as tf

from fastnst.features import loss_network, stacks


def test_every_network_has_a_default_file_and_slims_scope() -> None:
    names = ("vgg_16", "vgg_19", "vgg_a", "alexnet_v2", "overfeat", "cifarnet", "lenet")
    assert names == stacks.NAMES
    scopes = [stacks.stack(name).scope for name in stacks.NAMES]
    assert scopes == [*stacks.NAMES[:5], "CifarNet", "LeNet"]
    files = [stacks.default_file(name) for name in ("vgg_16", "vgg_19", "lenet")]
    assert files == [
        *("pretrained/vgg_16.ckpt", "pretrained/imagenet-vgg-verydeep-19.mat"),
        "pretrained/lenet.ckpt",
    ]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("vgg_16", {"relu1_2": (64, 1, 5), "relu3_3": (256, 4, 40), "relu5_3": (512, 16, 196)}),
        ("vgg_a", {"relu1_1": (64, 1, 3), "relu5_2": (512, 16, 134)}),
        # 11, then 11 + 2 * 4 = 19 after the pooling, and 19 + 4 * 8 = 51.
        ("alexnet_v2", {"relu1": (64, 4, 11), "relu2": (192, 8, 51), "relu5": (256, 16, 163)}),
        ("overfeat", {"relu1": (64, 4, 11), "relu2": (256, 8, 47), "relu5": (1024, 16, 151)}),
        ("cifarnet", {"relu1": (64, 1, 5), "relu2": (64, 2, 14)}),
        ("lenet", {"relu1": (32, 1, 5), "relu2": (64, 2, 14)}),
    ],
)
def test_layers_are_described_by_channels_stride_and_receptive_field(
    model: str, expected: dict[str, tuple[int, int, int]]
) -> None:
    found = {each.name: (each.channels, each.stride, each.field) for each in stacks.layers(model)}
    assert {name: found[name] for name in expected} == expected
    assert [*found] == [*stacks.convolutions(model)]


def test_variables_have_slims_names() -> None:
    assert stacks.variables("lenet", "relu2") == ("LeNet/conv2/weights", "LeNet/conv2/biases")
    assert stacks.variables("vgg_a", "relu3_2")[0] == "vgg_a/conv3/conv3_2/weights"


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        *((name, "relu3_3") for name in ("relu3_3", "conv3_3", "vgg_16/conv3/conv3_3")),
        ("vgg_19/conv3/conv3_4", "relu3_4"),
        *((name, "relu2") for name in ("conv2", "alexnet_v2/conv2", "cifarnet/conv2")),
        ("CifarNet/conv2", "relu2"),
    ],
)
def test_a_layer_is_found_by_each_of_its_names(name: str, layer: str) -> None:
    assert stacks.layer_named(name) == layer


@pytest.mark.parametrize(
    "name", ["relu2_3", "relu6_1", "pool3", "vgg_16/conv2/conv3_3", "vgg_16/relu3_3", "relu6", ""]
)
def test_a_name_of_no_layer_finds_none(name: str) -> None:
    assert stacks.layer_named(name) is None


@pytest.mark.parametrize(
    ("model", "layer", "side"),
    [("vgg_16", "relu1_1", 1), ("vgg_16", "relu5_1", 16), ("alexnet_v2", "relu5", 35)],
)
def test_the_smallest_side_is_the_least_that_leaves_a_position(
    model: str, layer: str, side: int
) -> None:
    assert stacks.smallest_side(model, [layer]) == side
    assert stacks.smallest_side(model, []) == 1


def test_at_the_smallest_side_every_layer_has_a_position() -> None:
    for model in ("alexnet_v2", "lenet"):
        layers = [*stacks.convolutions(model)]
        network = loss_network.LossNetwork(stacked.weights(model), layers, model=model)
        side = stacks.smallest_side(model, layers)
        found = network(tf.constant(np.full([1, side, side, 3], 99, np.float32)), layers)
        assert min(found[layers[-1]].shape[1:3]) >= 1
