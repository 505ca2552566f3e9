"""Networks that classify pictures."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors, files
from fastnst.features import loss_network, vgg
from fastnst.nets import classifier_architecture, classifiers

Architecture = classifier_architecture.Architecture
MNIST = Architecture("mnist", 28, 1, 10)
CIFAR = Architecture("cifar10", 32, 3, 10)
SMALL_VGG = Architecture("vgg_16", 32, 3, 4, blocks=((2, 64), (2, 128)), mean=vgg.MEAN_RGB)


def count(architecture: Architecture) -> int:
    return sum(value.size for value in classifiers.make(architecture).tensors().values())


def test_the_networks_of_the_cookbook_have_their_numbers_of_weights() -> None:
    # 4*4*25 + 25, 4*4*25*50 + 50, 7*7*50*100 + 100, 100*10 + 10.
    assert count(MNIST) == 425 + 20_050 + 245_100 + 1_010
    # 5*5*3*64 + 64, 5*5*64*64 + 64, 6*6*64*384 + 384, 384*192 + 192, 192*10 + 10.
    assert count(CIFAR) == 4_864 + 102_464 + 885_120 + 73_920 + 1_930


@pytest.mark.parametrize(
    "architecture", [MNIST, CIFAR, Architecture("residual", 16, 3, 5, width=8), SMALL_VGG]
)
def test_logits_come_from_pictures_of_any_number_and_seeds_decide_the_weights(
    architecture: Architecture,
) -> None:
    shape = (2, architecture.side, architecture.side, architecture.channels)
    pictures = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    net = classifiers.make(architecture, seed=1)
    logits = net(pictures)
    assert logits.shape == (2, architecture.classes) and logits.dtype == tf.float32
    np.testing.assert_allclose(net(pictures[:1]), logits[:1], rtol=1e-3, atol=1e-4)
    first = next(iter(net.tensors().values()))
    again, other = (classifiers.make(architecture, seed=seed).tensors() for seed in (1, 2))
    np.testing.assert_array_equal(first, next(iter(again.values())))
    assert not np.array_equal(first, next(iter(other.values())))


def test_the_mnist_network_computes_what_the_cookbook_says() -> None:
    """One bright pixel through kernels of which each has a single weight of 1."""
    net = classifiers.make(MNIST)
    net.assign({name: np.zeros_like(value) for name, value in net.tensors().items()})
    one = np.zeros((4, 4, 1, 25), np.float32)
    # SAME padding of a kernel of 4: one pixel before and two after.
    one[1, 1, 0, 0] = 1.0
    two = np.zeros((4, 4, 25, 50), np.float32)
    two[1, 1, 0, 3] = 2.0
    full1 = np.zeros((2450, 100), np.float32)
    # The pixel (9, 5) is in the cell (2, 1) of 7 x 7 after two poolings: (2 * 7 + 1) * 50 + 3.
    full1[753, 7] = 3.0
    head = np.zeros((100, 10), np.float32)
    head[7, 4] = 1.0
    net.assign(
        {"conv1/weights": one, "conv2/weights": two, "full1/weights": full1, "head/weights": head}
    )
    picture = np.zeros((1, 28, 28, 1), np.uint8)
    picture[0, 9, 5] = 51
    # 51 / 255 = 0.2, times 2 and 3.
    expected = np.zeros((1, 10))
    expected[0, 4] = 1.2
    np.testing.assert_allclose(net(picture), expected, atol=1e-6)


def test_the_cifar_network_computes_what_the_cookbook_says() -> None:
    net = classifiers.make(CIFAR)
    random = np.random.default_rng(0)
    # With biases, and large enough that the norms matter.
    weights = {
        name: random.normal(0.0, 0.1, value.shape).astype(np.float32)
        for name, value in net.tensors().items()
    }
    net.assign(weights)
    pictures = random.uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    values = tf.image.per_image_standardization(tf.image.resize_with_crop_or_pad(pictures, 24, 24))
    for name in ("conv1", "conv2"):
        values = tf.nn.conv2d(values, weights[f"{name}/weights"], [1, 1, 1, 1], "SAME")
        values = tf.nn.relu(tf.nn.bias_add(values, weights[f"{name}/biases"]))
        values = tf.nn.max_pool(values, [1, 3, 3, 1], [1, 2, 2, 1], "SAME")
        values = tf.nn.lrn(values, depth_radius=5, bias=2.0, alpha=1e-3, beta=0.75)
    values = tf.reshape(values, [2, -1])
    for name in ("full1", "full2"):
        product = tf.matmul(values, weights[f"{name}/weights"])
        values = tf.nn.relu(tf.add(product, weights[f"{name}/biases"]))
    expected = tf.matmul(values, weights["head/weights"]) + weights["head/biases"]
    np.testing.assert_allclose(net(pictures), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("architecture", "deviation"), [(MNIST, 0.1), (CIFAR, 0.05)])
def test_weights_begin_as_in_the_cookbook(architecture: Architecture, deviation: float) -> None:
    for name, value in classifiers.make(architecture).tensors().items():
        if name.endswith("weights") and value.size > 5_000:
            # Of a normal distribution that is cut at two deviations.
            assert abs(value).max() <= 2 * deviation
            np.testing.assert_allclose(value.std(), 0.8796 * deviation, rtol=0.03)


def test_the_cifar_network_sees_the_central_pixels_without_their_brightness() -> None:
    net = classifiers.make(CIFAR)
    picture = np.random.default_rng(0).uniform(50, 150, (1, 32, 32, 3)).astype(np.float32)
    framed = picture.copy()
    framed[:, :4] = framed[:, :, -4:] = 255.0
    np.testing.assert_array_equal(net(framed), net(picture))
    np.testing.assert_allclose(net(picture * 0.5 + 60.0), net(picture), atol=1e-3)
    framed[:, 4, 4] = 255.0
    assert not np.allclose(net(framed), net(picture), atol=1e-3)


def test_a_residual_network_computes_in_other_types_and_forgets_no_scale() -> None:
    architecture = Architecture("residual", 16, 1, 3, width=8)
    net = classifiers.make(architecture)
    half = classifiers.make(architecture, tf.bfloat16)
    picture = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 1), np.uint8)
    features = net.features(tf.cast(picture, tf.float32))
    np.testing.assert_allclose(half.features(tf.cast(picture, tf.float32)), features, atol=0.1)
    net.weights["norm/shift"].assign_add(tf.fill([32], 0.5))
    assert (net.features(tf.cast(picture, tf.float32)) > features).numpy().all()


def test_vgg_computes_the_features_of_the_loss_network() -> None:
    weights = loss_network.load_weights(files.asset("pretrained/vgg_16.ckpt"))
    net = classifiers.make(SMALL_VGG)
    own = {name: value for name, value in weights.items() if name in net.weights}
    assert len(own) == 8
    net.assign(own)
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    means = loss_network.LossNetwork(weights, ["relu2_2"])(tf.constant(pictures), ["relu2_2"])
    means = means["relu2_2"].numpy().mean(axis=(1, 2))
    normal = (means - means.mean(1, keepdims=True)) / means.std(1, keepdims=True)
    np.testing.assert_allclose(net.features(tf.constant(pictures)), normal, atol=1e-3)


def test_the_last_blocks_of_vgg_are_those_before_the_head() -> None:
    net = classifiers.make(SMALL_VGG)
    assert [variable.shape for variable in net.last_blocks(0)] == [(128, 4), (4,)]
    names = [variable.name for variable in net.last_blocks(1)]
    assert len(names) == 6 and all("conv2" in name or "head" in name for name in names)
    assert len(net.last_blocks(2)) == len(net.weights)


def test_weights_of_another_network_are_refused() -> None:
    net = classifiers.make(MNIST)
    with pytest.raises(errors.UserError, match=r"head/biases has the shape \(3,\), should have"):
        net.assign({"head/biases": np.zeros(3, np.float32)})
    with pytest.raises(errors.UserError, match=r"conv9 has the shape .*should have nothing"):
        net.assign({"conv9": np.zeros(3, np.float32)})
