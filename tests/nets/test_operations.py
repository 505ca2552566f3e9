"""Plain operations: each does what it says, and together they are the network."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.export import litert
from fastnst.nets import architectures, listing, operations, transform_net, unet

ARCHITECTURES = [
    {},
    {"antialias": True},
    {"antialias": True, "deep": True, "residual_blocks": 3},
    {"lite": True},
    {"lite": True, "antialias": True},
    {"skips": False, "output_norm": False, "residual_blocks": 0},
]


def network_of(options: dict[str, bool | int]) -> transform_net.TransformNet:
    """A small network whose rows differ from a new network's."""
    shapes = {"width": 4, "residual_blocks": 1} | options
    net = transform_net.TransformNet(architectures.Transform(**shapes), tf.float32, 3)
    net.table.assign_add(np.random.default_rng(0).normal(0, 0.3, net.table.shape))
    return net


@pytest.mark.parametrize("options", ARCHITECTURES, ids=str)
@pytest.mark.parametrize(("height", "width"), [(32, 48), (37, 22), (16, 19)])
def test_the_operations_compute_the_networks_picture(
    options: dict[str, bool | int], height: int, width: int
) -> None:
    net = network_of(options)
    photos = np.random.default_rng(1).uniform(0, 255, (2, height, width, 3)).astype(np.float32)
    found = litert.compute(operations.of(net), tf.constant(photos), net.style())
    np.testing.assert_allclose(found, net(tf.constant(photos)), atol=0.01)


@pytest.mark.parametrize(("height", "width"), [(32, 48), (37, 22), (16, 19)])
def test_the_operations_compute_the_picture_of_a_unet(height: int, width: int) -> None:
    net = unet.UNet(architectures.UNet(width=4, depth=3))
    random = np.random.default_rng(0)
    for variable in net.variables:
        variable.assign(random.normal(0, 0.2, variable.shape))
    photos = random.uniform(0, 255, (2, height, width, 3)).astype(np.float32)
    expected = net(tf.constant(photos))
    assert np.ptp(expected) > 100
    found = litert.compute(operations.of(net), tf.constant(photos), net.style())
    np.testing.assert_allclose(found, expected, atol=0.01)
    # As many products as the transposed convolution itself.
    kernels = {
        each.name: each.kernel.shape for each in operations.of(net) if hasattr(each, "kernel")
    }
    assert kernels["up/1/blocks"] == (2, 2, 16, 4 * 4)


@pytest.mark.parametrize("options", ARCHITECTURES, ids=str)
def test_a_photo_of_one_color_is_painted_in_one_color(options: dict[str, bool | int]) -> None:
    net = network_of(options)
    levels = np.array([[[[0]]], [[[99]]]]) + np.array([77, 86, 108])
    photos = tf.constant(np.broadcast_to(levels, [2, 37, 22, 3]), tf.float32)
    computed = litert.compute(operations.of(net), photos, net.style())
    for pictures in (net(photos), computed):
        assert np.ptp(pictures, axis=(1, 2)).max() < 0.1


@pytest.mark.parametrize("options", ARCHITECTURES, ids=str)
def test_an_operation_reads_only_earlier_ones(options: dict[str, bool | int]) -> None:
    known = {operations.PHOTO}
    for operation in operations.of(network_of(options)):
        read = {operation.source, getattr(operation, "other", operation.source)}
        assert read | {getattr(operation, "like", operation.source)} <= known
        assert operation.name not in known
        known.add(operation.name)


def test_a_low_pass_filter_is_an_operation_of_its_own() -> None:
    net = network_of({"antialias": True})
    found = {each.name: each for each in operations.of(net)}
    conv = found["conv2"]
    assert isinstance(conv, operations.Conv)
    assert (conv.kernel.shape, conv.stride, conv.depthwise) == ((3, 3, 4, 8), 2, False)
    np.testing.assert_array_equal(conv.kernel, net.conv2.kernel)
    smooth = found[conv.source]
    assert isinstance(smooth, operations.Conv)
    assert (smooth.kernel.shape, smooth.stride, smooth.depthwise) == ((3, 3, 4, 1), 1, True)
    pad = found[smooth.source]
    assert pad == operations.Pad("conv2/pad", "norm1/relu", (2, 2, 2, 2), "reflect")


def test_kernels_have_the_fewest_taps() -> None:
    found = {each.name: each for each in operations.of(network_of({"antialias": True}))}
    kernels = {
        name: each.kernel.shape
        for name, each in found.items()
        if isinstance(each, operations.Conv) and not each.depthwise
    }
    # 3 x 3 taps of an upsampled image are 2 x 2 of the small one, for each of 2 x 2 pixels.
    assert kernels["upsample1/blocks"] == (2, 2, 16, 4 * 8)
    # 9 x 9 taps for each of 2 x 2 pixels.
    assert kernels["conv4/blocks"] == (10, 10, 4, 4 * 3)


def test_changes_of_precision_are_left_out() -> None:
    shapes = architectures.Transform(width=4, residual_blocks=1)
    listed = [
        operations.of(transform_net.TransformNet(shapes, dtype))
        for dtype in (tf.float32, tf.bfloat16)
    ]
    assert [each.name for each in listed[0]] == [each.name for each in listed[1]]
    assert not {"trunk", "output"} & {each.name for each in listed[1]}


def test_a_layer_without_operations_is_an_error() -> None:
    class Other(listing.Layer):
        """Some new layer."""

    class Net(transform_net.TransformNet):
        """A network that uses it."""

        def list_layers(self) -> tuple[listing.Layer, ...]:
            return (Other("other", listing.PHOTO),)

    with pytest.raises(TypeError, match="Other"):
        operations.of(Net(architectures.Transform(4, 1)))
