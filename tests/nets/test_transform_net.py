"""The transform net: photos of any size in, pictures of that size out, in the style of a row."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors
from fastnst.nets import architectures, layers, norms, transform_net

RANDOM = np.random.default_rng(0)
TINY = architectures.Transform(width=4, residual_blocks=1)
LITE = dataclasses.replace(TINY, lite=True)
DEEP = architectures.Transform(width=4, residual_blocks=3, deep=True)
ANY_SIZE = tf.TensorSpec([None, None, None, 3], tf.float32)


def photos(batch: int, height: int, width: int) -> tf.Tensor:
    """Noise on a gradient, float32 in [0, 255]."""
    noise = RANDOM.uniform(0, 120, (batch, height, width, 3))
    return tf.constant(noise + np.linspace(0, 135, width)[:, np.newaxis], tf.float32)


@pytest.fixture(scope="module", params=[TINY, LITE, DEEP], ids=["default", "lite", "deep"])
def net(request: pytest.FixtureRequest) -> transform_net.TransformNet:
    """A tiny network of three different styles; not to be changed."""
    made = transform_net.TransformNet(request.param, seed=1, styles=3)
    random = np.random.default_rng(1)
    made.table.assign_add(random.normal(0, 0.3, made.table.shape))
    return made


def copy_of(net: transform_net.TransformNet, **options: Any) -> transform_net.TransformNet:
    """A network of the same weights."""
    made = transform_net.TransformNet(net.architecture, styles=net.table.shape[0], **options)
    made.assign(net.tensors())
    return made


def before_tanh(pictures: tf.Tensor) -> tf.Tensor:
    """The inverse of the network's last step."""
    return tf.atanh(pictures / 127.5 - 1.0)


def row_of(net: transform_net.TransformNet, **entries: Any) -> tf.Tensor:
    """The first style's row with some entries replaced: norm6_scale=... for "norm6/scale"."""
    parts = net.style() | {name.replace("_", "/"): value for name, value in entries.items()}
    return tf.constant(net.layout.pack(parts))


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
    stylized = paint(given).numpy()
    assert stylized.shape == (batch, height, width, 3)
    assert stylized.dtype == np.float32
    assert stylized.min() >= 0
    assert stylized.max() <= 255
    assert np.ptp(stylized) > 50
    # The graph for any size equals the layers called one by one.
    np.testing.assert_allclose(net(given), stylized, atol=0.05)


@pytest.mark.parametrize("skips", [True, False])
def test_it_is_johnsons_network_with_plain_upsampling_and_skips(
    net: transform_net.TransformNet, skips: bool
) -> None:
    style = net.style()
    if not skips:
        plain = transform_net.TransformNet(dataclasses.replace(net.architecture, skips=False))
        row = plain.layout.pack(style)[np.newaxis]
        plain.assign(net.tensors() | {architectures.TABLE: row})
        net = plain
    lite = net.architecture.lite

    def norm(name: str, images: tf.Tensor) -> tf.Tensor:
        mean, variance = tf.nn.moments(images, [1, 2], keepdims=True)
        scale, shift = style[f"{name}/scale"], style[f"{name}/shift"]
        return (images - mean) / tf.sqrt(variance + 1e-5) * scale + shift

    def upsample(layer: layers.UpsampleConv, images: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
        margin = layer.kernel.shape[0] // 2
        pads = [[0, 0], [margin, margin], [margin, margin], [0, 0]]
        large = tf.repeat(tf.repeat(tf.pad(images, pads, "SYMMETRIC"), 2, axis=1), 2, axis=2)
        convolved = tf.nn.conv2d(large, layer.kernel, 1, "VALID")
        height, width = like.shape[1:3]
        return convolved[:, margin : margin + height, margin : margin + width]

    given = photos(2, 21, 34)  # 11 x 17 and 6 x 9 further down, and 3 x 5 in the lite network
    full = tf.nn.relu(norm("norm1", net.conv1(given / 127.5 - 1)))
    half = tf.nn.relu(norm("norm2", net.conv2(full)))
    quarter = tf.nn.relu(norm("norm3", net.conv3(half)))
    assert quarter.shape == ((2, 3, 5, 16) if lite else (2, 6, 9, 16))

    def block(index: int, images: tf.Tensor) -> tf.Tensor:
        inner = tf.nn.relu(norm(f"residuals/{index}/norm1", net.residuals[index].conv1(images)))
        return images + norm(f"residuals/{index}/norm2", net.residuals[index].conv2(inner))

    trunk = block(0, quarter)
    if net.architecture.deep:
        eighth = layers.halve(trunk)
        trunk += norm("inner_norm", layers.double(block(1, eighth) - eighth, trunk))
        trunk = block(2, trunk)
    up = tf.nn.relu(norm("norm4", upsample(net.upsample1, trunk, half)))
    up += style["skip1/scale"] * half if skips else 0
    up = tf.nn.relu(norm("norm5", upsample(net.upsample2, up, full)))
    up += style["skip2/scale"] * full if skips else 0
    last = upsample(net.conv4, up, given) if lite else net.conv4(up)
    expected = (tf.tanh(norm("norm6", last)) + 1) * 127.5
    np.testing.assert_allclose(net(given), expected, atol=0.01)


def test_the_output_cannot_leave_its_range(net: transform_net.TransformNet) -> None:
    loud = copy_of(net)
    loud.assign({name: tensor * 100 for name, tensor in net.tensors().items()})
    stylized = loud(photos(1, 16, 20)).numpy()
    assert (stylized.min(), stylized.max()) == (0.0, 255.0)


def test_photos_of_a_batch_do_not_see_each_other(net: transform_net.TransformNet) -> None:
    batch = photos(3, 20, 24)
    alone = tf.concat([net(batch[i : i + 1]) for i in range(3)], 0)
    np.testing.assert_allclose(net(batch), alone, atol=0.05)


def test_a_photo_keeps_its_static_shape_in_a_graph(net: transform_net.TransformNet) -> None:
    @tf.function(input_signature=[tf.TensorSpec([2, 17, None, 3], tf.float32)], autograph=False)
    def stylize(images: tf.Tensor) -> tf.Tensor:
        result = net(images)
        assert result.shape.as_list() == [2, 17, None, 3]
        return result

    assert stylize(photos(2, 17, 30)).shape == (2, 17, 30, 3)


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16])
def test_half_precision_stylizes_nearly_the_same_picture(
    net: transform_net.TransformNet, dtype: tf.DType
) -> None:
    given = photos(2, 33, 40)
    half = copy_of(net, compute_dtype=dtype)
    stylized, expected = half(given), net(given)
    assert stylized.dtype == tf.float32
    difference = np.abs(stylized - expected)
    assert difference.mean() < (2.0 if dtype == tf.bfloat16 else 0.25)
    assert difference.max() > 0


