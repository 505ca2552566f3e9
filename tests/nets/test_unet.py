"""The U-Net: the generator of the tutorial, for photos of any size."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.nets import architectures, listing, unet

SMALL = architectures.UNet(width=4, depth=3)


def small(**options: object) -> unet.UNet:
    """A small network whose pictures have contrast."""
    net = unet.UNet(SMALL, **options)
    for conv in (*net.down, *net.up):
        conv.kernel.assign(10.0 * conv.kernel)
    net.table.assign(net.table + 0.7)
    return net


def photos(*shape: int) -> tf.Tensor:
    """Noise as a batch of photos."""
    return tf.random.uniform([*shape, 3], maxval=255.0, seed=1)


def compute_by_keras(net: unet.UNet, batch: tf.Tensor) -> tf.Tensor:
    """Computes the network as the tutorial writes it, for sides that are multiples of 8."""
    layers = tf.keras.layers
    entries = net.style()

    def norm(maps: tf.Tensor, name: str) -> tf.Tensor:
        mean, variance = tf.nn.moments(maps, [1, 2], keepdims=True)
        normal = (maps - mean) / tf.sqrt(variance + 1e-5)
        return normal * entries[f"{name}/scale"] + entries[f"{name}/shift"]

    maps, skips = batch / 127.5 - 1.0, []
    for level, conv in enumerate(net.down):
        layer = layers.Conv2D(conv.kernel.shape[-1], 4, strides=2, padding="same", use_bias=False)
        layer.build(maps.shape)
        layer.set_weights([conv.kernel.numpy()])
        maps = layer(maps) if level == 0 else norm(layer(maps), f"down/{level}/norm")
        maps = tf.maximum(maps, 0.3 * maps)
        skips.append(maps)
    for level in (2, 1, 0):
        conv = net.up[level]
        outputs = conv.kernel.shape[-1]
        layer = layers.Conv2DTranspose(outputs, 4, strides=2, padding="same", use_bias=level == 0)
        layer.build(maps.shape)
        kernel = conv.kernel.numpy().transpose(0, 1, 3, 2)
        layer.set_weights([kernel] if conv.bias is None else [kernel, conv.bias.numpy()])
        maps = layer(maps)
        if level > 0:
            maps = tf.nn.relu(norm(maps, f"up/{level}/norm"))
            maps = tf.concat([maps, skips[level - 1]], axis=-1)
    return tf.tanh(maps) * 127.5 + 127.5


def test_it_computes_what_the_tutorial_does() -> None:
    net, batch = small(), photos(2, 24, 32)
    net.up[0].bias.assign([0.1, 0.2, -0.3])
    expected = compute_by_keras(net, batch)
    assert np.ptp(expected) > 100
    np.testing.assert_allclose(net(batch), expected, atol=0.01)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 31), (33, 20)])
def test_a_picture_has_the_size_of_its_photo(height: int, width: int) -> None:
    assert small()(photos(1, height, width)).shape == (1, height, width, 3)


def test_kernels_and_scales_are_drawn_from_a_normal_distribution() -> None:
    net = unet.UNet(architectures.UNet(width=32, depth=4), seed=3, styles=2)
    tensors = net.tensors()
    assert tensors["down/3/kernel"].shape == (4, 4, 128, 256)
    assert tensors["up/3/kernel"].shape == (4, 4, 256, 128)
    assert tensors["up/1/kernel"].shape == (4, 4, 128, 32)
    for kernel in ("down/3/kernel", "up/2/kernel"):
        assert tensors[kernel].mean() == pytest.approx(0.0, abs=1e-3)
        assert tensors[kernel].std() == pytest.approx(0.02, rel=0.05)
    entries = {name: value.numpy() for name, value in net.style().items()}
    scales = np.concatenate([v for name, v in entries.items() if name.endswith("/scale")])
    assert scales.std() == pytest.approx(0.02, rel=0.1)
    assert not any(value.any() for name, value in entries.items() if name.endswith("/shift"))
    np.testing.assert_array_equal(tensors["styles"][0], tensors["styles"][1])
    other = unet.UNet(net.architecture, seed=4).tensors()
    assert not np.array_equal(other["down/0/kernel"], tensors["down/0/kernel"])


def test_the_full_network_has_the_tutorials_layers() -> None:
    shapes = architectures.UNet()
    assert shapes.channels() == (64, 128, 256, 512, 512, 512, 512, 512)
    entries = {entry.name: entry.size for entry in shapes.layout().entries}
    assert "down/0/norm/scale" not in entries and "up/0/norm/scale" not in entries
    assert (entries["down/7/norm/scale"], entries["up/1/norm/shift"]) == (512, 64)
    assert shapes.some_shapes()["down/1/kernel"] == (4, 4, 64, 128)


def test_all_but_the_first_convolution_compute_in_the_chosen_dtype() -> None:
    net = small(compute_dtype=tf.bfloat16)
    casts = [each for each in net.list_layers() if isinstance(each, listing.Cast)]
    assert [(each.name, each.source, each.dtype) for each in casts] == [
        ("trunk", "down/0/relu", tf.bfloat16),
        ("output", "up/0", tf.float32),
    ]
    batch = photos(1, 32, 32)
    assert np.abs(net(batch) - small()(batch)).max() < 20.0


def test_copies_paint_the_same() -> None:
    net, batch = small(), photos(1, 21, 30)
    for other in (net.frozen(), net.with_table(net.table.numpy())):
        np.testing.assert_allclose(other(batch), net(batch), atol=1e-3)
    assert not net.frozen().variables


@pytest.mark.parametrize(
    ("shapes", "message"),
    [({"width": 0}, "too many"), ({"depth": 99}, "too many"), ({"depth": True}, "should be int")],
)
def test_impossible_shapes_are_refused(shapes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        architectures.UNet(**shapes).check()
