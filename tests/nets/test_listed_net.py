"""Networks that a description lists layer by layer."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors
from fastnst.nets import architectures, listed_net

CONV = {"kind": "ConvolveValid", "name": "conv", "source": "pad", "stride": 1, "bias": True}
LAYERS = (
    {"kind": "Extend", "name": "even", "source": "photo", "multiple": 2},
    {"kind": "Pad", "name": "pad", "source": "even", "margins": [1, 1, 2, 0], "mode": "edge"},
    CONV | {"shape": [3, 3, 3, 3]},
    {"kind": "Norm", "name": "norm", "source": "conv", "epsilon": 0.1, "channels": 3},
    {"kind": "Add", "name": "sum", "source": "norm", "other": "even"},
    {"kind": "Trim", "name": "inner", "source": "sum", "margin": 1},
    {"kind": "Pad", "name": "outer", "source": "inner", "margins": [1, 1, 1, 1], "mode": "zero"},
    {"kind": "Clip", "name": "clip", "source": "outer", "low": 0.0, "high": 255.0},
    {"kind": "Crop", "name": "picture", "source": "clip", "like": "photo"},
)


def network() -> listed_net.ListedNet:
    net = listed_net.ListedNet(architectures.Listed(LAYERS))
    random = np.random.default_rng(0)
    net.convs["conv"].kernel.assign(random.normal(size=(3, 3, 3, 3)))
    net.convs["conv"].bias.assign([1.0, 2.0, 3.0])
    net.table.assign(random.normal(3, 1, (1, 6)))
    return net


def test_layers_are_computed_as_they_are_described() -> None:
    net = network()
    photos = np.random.default_rng(1).uniform(0, 255, (2, 19, 24, 3)).astype(np.float32)
    even = np.pad(photos, [(0, 0), (0, 1), (0, 0), (0, 0)], "reflect")
    padded = np.pad(even, [(0, 0), (1, 1), (2, 0), (0, 0)], "edge")
    kernel, bias = net.convs["conv"].kernel, net.convs["conv"].bias
    convolved = tf.nn.conv2d(padded, kernel, 1, "VALID") + bias
    mean, variance = tf.nn.moments(convolved, [1, 2], keepdims=True)
    scale, shift = net.table[0, :3], net.table[0, 3:]
    total = (scale * (convolved - mean) / tf.sqrt(variance + 0.1) + shift + even)[:, 1:-1, 1:-1]
    framed = np.pad(total, [(0, 0), (1, 1), (1, 1), (0, 0)])
    expected = np.clip(framed, 0, 255)[:, :19]
    np.testing.assert_allclose(net(tf.constant(photos)), expected, atol=1e-3)


def test_weights_have_the_names_of_their_layers() -> None:
    assert {name: tensor.shape for name, tensor in network().tensors().items()} == {
        "conv/kernel": (3, 3, 3, 3),
        "conv/bias": (3,),
        "styles": (1, 6),
    }


def test_a_frozen_network_stylizes_the_same() -> None:
    net, photos = network(), tf.random.uniform([1, 17, 20, 3], maxval=255.0, seed=1)
    frozen = net.frozen()
    assert not frozen.variables
    np.testing.assert_allclose(frozen(photos), net(photos), atol=1e-3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "Dream"}, "layer sum: there is no kind Dream; install a newer fastnst"),
        ({"other": "later"}, "layer sum: reads later, which is not an earlier layer"),
        ({"source": "picture"}, "layer sum: reads picture, which is not an earlier layer"),
    ],
)
def test_a_description_that_makes_no_sense_is_an_error(
    changed: dict[str, str], message: str
) -> None:
    described = tuple(each | changed if each["name"] == "sum" else each for each in LAYERS)
    with pytest.raises(errors.UserError, match=message):
        listed_net.ListedNet(architectures.Listed(described))
