"""Networks that are given by lists of layers."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.nets import layers, listing, network, rows

RANDOM = np.random.default_rng(0)


class Toy(network.Network):
    """A convolution, a norm and a skip around a halving, in RGB."""

    def __init__(self, styles: int = 1) -> None:
        channels = {"norm/scale": 1.0, "norm/shift": 0.0, "skip/scale": 1.0}
        entries = tuple(rows.Entry(name, 3, initial) for name, initial in channels.items())
        super().__init__(rows.Layout(entries), styles)
        self.conv = layers.Conv("conv", 3, 3, 3)

    def list_layers(self) -> tuple[listing.Layer, ...]:
        return (
            listing.Affine("centered", listing.PHOTO, 0.01, -1.0),
            listing.Convolve("conv", "centered", self.conv),
            listing.Norm("norm", "conv"),
            listing.Relu("relu", "norm"),
            listing.Halve("halve", "relu"),
            listing.Double("double", "halve", "relu"),
            listing.Subtract("detail", "relu", "double"),
            listing.Skip("skip", "detail", "centered"),
            listing.Add("sum", "skip", "relu"),
            listing.Tanh("tanh", "sum"),
            listing.Cast("picture", "tanh", tf.float64),
        )

    def copy(self, styles: int) -> Toy:
        return Toy(styles)


@pytest.fixture(scope="module")
def photos() -> tf.Tensor:
    """Noise, float32 [2, 12, 15, 3]."""
    return tf.constant(RANDOM.uniform(0, 255, (2, 12, 15, 3)), tf.float32)


def test_layers_are_computed_in_their_order_from_the_results_they_name(photos: tf.Tensor) -> None:
    net = Toy()
    net.table.assign(RANDOM.normal(1, 0.5, net.table.shape))
    scale, shift, weights = tf.split(net.table[0], 3)
    centered = photos * 0.01 - 1.0
    convolved = net.conv(centered)
    mean, variance = tf.nn.moments(convolved, [1, 2], keepdims=True)
    active = tf.nn.relu((convolved - mean) * tf.math.rsqrt(variance + 1e-5) * scale + shift)
    detail = active - layers.double(layers.halve(active), active)
    expected = tf.tanh(detail + weights * centered + active)
    found = net.compute(photos, net.style())
    assert found.dtype == tf.float64
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_norm_of_a_tile_takes_the_moments_of_the_whole(photos: tf.Tensor) -> None:
    net = Toy()
    norm = listing.Norm("norm", "conv")
    mean, variance = tf.fill([1, 1, 1, 3], 3.0), tf.fill([1, 1, 1, 3], 4.0)

    def nothing(name: str) -> tf.Tensor:
        raise AssertionError(name)

    found = net.apply(norm, photos[:1], net.style(), nothing, of_whole=(mean, variance))
    np.testing.assert_allclose(found, (photos[:1] - 3.0) / 2.0, rtol=1e-4)


def test_upsampling_is_cropped_to_the_image_it_is_given(photos: tf.Tensor) -> None:
    upsample = listing.Upsample("up", "small", layers.UpsampleConv("up", 3, 3, 3), "full")
    sizes = {"full": tf.zeros([2, 23, 30, 1])}
    found = Toy().apply(upsample, photos, {}, sizes.__getitem__)
    assert found.shape == (2, 23, 30, 3)
    # Tiles know the size, but not the layer itself.
    found = Toy().apply(upsample, photos, {}, {}.__getitem__, lambda name: tf.zeros([2, 24, 29, 1]))
    assert found.shape == (2, 24, 29, 3)


def test_the_last_norm_has_no_contrast_for_a_photo_of_one_color(photos: tf.Tensor) -> None:
    net = Toy()
    flat = tf.fill([1, 12, 15, 3], 90.0) + tf.constant([0.0, 20.0, -7.0])
    dot = tf.concat([flat[:, :, :-1], flat[:, :, -1:] + [0.0, 0.0, 1.0]], 2)
    contrast = network.contrast(tf.concat([flat, dot, photos[:1], flat + 0.25], 0))
    np.testing.assert_array_equal(contrast, [[0.0], [1.0], [1.0], [0.0]])
    style = net.fading(net.style(), contrast)
    np.testing.assert_array_equal(style["norm/scale"][:, 0], [0.0, 1.0, 1.0, 0.0])
    assert style["norm/shift"].shape == (4, 3)
    np.testing.assert_array_equal(style["skip/scale"], net.style()["skip/scale"])


def test_an_unknown_layer_is_an_error(photos: tf.Tensor) -> None:
    layer = listing.Layer("mystery", listing.PHOTO)
    with pytest.raises(TypeError, match="no such layer: Layer"):
        Toy().apply(layer, photos, {}, {}.__getitem__)


def test_a_copy_with_another_table_has_the_same_kernels(photos: tf.Tensor) -> None:
    net = Toy()
    table = RANDOM.normal(0, 1, (3, net.layout.size)).astype(np.float32)
    copy = net.with_table(table)
    np.testing.assert_array_equal(copy.table, table)
    np.testing.assert_array_equal(copy.conv.kernel, net.conv.kernel)
    assert copy.conv.kernel is not net.conv.kernel
    row = copy.style(copy.table[2])
    np.testing.assert_array_equal(net.compute(photos, row), copy.compute(photos, row))


def test_a_frozen_copy_is_not_trained_unless_its_row_is() -> None:
    net = Toy()
    for copy, trained in ((net, True), (net.frozen(), False), (net.frozen(trained=True), True)):
        assert (copy.trained, copy.conv.trained) == (trained, trained)
    learning = net.with_frozen_kernels(net.table.numpy()[0])
    assert learning.trained and learning.conv.trained