def test_gradients_reach_every_kernel_and_all_of_the_row_in_use(
    net: transform_net.TransformNet,
) -> None:
    given, goal = photos(2, 17, 22), photos(2, 17, 22)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(net(given, net.table[1]) - goal))
    variables = net.named_variables()
    gradients = tape.gradient(loss, variables)
    of_table = tf.convert_to_tensor(gradients.pop(architectures.TABLE)).numpy()
    for name, gradient in gradients.items():
        assert gradient is not None, name
        assert np.isfinite(gradient).all(), name
        assert np.abs(gradient).max() > 0, name
    assert not of_table[0].any() and not of_table[2].any()
    for name, part in net.layout.split(of_table[1]).items():
        assert np.isfinite(part).all(), name
        assert np.abs(part).max() > 0, name


def test_no_layer_adds_a_pattern_or_a_frame_of_its_own(
    net: transform_net.TransformNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the picture's own statistics, which turn the last bit of a flat picture into noise,
    # a flat picture must come out flat: no checkerboard from upsampling, no frame from padding.
    def fixed(images: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor, **_: object) -> tf.Tensor:
        return norms.normalize(images, tf.constant(0.1), tf.constant(0.5), scale, shift)

    monkeypatch.setattr(norms, "instance_norm", fixed)
    for height, width in ((32, 32), (29, 43)):
        stylized = net(tf.fill([1, height, width, 3], 1.0) * [200.0, 90.0, 30.0]).numpy()
        np.testing.assert_allclose(
            stylized, np.broadcast_to(stylized[:, :1, :1], stylized.shape), atol=0.01
        )
        assert 1 < stylized.min() < stylized.max() < 254


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
    # The row: scale and shift of 32 + 64 + 128, ten times 128, 64 + 32, and 3; the skips' scales
    # of 64 + 32.
    assert default.tensors()["styles"].shape == (1, 3302)
    # And 1,674,432 in the kernels.
    assert sum(tensor.size for tensor in default.tensors().values()) == 1_677_734
    assert len(default.trainable_variables) == len(default.variables) == 16 + 1


def test_the_last_norm_can_be_left_out() -> None:
    plain = transform_net.TransformNet(architectures.Transform(4, 0, output_norm=False))
    names = [*plain.tensors(), *plain.style()]
    assert not any(name.startswith(("norm6", "residuals")) for name in names)
    given = photos(1, 16, 16)
    assert plain(given).shape == (1, 16, 16, 3)
    # Without it a picture has no mean and contrast of its own that could be kept.
    np.testing.assert_array_equal(plain(given, keep=tf.constant(1.0)), plain(given))


def test_equal_seeds_give_equal_networks_and_different_seeds_different_ones() -> None:
    first, again = (transform_net.TransformNet(TINY, seed=5).tensors() for _ in range(2))
    other = transform_net.TransformNet(TINY, seed=6).tensors()
    for name, tensor in first.items():
        np.testing.assert_array_equal(tensor, again[name])
        if name.endswith("/kernel"):
            assert (tensor != other[name]).all(), name


def test_every_layer_draws_from_a_seed_of_its_own() -> None:
    one, two = (
        transform_net.TransformNet(architectures.Transform(4, blocks)).tensors()
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
        if name.endswith("/kernel"):
            np.testing.assert_array_equal(tensor, two[name])


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_network_can_be_restored_from_its_tensors(
    net: transform_net.TransformNet, dtype: type
) -> None:
    tensors = {name: tensor.astype(dtype) for name, tensor in net.tensors().items()}
    second = transform_net.TransformNet(net.architecture, seed=3, styles=3)
    second.assign(tensors)
    for name, tensor in second.tensors().items():
        assert tensor.dtype == np.float32
        np.testing.assert_array_equal(tensor, tensors[name].astype(np.float32))
    given = photos(1, 16, 18)
    np.testing.assert_allclose(net(given), second(given), atol=0.1 if dtype == np.float32 else 8)


@pytest.mark.parametrize("name", ["upsample1/kernel", "styles"])
def test_incomplete_weights_are_rejected_by_name(
    net: transform_net.TransformNet, name: str
) -> None:
    incomplete = net.tensors()
    shape = incomplete.pop(name).shape
    expected = re.escape(f"{name} should have the shape {shape}, found nothing")
    with pytest.raises(errors.UserError, match=expected):
        copy_of(net).assign(incomplete)


def test_weights_of_another_architecture_change_nothing(net: transform_net.TransformNet) -> None:
    target = transform_net.TransformNet(net.architecture, seed=9, styles=3)
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


def test_a_frozen_network_stylizes_the_same_and_has_no_variables(
    net: transform_net.TransformNet,
) -> None:
    frozen = net.frozen()
    assert not frozen.variables
    given = photos(1, 19, 26)
    np.testing.assert_allclose(frozen(given), net(given), atol=0.05)
    graph = tf.function(frozen, input_signature=[ANY_SIZE], autograph=False)
    assert not graph.get_concrete_function().captured_inputs
    np.testing.assert_allclose(graph(given), net(given), atol=0.05)
    rows, keep = net.table[1:3], tf.constant(0.5)
    given = photos(2, 19, 26)
    np.testing.assert_allclose(frozen(given, rows, keep), net(given, rows, keep), atol=0.05)
    # The original network can still be trained.
    assert len(net.trainable_variables) == 6 + 2 * net.architecture.residual_blocks + 1


def test_a_kernels_name_is_its_path_in_the_network(net: transform_net.TransformNet) -> None:
    variables = net.named_variables()
    assert variables.pop("styles") is net.table
    for name, variable in variables.items():
        found = net
        for part in name.split("/"):
            found = found._trackable_children()[part]
        assert found is variable


def test_a_network_of_many_styles_starts_with_equal_rows_and_one_set_of_kernels() -> None:
    one, three = (transform_net.TransformNet(TINY, styles=count) for count in (1, 3))
    np.testing.assert_array_equal(three.table, np.repeat(one.table, 3, axis=0))
    assert len(one.variables) == len(three.variables)
    given = photos(1, 16, 20)
    np.testing.assert_array_equal(three(given, three.table[2]), one(given))


def test_without_a_row_the_first_of_the_table_is_used(net: transform_net.TransformNet) -> None:
    given = photos(2, 17, 20)
    first, second = net(given, net.table[0]), net(given, net.table[1])
    np.testing.assert_array_equal(net(given), first)
    assert np.abs(first - second).mean() > 5


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("known", [True, False], ids=["known batch", "unknown batch"])
def test_a_batch_with_a_row_for_each_photo_equals_each_photo_stylized_alone(
    net: transform_net.TransformNet, fused: bool, known: bool
) -> None:
    net = copy_of(net, fused_norms=fused)
    given, rows = photos(3, 20, 25), tf.gather(net.table, [2, 0, 1])
    if known:
        together = net(given, rows)
    else:
        signature = [ANY_SIZE, tf.TensorSpec([None, rows.shape[1]])]
        together = tf.function(net, signature, autograph=False)(given, rows)
    alone = [net(given[i : i + 1], net.table[row]) for i, row in enumerate([2, 0, 1])]
    np.testing.assert_allclose(together, tf.concat(alone, 0), atol=0.05)


def test_networks_with_fused_and_unfused_norms_stylize_alike(
    net: transform_net.TransformNet,
) -> None:
    given = photos(2, 21, 30)
    unfused = copy_of(net, fused_norms=False)
    np.testing.assert_allclose(unfused(given), net(given), atol=0.05)


def test_halfway_between_two_rows_the_last_norm_is_halfway(
    net: transform_net.TransformNet,
) -> None:
    one = row_of(net, norm6_scale=[0.2, 0.3, 0.4], norm6_shift=[0.1, -0.3, 0.0])
    two = row_of(net, norm6_scale=[0.6, 0.5, 0.1], norm6_shift=[-0.3, 0.1, 0.4])
    halfway = before_tanh(net(photos(1, 24, 24), (one + two) / 2))
    mean, variance = norms.moments(halfway)
    np.testing.assert_allclose(mean[0, 0, 0], [-0.1, -0.1, 0.2], atol=1e-3)
    np.testing.assert_allclose(tf.sqrt(variance)[0, 0, 0], [0.4, 0.4, 0.25], rtol=1e-3)


def test_keep_1_gives_a_picture_the_mean_and_deviation_of_its_photo_before_the_tanh(
    net: transform_net.TransformNet,
) -> None:
    given = 20 + photos(2, 24, 30) * [[[[0.8, 0.5, 0.7]]], [[[0.3, 0.8, 0.6]]]]
    kept = before_tanh(net(given, keep=tf.constant(1.0)))
    for found, expected in zip(norms.moments(kept), norms.moments(before_tanh(given)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=5e-3, atol=1e-3)


def test_keep_in_between_is_a_mean_of_the_photos_and_the_styles(
    net: transform_net.TransformNet,
) -> None:
    given = 20 + photos(3, 24, 30) * 0.8
    row = row_of(net, norm6_scale=[0.2, 0.3, 0.4], norm6_shift=[0.1, -0.3, 0.0])
    stylized = before_tanh(net(given, row, tf.constant([0.0, 0.25, 1.0])))
    photo_mean, photo_variance = (part[:, 0, 0] for part in norms.moments(before_tanh(given)))
    mean, variance = (part[:, 0, 0] for part in norms.moments(stylized))
    keep = np.float32([[0.0], [0.25], [1.0]])
    expected = (1 - keep) * [0.1, -0.3, 0.0] + keep * photo_mean
    np.testing.assert_allclose(mean, expected, atol=2e-3)
    expected = (1 - keep) * [0.2, 0.3, 0.4] + keep * tf.sqrt(photo_variance)
    np.testing.assert_allclose(tf.sqrt(variance), expected, rtol=5e-3)


def test_keep_0_changes_nothing(net: transform_net.TransformNet) -> None:
    given = photos(2, 17, 20)
    np.testing.assert_allclose(net(given, keep=tf.constant(0.0)), net(given), atol=0.01)


def test_black_and_white_photos_can_be_kept(net: transform_net.TransformNet) -> None:
    # Before the tanh, 0 and 255 would be infinite.
    extreme = tf.constant(RANDOM.choice([0.0, 255.0], [1, 16, 20, 3]), tf.float32)
    stylized = net(extreme, keep=tf.constant(1.0)).numpy()
    assert np.isfinite(stylized).all()
    # Half of the values at 0.98 and half at -0.98 deviate by atanh(0.98) = 2.30.
    _, variance = norms.moments(before_tanh(stylized))
    np.testing.assert_allclose(tf.sqrt(variance)[0, 0, 0], [2.3] * 3, rtol=0.05)


def test_the_inner_blocks_of_a_deep_network_reach_twice_as_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Without norms, which see the whole image, a change is as wide as the layers' reach.
    monkeypatch.setattr(norms, "instance_norm", lambda images, *_, **__: images)

    def reach(deep: bool) -> int:
        architecture = architectures.Transform(4, 3, False, False, deep=deep)
        made = transform_net.TransformNet(architecture, seed=1)
        photo = np.zeros((1, 16, 320, 3), np.float32)
        before = made(tf.constant(photo))
        photo[:, :, 160] = 255.0
        changed = np.abs(made(tf.constant(photo)) - before).max(axis=(0, 1, 3)) > 0
        return int(np.flatnonzero(changed).max()) - 160

    # Each 3x3 convolution reaches 4 pixels of the photo, or 8 in the inner block.
    assert reach(deep=True) - reach(deep=False) >= 2 * 4
