"""The transform net's layers, against plain NumPy and against what they are said to equal."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.nets import layers, padding

RANDOM = np.random.default_rng(0)


def values(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 1, shape).astype(np.float32)


def plain_conv(images: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """Convolution with reflection padding, tap by tap."""
    margin = kernel.shape[0] // 2
    edges = ((0, 0), (margin, margin), (margin, margin), (0, 0))
    padded = np.pad(images, edges, mode="reflect").astype(np.float64)
    height, width = -(-images.shape[1] // stride), -(-images.shape[2] // stride)
    result = np.zeros((len(images), height, width, kernel.shape[3]))
    for row in range(kernel.shape[0]):
        for column in range(kernel.shape[1]):
            seen = padded[:, row::stride, column::stride][:, :height, :width]
            result += seen @ kernel[row, column]
    return result


@pytest.mark.parametrize("size", [3, 9])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 8), (7, 9)])
def test_a_convolution_reflects_its_border_and_rounds_sizes_up(
    size: int, stride: int, height: int, width: int
) -> None:
    conv = layers.Conv("conv", size, 3, 4, stride=stride)
    images = values(2, height, width, 3)
    result = conv(tf.constant(images))
    assert result.shape == (2, -(-height // stride), -(-width // stride), 4)
    expected = plain_conv(images, conv.kernel.numpy(), stride)
    np.testing.assert_allclose(result, expected, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 16), (17, 19)])
def test_a_convolution_to_rgb_equals_the_plain_one_and_learns_alike(
    height: int, width: int
) -> None:
    conv = layers.ConvToRgb("conv", 9, 4, 3)
    images = tf.constant(values(2, height, width, 4))
    wanted = values(2, height, width, 3)
    gradients = []
    for convolve in (conv, lambda images: layers.Conv.__call__(conv, images)):
        with tf.GradientTape() as tape:
            tape.watch(images)
            result = convolve(images)
            loss = tf.reduce_sum(tf.square(result - wanted))
        expected = plain_conv(images.numpy(), conv.kernel.numpy(), 1)
        np.testing.assert_allclose(result, expected, atol=1e-5)
        gradients.append(tape.gradient(loss, [conv.kernel, images]))
    for by_squares, plain in zip(*gradients, strict=True):
        np.testing.assert_allclose(by_squares, plain, atol=1e-3)


def upsample_plainly(
    conv: layers.UpsampleConv, images: tf.Tensor, height: int, width: int
) -> tf.Tensor:
    """What the folded layer is to equal: mirror, repeat each pixel, convolve, cut."""
    margin = conv.kernel.shape[0] // 2
    mirrored = tf.pad(images, [[0, 0], [margin, margin], [margin, margin], [0, 0]], "SYMMETRIC")
    large = tf.repeat(tf.repeat(mirrored, 2, axis=1), 2, axis=2)
    convolved = tf.nn.conv2d(large, conv.kernel, 1, "VALID")
    return convolved[:, margin : margin + height, margin : margin + width]


@pytest.mark.parametrize("size", [3, 5, 7, 9])
@pytest.mark.parametrize(("height", "width"), [(8, 12), (7, 12), (8, 11), (7, 11)])
def test_upsampling_equals_repeating_and_convolving(size: int, height: int, width: int) -> None:
    conv = layers.UpsampleConv("up", size, 5, 3)
    images = tf.constant(values(2, 4, 6, 5))
    result = conv(images, tf.zeros([2, height, width, 1]))
    assert result.shape == (2, height, width, 3)
    np.testing.assert_allclose(result, upsample_plainly(conv, images, height, width), atol=1e-5)


def test_the_border_of_an_upsampled_picture_is_the_reflected_one() -> None:
    conv = layers.UpsampleConv("up", 3, 2, 3)
    images = tf.constant(values(1, 3, 4, 2))
    large = padding.reflect(tf.repeat(tf.repeat(images, 2, axis=1), 2, axis=2), 1)
    expected = tf.nn.conv2d(large, conv.kernel, 1, "VALID")
    np.testing.assert_allclose(conv(images, tf.zeros([1, 6, 8, 1])), expected, atol=1e-5)


@pytest.mark.parametrize("size", [3, 7])
def test_upsampling_learns_as_repeating_and_convolving_does(size: int) -> None:
    conv = layers.UpsampleConv("up", size, 2, 3)
    images, wanted = tf.constant(values(1, 3, 4, 2)), tf.constant(values(1, 5, 8, 3))
    gradients = []
    for upsample in (
        lambda: conv(images, wanted),
        lambda: upsample_plainly(conv, images, 5, 8),
    ):
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = tf.reduce_sum(tf.square(upsample() - wanted))
        gradients.append(tape.gradient(loss, [conv.kernel, images]))
    for folded, plain in zip(*gradients, strict=True):
        np.testing.assert_allclose(folded, plain, atol=1e-4)


@pytest.mark.parametrize("size", [3, 7])
def test_upsampling_a_flat_picture_has_no_checkerboard(size: int) -> None:
    conv = layers.UpsampleConv("up", size, 4, 3)
    flat = tf.ones([1, 5, 5, 4]) * tf.constant([1.0, -2.0, 0.5, 3.0])
    result = conv(flat, tf.zeros([1, 10, 10, 1])).numpy()
    # Every output sees all taps of the same four values.
    expected = np.einsum("ijco,c->o", conv.kernel.numpy(), [1.0, -2.0, 0.5, 3.0])
    np.testing.assert_allclose(result, np.broadcast_to(expected, result.shape), atol=1e-5)


def test_the_moments_are_those_of_each_channel_of_each_image() -> None:
    images = values(2, 3, 5, 4)
    mean, variance = layers.moments(tf.constant(images))
    np.testing.assert_allclose(mean[:, 0, 0], images.mean((1, 2)), atol=1e-6)
    np.testing.assert_allclose(variance[:, 0, 0], images.var((1, 2)), rtol=1e-5)
    assert mean.shape == variance.shape == (2, 1, 1, 4)


def test_the_moments_of_half_precision_are_taken_in_full_precision() -> None:
    # Counting ones in float16 stops at 2048.
    ones = tf.concat(
        [tf.ones([1, 100, 100, 1], tf.float16), tf.zeros([1, 100, 100, 1], tf.float16)], 1
    )
    mean, variance = layers.moments(ones)
    assert mean.dtype == variance.dtype == tf.float32
    assert float(mean[0, 0, 0, 0]) == pytest.approx(0.5)
    assert float(variance[0, 0, 0, 0]) == pytest.approx(0.25)


def test_instance_norm_by_hand() -> None:
    norm = layers.InstanceNorm("norm", 1)
    # Mean 3 and variance 4, whence (x - 3) / sqrt(4 + 1e-5); then times 10 and plus 7.
    images = tf.reshape(tf.constant([1.0, 5.0, 1.0, 5.0]), [1, 2, 2, 1])
    np.testing.assert_allclose(tf.reshape(norm(images), [-1]), [-1, 1, -1, 1], rtol=1e-5)
    norm.scale.assign([10.0])
    norm.shift.assign([7.0])
    np.testing.assert_allclose(tf.reshape(norm(images), [-1]), [-3, 17, -3, 17], rtol=1e-5)


def test_instance_norm_of_a_flat_channel_is_its_shift_not_nan() -> None:
    norm = layers.InstanceNorm("norm", 2)
    norm.shift.assign([0.5, -1.0])
    result = norm(tf.fill([1, 4, 4, 2], 9.0))
    np.testing.assert_allclose(result, np.broadcast_to([0.5, -1.0], (1, 4, 4, 2)), atol=1e-4)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_instance_norm_is_the_same_however_it_is_computed(
    batch: int, dtype: tf.DType, monkeypatch: pytest.MonkeyPatch
) -> None:
    norm = layers.InstanceNorm("norm", 3)
    norm.scale.assign([1.5, -0.5, 2.0])
    norm.shift.assign([0.1, 0.2, -3.0])
    images = tf.cast(values(batch, 9, 7, 3) * 5 + 2, dtype)
    upstream = tf.cast(values(batch, 9, 7, 3), dtype)

    def compute(batch: int | None) -> list[tf.Tensor]:
        @tf.function(input_signature=[tf.TensorSpec([batch, None, None, 3], dtype)])
        def run(images: tf.Tensor) -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(images)
                result = norm(images)
            inputs = [images, norm.scale, norm.shift]
            return [result, *tape.gradient(result, inputs, output_gradients=upstream)]

        return run(images)

    known, unknown = compute(batch), compute(None)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    parts = compute(batch)
    # bfloat16 holds 8 bits.
    precision = 1e-5 if dtype == tf.float32 else 2e-2
    for at_once, others in ((known, unknown), (known, parts)):
        for one, other in zip(at_once, others, strict=True):
            one, other = (tf.cast(tensor, tf.float32).numpy() for tensor in (one, other))
            np.testing.assert_allclose(one, other, atol=precision * np.abs(one).max())


def test_tiles_that_share_the_moments_of_the_whole_are_normalised_as_the_whole() -> None:
    norm = layers.InstanceNorm("norm", 3)
    norm.scale.assign([1.5, -0.5, 2.0])
    norm.shift.assign([0.1, 0.2, -3.0])
    whole = tf.constant(values(2, 6, 8, 3) * 5 + 2)
    shared = layers.moments(whole)
    tiles = [norm.normalize(whole[:, :, :5], *shared), norm.normalize(whole[:, :, 5:], *shared)]
    np.testing.assert_allclose(tf.concat(tiles, 2), norm(whole), atol=1e-6)


def test_a_residual_block_is_its_input_plus_two_convolutions() -> None:
    block = layers.Residual("block", 4, seed=3)
    images = values(1, 6, 5, 4)

    def normal(net: np.ndarray) -> np.ndarray:
        return (net - net.mean((1, 2), keepdims=True)) / np.sqrt(
            net.var((1, 2), keepdims=True) + 1e-5
        )

    net = np.maximum(normal(plain_conv(images, block.conv1.kernel.numpy(), 1)), 0)
    expected = images + normal(plain_conv(net, block.conv2.kernel.numpy(), 1))
    np.testing.assert_allclose(block(tf.constant(images)), expected, atol=1e-4)


def test_a_skip_adds_each_channel_in_its_own_measure() -> None:
    skip = layers.Skip("skip", 3)
    images, earlier = (values(2, 4, 5, 3) for _ in range(2))
    np.testing.assert_array_equal(skip(tf.constant(images), tf.constant(earlier)), images + earlier)
    skip.scale.assign([0.0, -1.0, 0.5])
    np.testing.assert_allclose(
        skip(tf.constant(images), tf.constant(earlier)),
        images + np.float32([0, -1, 0.5]) * earlier,
        atol=1e-6,
    )


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16, tf.float32])
def test_layers_compute_in_the_dtype_of_their_input_and_keep_float32_weights(
    dtype: tf.DType,
) -> None:
    images = tf.constant(values(1, 6, 6, 4), dtype)
    upsample = layers.UpsampleConv("up", 3, 4, 4)
    made = [
        layer := layers.Conv("conv", 3, 4, 4),
        norm := layers.InstanceNorm("norm", 4),
        block := layers.Residual("block", 4),
        skip := layers.Skip("skip", 4),
        upsample,
    ]
    same = (layer(images), norm(images), block(images), skip(images, images))
    for result in (*same, upsample(images, tf.zeros([1, 12, 12, 1]))):
        assert result.dtype == dtype
    assert {variable.dtype for module in made for variable in module.variables} == {tf.float32}


def test_kernels_are_drawn_by_glorots_rule_from_their_seed() -> None:
    kernel = layers.Conv("conv", 3, 16, 32, seed=7).kernel.numpy()
    limit = np.sqrt(6 / (9 * (16 + 32)))
    assert np.abs(kernel).max() <= limit
    assert np.abs(kernel).max() > 0.99 * limit
    assert kernel.var() == pytest.approx(limit**2 / 3, rel=0.05)
    np.testing.assert_array_equal(kernel, layers.Conv("again", 3, 16, 32, seed=7).kernel.numpy())
    assert (kernel != layers.Conv("other", 3, 16, 32, seed=8).kernel.numpy()).all()
    block = layers.Residual("block", 4, seed=7)
    assert (block.conv1.kernel.numpy() != block.conv2.kernel.numpy()).all()


def test_variables_carry_the_names_they_are_given() -> None:
    block = layers.Residual("trunk/0", 4)
    assert {variable.name for variable in block.variables} == {
        f"trunk/0/{name}:0"
        for name in (
            "conv1/kernel",
            "conv2/kernel",
            "norm1/scale",
            "norm1/shift",
            "norm2/scale",
            "norm2/shift",
        )
    }
