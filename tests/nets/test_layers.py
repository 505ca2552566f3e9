"""The transform net's layers, against plain NumPy and against the operations they replace."""

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


def low_pass(images: np.ndarray) -> np.ndarray:
    """Blurs by [1 2 1] / 4 in both directions, mirroring the border."""
    for axis in (1, 2):
        edges = [(1, 1) if each == axis else (0, 0) for each in range(4)]
        padded = np.moveaxis(np.pad(images, edges, mode="reflect"), axis, 0)
        blurred = (padded[:-2] + 2.0 * padded[1:-1] + padded[2:]) / 4.0
        images = np.moveaxis(blurred, 0, axis)
    return images


@pytest.mark.parametrize("size", [3, 7])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 9)])
def test_an_antialiased_convolution_equals_a_plain_one_of_the_blurred_images(
    size: int, stride: int, height: int, width: int
) -> None:
    conv = layers.Conv("conv", size, 3, 4, stride=stride, antialias=True)
    images = values(2, height, width, 3)
    expected = plain_conv(low_pass(images), conv.kernel.numpy(), stride)
    np.testing.assert_allclose(conv(tf.constant(images)), expected, atol=1e-5)


def test_detail_at_the_limit_of_the_grid_does_not_pass_an_antialiased_stride() -> None:
    board = np.indices((8, 8)).sum(axis=0)[np.newaxis, ..., np.newaxis] % 2 * 1.0
    aliased, smooth = (
        layers.Conv("conv", 3, 1, 2, stride=2, antialias=antialias)(tf.constant(board, tf.float32))
        for antialias in (False, True)
    )
    assert np.ptp(smooth.numpy(), axis=(1, 2)).max() < 1e-6 < np.abs(aliased).max()


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 16), (17, 19)])
def test_a_convolution_to_rgb_equals_a_plain_one_as_does_its_gradient(
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
    """The operations that the folded layer replaces: mirror, repeat each pixel, convolve, cut."""
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


@pytest.mark.parametrize("size", [3, 7])
@pytest.mark.parametrize(("height", "width"), [(8, 12), (7, 11)])
def test_antialiased_upsampling_blurs_the_repeated_pixels(
    size: int, height: int, width: int
) -> None:
    conv = layers.UpsampleConv("up", size, 5, 3, antialias=True)
    images = tf.constant(values(2, 4, 6, 5))
    # With a margin wide enough for both, because blurring mirrors the edge itself.
    margin = 6
    mirrored = tf.pad(images, [[0, 0], [margin // 2] * 2, [margin // 2] * 2, [0, 0]], "SYMMETRIC")
    large = low_pass(np.repeat(np.repeat(mirrored, 2, axis=1), 2, axis=2))
    reach = size // 2
    cut = large[:, margin - reach : margin + height + reach, margin - reach :][
        :, :, : width + 2 * reach
    ]
    expected = tf.nn.conv2d(tf.constant(cut), conv.kernel, 1, "VALID")
    result = conv(images, tf.zeros([2, height, width, 1]))
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_antialiased_upsampling_interpolates_linearly() -> None:
    conv = layers.UpsampleConv("up", 1, 1, 1, antialias=True)
    conv.kernel.assign(tf.ones([1, 1, 1, 1]))
    ramp = tf.reshape(tf.constant([0.0, 4.0, 8.0]), [1, 1, 3, 1])
    large = conv(tf.tile(ramp, [1, 3, 1, 1]), tf.zeros([1, 6, 6, 1]))
    assert large[0, 2, :, 0].numpy().tolist() == [0.0, 1.0, 3.0, 5.0, 7.0, 8.0]


def test_upsampling_reflects_the_border_of_the_large_picture() -> None:
    conv = layers.UpsampleConv("up", 3, 2, 3)
    images = tf.constant(values(1, 3, 4, 2))
    large = padding.reflect(tf.repeat(tf.repeat(images, 2, axis=1), 2, axis=2), 1)
    expected = tf.nn.conv2d(large, conv.kernel, 1, "VALID")
    np.testing.assert_allclose(conv(images, tf.zeros([1, 6, 8, 1])), expected, atol=1e-5)


@pytest.mark.parametrize("size", [3, 7])
def test_the_gradient_of_upsampling_equals_that_of_repeating_and_convolving(size: int) -> None:
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
def test_upsampling_a_flat_picture_makes_no_checkerboard(size: int) -> None:
    conv = layers.UpsampleConv("up", size, 4, 3)
    flat = tf.ones([1, 5, 5, 4]) * tf.constant([1.0, -2.0, 0.5, 3.0])
    result = conv(flat, tf.zeros([1, 10, 10, 1])).numpy()
    # Every output sees all taps of the same four values.
    expected = np.einsum("ijco,c->o", conv.kernel.numpy(), [1.0, -2.0, 0.5, 3.0])
    np.testing.assert_allclose(result, np.broadcast_to(expected, result.shape), atol=1e-5)


def test_a_skip_adds_the_encoders_features_weighted_by_channel() -> None:
    images, earlier = (values(2, 4, 5, 3) for _ in range(2))
    added = layers.skip(tf.constant(images), tf.constant(earlier), tf.ones([3]))
    np.testing.assert_array_equal(added, images + earlier)
    scale = np.float32([0, -1, 0.5])
    added = layers.skip(tf.constant(images), tf.constant(earlier), tf.constant(scale))
    np.testing.assert_allclose(added, images + scale * earlier, atol=1e-6)


def test_a_skip_weights_each_image_of_a_batch_by_its_own_scale() -> None:
    images, earlier = (tf.constant(values(2, 4, 5, 3)) for _ in range(2))
    scales = tf.constant([[0.0, -1.0, 0.5], [2.0, 1.0, -0.25]])
    together = layers.skip(images, earlier, scales)
    for index in range(2):
        one = slice(index, index + 1)
        alone = layers.skip(images[one], earlier[one], scales[index])
        np.testing.assert_allclose(together[one], alone, atol=1e-6)


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16, tf.float32])
def test_layers_compute_in_the_dtype_of_their_input_and_keep_float32_kernels(
    dtype: tf.DType,
) -> None:
    images = tf.constant(values(1, 6, 6, 4), dtype)
    conv = layers.Conv("conv", 3, 4, 4)
    to_rgb = layers.ConvToRgb("to_rgb", 3, 4, 3)
    upsample = layers.UpsampleConv("up", 3, 4, 4)
    results = [
        conv(images),
        to_rgb(images),
        upsample(images, tf.zeros([1, 12, 12, 1])),
        layers.skip(images, tf.cast(images, tf.float32), tf.ones([4])),
        layers.skip(images, tf.cast(images, tf.float32), tf.ones([1, 4])),
    ]
    assert [result.dtype for result in results] == [dtype] * 5
    kernels = [variable for layer in (conv, to_rgb, upsample) for variable in layer.variables]
    assert [kernel.dtype for kernel in kernels] == [tf.float32] * 3


def test_kernels_are_drawn_by_glorots_rule_from_their_seed() -> None:
    kernel = layers.Conv("conv", 3, 16, 32, seed=7).kernel.numpy()
    limit = np.sqrt(6 / (9 * (16 + 32)))
    assert np.abs(kernel).max() <= limit
    assert np.abs(kernel).max() > 0.99 * limit
    assert kernel.var() == pytest.approx(limit**2 / 3, rel=0.05)
    np.testing.assert_array_equal(kernel, layers.Conv("again", 3, 16, 32, seed=7).kernel.numpy())
    assert (kernel != layers.Conv("other", 3, 16, 32, seed=8).kernel.numpy()).all()


def test_a_kernel_is_named_after_its_layer() -> None:
    for kind in (layers.Conv, layers.ConvToRgb, layers.UpsampleConv):
        (kernel,) = kind("trunk/0/conv1", 3, 4, 4).variables
        assert kernel.name == "trunk/0/conv1/kernel:0"


def ramp(height: int, width: int) -> np.ndarray:
    """Two channels that increase by 1 and 3 per column, float32 [1, height, width, 2]."""
    columns = np.outer(np.arange(width), [1.0, 3.0]).astype(np.float32)
    return np.broadcast_to(columns, (1, height, width, 2)).copy()


@pytest.mark.parametrize("width", [9, 10])
def test_halving_takes_every_second_pixel_of_a_ramp(width: int) -> None:
    half = layers.halve(tf.constant(ramp(7, width))).numpy()
    assert half.shape == (1, 4, 5, 2)
    np.testing.assert_allclose(half[:, :, 1:4], 2 * ramp(4, 5)[:, :, 1:4])


def test_halving_removes_detail_at_the_limit_of_the_grid() -> None:
    board = np.indices((12, 12)).sum(axis=0)[np.newaxis, ..., np.newaxis] % 2
    np.testing.assert_allclose(layers.halve(tf.constant(board, tf.float32)), 0.5)


@pytest.mark.parametrize("width", [9, 10])
def test_doubling_interpolates_linearly(width: int) -> None:
    small, like = tf.constant(ramp(4, 5)), tf.zeros([1, 7, width, 2])
    large = layers.double(small, like).numpy()
    assert large.shape == like.shape
    # Pixels of the large image lie a quarter of a small pixel beside the small ones.
    expected = (np.arange(width) - 0.5) / 2.0
    np.testing.assert_allclose(large[0, 3, 1:-1, 0], expected[1:-1])
    np.testing.assert_allclose(large[..., 1], 3.0 * large[..., 0])
