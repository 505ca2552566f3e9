"""The transform net: any size in, the same size out; its weights by name."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors
from fastnst.nets import layers, transform_net

RANDOM = np.random.default_rng(0)
TINY = transform_net.Architecture(width=4, residual_blocks=1)
LITE = dataclasses.replace(TINY, lite=True)
ANY_SIZE = tf.TensorSpec([None, None, None, 3], tf.float32)


def photos(batch: int, height: int, width: int) -> tf.Tensor:
    """Noise on a gradient, float32 in [0, 255]."""
    noise = RANDOM.uniform(0, 120, (batch, height, width, 3))
    return tf.constant(noise + np.linspace(0, 135, width)[:, np.newaxis], tf.float32)


@pytest.fixture(scope="module", params=[TINY, LITE], ids=["default", "lite"])
def net(request: pytest.FixtureRequest) -> transform_net.TransformNet:
    """A tiny network whose norms are not all ones and zeros; not to be changed."""
    made = transform_net.TransformNet(request.param, seed=1)
    random = np.random.default_rng(1)
    made.assign(
        {
            name: tensor + random.normal(0, 0.3, tensor.shape) if tensor.ndim == 1 else tensor
            for name, tensor in made.tensors().items()
        }
    )
    return made


@pytest.fixture(scope="module")
def paint(net: transform_net.TransformNet) -> tf.types.experimental.PolymorphicFunction:
    """The network as one graph for every size."""
    return tf.function(net, input_signature=[ANY_SIZE], autograph=False)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    ("height", "width"), [(16, 16), (17, 31), (33, 64), (18, 16), (19, 50), (64, 21)]
)
def test_the_output_has_exactly_the_inputs_size_and_stays_in_range(
    net: transform_net.TransformNet,
    paint: tf.types.experimental.PolymorphicFunction,
    batch: int,
    height: int,
    width: int,
) -> None:
    given = photos(batch, height, width)
    painted = paint(given).numpy()
    assert painted.shape == (batch, height, width, 3)
    assert painted.dtype == np.float32
    assert painted.min() >= 0
    assert painted.max() <= 255
    assert np.ptp(painted) > 50
    # What is built for any size is what is computed step by step.
    np.testing.assert_allclose(net(given), painted, atol=0.05)


@pytest.mark.parametrize("skips", [True, False])
def test_it_is_johnsons_network_with_plain_upsampling_and_skips(
    net: transform_net.TransformNet, skips: bool
) -> None:
    tensors = {n: t for n, t in net.tensors().items() if skips or not n.startswith("skip")}
    net = transform_net.TransformNet.from_tensors(tensors)
    lite = net.architecture.lite

    def upsample(layer: layers.UpsampleConv, images: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
        margin = layer.kernel.shape[0] // 2
        pads = [[0, 0], [margin, margin], [margin, margin], [0, 0]]
        large = tf.repeat(tf.repeat(tf.pad(images, pads, "SYMMETRIC"), 2, axis=1), 2, axis=2)
        convolved = tf.nn.conv2d(large, layer.kernel, 1, "VALID")
        height, width = like.shape[1:3]
        return convolved[:, margin : margin + height, margin : margin + width]

    given = photos(2, 21, 34)  # 11 x 17 and 6 x 9 further down, and 3 x 5 in the lite network
    full = tf.nn.relu(net.norm1(net.conv1(given / 127.5 - 1)))
    half = tf.nn.relu(net.norm2(net.conv2(full)))
    quarter = tf.nn.relu(net.norm3(net.conv3(half)))
    assert quarter.shape == ((2, 3, 5, 16) if lite else (2, 6, 9, 16))
    (residual,) = net.residuals
    trunk = residual(quarter)
    up = tf.nn.relu(net.norm4(upsample(net.upsample1, trunk, half)))
    up += tensors["skip1/scale"] * half if skips else 0
    up = tf.nn.relu(net.norm5(upsample(net.upsample2, up, full)))
    up += tensors["skip2/scale"] * full if skips else 0
    last = upsample(net.conv4, up, given) if lite else net.conv4(up)
    expected = (tf.tanh(net.norm6(last)) + 1) * 127.5
    np.testing.assert_allclose(net(given), expected, atol=0.01)


def test_the_output_cannot_leave_its_range(net: transform_net.TransformNet) -> None:
    loud = transform_net.TransformNet.from_tensors(
        {name: tensor * 100 for name, tensor in net.tensors().items()}
    )
    painted = loud(photos(1, 16, 20)).numpy()
    assert (painted.min(), painted.max()) == (0.0, 255.0)


def test_photos_of_a_batch_do_not_see_each_other(net: transform_net.TransformNet) -> None:
    batch = photos(3, 20, 24)
    alone = tf.concat([net(batch[i : i + 1]) for i in range(3)], 0)
    np.testing.assert_allclose(net(batch), alone, atol=0.05)


def test_a_photo_keeps_its_static_shape_in_a_graph(net: transform_net.TransformNet) -> None:
    @tf.function(input_signature=[tf.TensorSpec([2, 17, None, 3], tf.float32)], autograph=False)
    def painted(images: tf.Tensor) -> tf.Tensor:
        result = net(images)
        assert result.shape.as_list() == [2, 17, None, 3]
        return result

    assert painted(photos(2, 17, 30)).shape == (2, 17, 30, 3)


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16])
def test_half_precision_paints_nearly_the_same_picture(
    net: transform_net.TransformNet, dtype: tf.DType
) -> None:
    given = photos(2, 33, 40)
    half = transform_net.TransformNet.from_tensors(net.tensors(), dtype)
    painted, expected = half(given), net(given)
    assert painted.dtype == tf.float32
    difference = np.abs(painted - expected)
    assert difference.mean() < (2.0 if dtype == tf.bfloat16 else 0.25)
    assert difference.max() > 0


def test_gradients_reach_every_variable(net: transform_net.TransformNet) -> None:
    given, goal = photos(2, 17, 22), photos(2, 17, 22)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(net(given) - goal))
    names = list(net.named_variables())
    gradients = tape.gradient(loss, list(net.named_variables().values()))
    for name, gradient in zip(names, gradients, strict=True):
        assert gradient is not None, name
        assert np.isfinite(gradient).all(), name
        assert np.abs(gradient).max() > 0, name


def test_no_layer_adds_a_pattern_or_a_frame_of_its_own(
    net: transform_net.TransformNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the picture's own statistics, which turn the last bit of a flat picture into noise,
    # a flat picture must come out flat: no checkerboard from upsampling, no frame from padding.
    def fixed(self: layers.InstanceNorm, images: tf.Tensor) -> tf.Tensor:
        return self.normalize(images, tf.constant(0.1), tf.constant(0.5))

    monkeypatch.setattr(layers.InstanceNorm, "__call__", fixed)
    for height, width in ((32, 32), (29, 43)):
        painted = net(tf.fill([1, height, width, 3], 1.0) * [200.0, 90.0, 30.0]).numpy()
        np.testing.assert_allclose(
            painted, np.broadcast_to(painted[:, :1, :1], painted.shape), atol=0.01
        )
        assert 1 < painted.min() < painted.max() < 254


def test_the_default_network_is_johnsons_with_instance_norm() -> None:
    default = transform_net.TransformNet()
    kernels = {n: t.shape for n, t in default.tensors().items() if n.endswith("/kernel")}
    assert kernels == {
        "conv1/kernel": (9, 9, 3, 32),
        "conv2/kernel": (3, 3, 32, 64),
        "conv3/kernel": (3, 3, 64, 128),
        **{
            f"residuals/{block}/conv{index}/kernel": (3, 3, 128, 128)
            for block in range(5)
            for index in (1, 2)
        },
        "upsample1/kernel": (3, 3, 128, 64),
        "upsample2/kernel": (3, 3, 64, 32),
        "conv4/kernel": (9, 9, 32, 3),
    }
    # 1,674,432 in the kernels; scale and shift of 32 + 64 + 128, ten times 128, 64 + 32, and 3;
    # the skips' scales of 64 + 32.
    assert sum(tensor.size for tensor in default.tensors().values()) == 1_677_734
    assert len(default.trainable_variables) == len(default.variables) == 16 + 2 * 16 + 2


def test_the_last_norm_can_be_left_out() -> None:
    plain = transform_net.TransformNet(transform_net.Architecture(4, 0, output_norm=False))
    assert not any(name.startswith(("norm6", "residuals")) for name in plain.tensors())
    assert plain(photos(1, 16, 16)).shape == (1, 16, 16, 3)


def test_the_same_seed_gives_the_same_network_and_another_one_another() -> None:
    first, again = (transform_net.TransformNet(TINY, seed=5).tensors() for _ in range(2))
    other = transform_net.TransformNet(TINY, seed=6).tensors()
    for name, tensor in first.items():
        np.testing.assert_array_equal(tensor, again[name])
        if name.endswith("/kernel"):
            assert (tensor != other[name]).all(), name


def test_every_layer_draws_from_a_seed_of_its_own() -> None:
    one, two = (
        transform_net.TransformNet(transform_net.Architecture(4, blocks)).tensors()
        for blocks in (1, 2)
    )
    # Scaled to the same limit, equal seeds would show as equal first draws.
    draws = [
        round(float(tensor.flat[0] / np.abs(tensor).max()), 3)
        for name, tensor in two.items()
        if name.endswith("/kernel")
    ]
    assert len(set(draws)) == len(draws) == 10
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor, two[name])


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(
    "architecture", [TINY, LITE, transform_net.Architecture(8, 2, output_norm=False, skips=False)]
)
def test_a_network_can_be_made_of_its_weights_alone(
    architecture: transform_net.Architecture, dtype: type
) -> None:
    first = transform_net.TransformNet(architecture, seed=3)
    tensors = {name: tensor.astype(dtype) for name, tensor in first.tensors().items()}
    second = transform_net.TransformNet.from_tensors(tensors)
    assert second.architecture == architecture
    for name, tensor in second.tensors().items():
        assert tensor.dtype == np.float32
        np.testing.assert_array_equal(tensor, tensors[name].astype(np.float32))
    given = photos(1, 16, 18)
    np.testing.assert_allclose(first(given), second(given), atol=0.1 if dtype == np.float32 else 8)


def test_weights_that_are_of_no_transform_net_are_refused(
    net: transform_net.TransformNet,
) -> None:
    with pytest.raises(errors.UserError, match="holds no transform net"):
        transform_net.TransformNet.from_tensors({"conv1/weights": np.zeros([9, 9, 3, 32])})
    incomplete = net.tensors()
    del incomplete["norm4/shift"]
    with pytest.raises(errors.UserError, match=r"norm4/shift should have .* \(8,\), found nothing"):
        transform_net.TransformNet.from_tensors(incomplete)


def test_weights_of_another_architecture_change_nothing(net: transform_net.TransformNet) -> None:
    target = transform_net.TransformNet(net.architecture, seed=9)
    before = target.tensors()
    tensors = net.tensors() | {"upsample2/kernel": np.zeros([3, 3, 4, 8], np.float32)}
    expected = (
        "weights of another architecture: upsample2/kernel should have the shape (3, 3, 8, 4), "
        "found (3, 3, 4, 8)"
    )
    with pytest.raises(errors.UserError, match=re.escape(expected)):
        target.assign(tensors)
    for name, tensor in target.tensors().items():
        np.testing.assert_array_equal(tensor, before[name])


def test_a_frozen_network_paints_the_same_and_has_no_variables(
    net: transform_net.TransformNet,
) -> None:
    frozen = net.frozen()
    assert not frozen.variables
    given = photos(1, 19, 26)
    np.testing.assert_allclose(frozen(given), net(given), atol=0.05)
    graph = tf.function(frozen, input_signature=[ANY_SIZE], autograph=False)
    assert not graph.get_concrete_function().captured_inputs
    np.testing.assert_allclose(graph(given), net(given), atol=0.05)
    # The network that it was made of can be trained on.
    assert len(net.variables) == 8 + 2 * 8 + 2


def test_a_weights_name_is_its_path_in_a_checkpoint(net: transform_net.TransformNet) -> None:
    trackable = tf.train.Checkpoint(net=net)._trackable_children()["net"]
    for name, variable in net.named_variables().items():
        found = trackable
        for part in name.split("/"):
            found = found._trackable_children()[part]
        assert found is variable
