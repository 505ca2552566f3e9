"""Conditional instance norm, by hand and however it is computed."""

from __future__ import annotations

import collections.abc

import numpy as np
import pytest
import tensorflow as tf

from fastnst.nets import norms

RANDOM = np.random.default_rng(0)
# Few channels are normalized row by row, more by one operation or by its parts.
CHANNELS = [3, 8]
# bfloat16 holds 8 bits.
PRECISION = {tf.float32: 1e-5, tf.bfloat16: 2e-2}


def values(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 1, shape).astype(np.float32)


def plain_norm(images: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Instance norm in NumPy; scale and shift are [C] or [B, 1, 1, C]."""
    mean, variance = (function(images, (1, 2), keepdims=True) for function in (np.mean, np.var))
    return (images - mean) / np.sqrt(variance + norms.EPSILON) * scale + shift


def test_moments_are_those_of_each_channel_of_each_image() -> None:
    images = values(2, 3, 5, 4)
    mean, variance = norms.moments(tf.constant(images))
    np.testing.assert_allclose(mean[:, 0, 0], images.mean((1, 2)), atol=1e-6)
    np.testing.assert_allclose(variance[:, 0, 0], images.var((1, 2)), rtol=1e-5)
    assert mean.shape == variance.shape == (2, 1, 1, 4)


def test_moments_of_half_precision_are_taken_in_full_precision() -> None:
    # Counting ones in float16 stops at 2048.
    ones = tf.concat(
        [tf.ones([1, 100, 100, 1], tf.float16), tf.zeros([1, 100, 100, 1], tf.float16)], 1
    )
    mean, variance = norms.moments(ones)
    assert mean.dtype == variance.dtype == tf.float32
    assert float(mean[0, 0, 0, 0]) == pytest.approx(0.5)
    assert float(variance[0, 0, 0, 0]) == pytest.approx(0.25)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("channels", [1, 8])
def test_instance_norm_by_hand(channels: int, fused: bool) -> None:
    # Mean 3 and variance 4, whence (x - 3) / sqrt(4 + 1e-5); then times 10 and plus 7.
    image = tf.reshape(tf.constant([1.0, 5.0, 1.0, 5.0]), [1, 2, 2, 1]) * tf.ones([channels])

    def first_channel(scale: float, shift: float) -> list[float]:
        scales, shifts = tf.fill([channels], scale), tf.fill([channels], shift)
        normalized = norms.instance_norm(image, scales, shifts, fused=fused)
        return tf.reshape(normalized[..., 0], [-1]).numpy().tolist()

    assert first_channel(1.0, 0.0) == pytest.approx([-1, 1, -1, 1], rel=1e-5)
    assert first_channel(10.0, 7.0) == pytest.approx([-3, 17, -3, 17], rel=1e-5)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("channels", CHANNELS)
def test_a_flat_channel_becomes_its_shift_not_nan(channels: int, fused: bool) -> None:
    shift = np.linspace(-1, 0.5, channels, dtype=np.float32)
    flat = tf.fill([1, 4, 4, channels], 9.0)
    result = norms.instance_norm(flat, tf.ones([channels]), tf.constant(shift), fused=fused)
    # Multiplied by 1 / sqrt(1e-5) = 316, the mean of 9 cancels to the last bits of 2846.
    np.testing.assert_allclose(result, np.broadcast_to(shift, flat.shape), atol=5e-4)


@pytest.mark.parametrize("per_image", [False, True], ids=["shared", "per image"])
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("dtype", PRECISION)
def test_fused_and_unfused_norms_of_known_and_unknown_batches_agree(
    batch: int, dtype: tf.DType, channels: int, per_image: bool
) -> None:
    shape = (batch, channels) if per_image else (channels,)
    scale, shift = tf.constant(values(*shape)), tf.constant(values(*shape))
    images = tf.cast(values(batch, 9, 7, channels) * 5 + 2, dtype)
    upstream = tf.cast(values(batch, 9, 7, channels), dtype)

    def compute(batch: int | None, fused: bool) -> list[np.ndarray]:
        """Returns the result and the gradients of images, scale and shift."""

        @tf.function(input_signature=[tf.TensorSpec([batch, None, None, channels], dtype)])
        def run(images: tf.Tensor) -> list[tf.Tensor]:
            inputs = [images, scale, shift]
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                result = norms.instance_norm(*inputs, fused=fused)
            return [result, *tape.gradient(result, inputs, output_gradients=upstream)]

        result = run(images)
        assert result[0].dtype == dtype
        return [tf.cast(tensor, tf.float32).numpy() for tensor in result]

    def close(found: np.ndarray, expected: np.ndarray) -> None:
        precision = PRECISION[dtype] * np.abs(expected).max()
        np.testing.assert_allclose(found, expected, atol=precision)

    fused = compute(batch, True)
    given = tf.cast(images, tf.float32).numpy()
    spread = [v.numpy()[:, None, None] if per_image else v.numpy() for v in (scale, shift)]
    close(fused[0], plain_norm(given, *spread))
    for others in (compute(batch, False), compute(None, True), compute(None, False)):
        for found, expected in zip(others, fused, strict=True):
            close(found, expected)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("channels", CHANNELS)
def test_each_image_of_a_batch_is_normalized_with_its_own_scale_and_shift(
    channels: int, fused: bool
) -> None:
    images = tf.constant(values(3, 6, 5, channels))
    scales, shifts = tf.constant(values(3, channels)), tf.constant(values(3, channels))
    together = norms.instance_norm(images, scales, shifts, fused=fused)
    for index in range(3):
        one = slice(index, index + 1)
        alone = norms.instance_norm(images[one], scales[index], shifts[index], fused=fused)
        np.testing.assert_allclose(together[one], alone, atol=1e-5)


@pytest.mark.parametrize("fused", [True, False])
def test_fused_norms_are_computed_by_batch_norm_and_unfused_ones_by_their_parts(
    fused: bool,
) -> None:
    @tf.function(input_signature=[tf.TensorSpec([2, None, None, 8])])
    def run(images: tf.Tensor) -> tf.Tensor:
        return norms.instance_norm(images, tf.ones([8]), tf.zeros([8]), fused=fused)

    kinds = [operation.type for operation in run.get_concrete_function().graph.get_operations()]
    # One for each image.
    assert kinds.count("FusedBatchNormV3") == (2 if fused else 0)


@pytest.mark.parametrize(
    "spread", [lambda row: row, lambda row: tf.stack([row, 2 * row])], ids=["shared", "per image"]
)
def test_tiles_normalized_by_the_moments_of_the_whole_equal_the_whole(
    spread: collections.abc.Callable[[tf.Tensor], tf.Tensor],
) -> None:
    scale, shift = (spread(tf.constant(row)) for row in ([1.5, -0.5, 2.0], [0.1, 0.2, -3.0]))
    whole = tf.constant(values(2, 6, 8, 3) * 5 + 2)
    moments = norms.moments(whole)
    tiles = [
        norms.normalize(tile, *moments, scale, shift) for tile in (whole[:, :, :5], whole[:, :, 5:])
    ]
    expected = norms.instance_norm(whole, scale, shift, fused=True)
    np.testing.assert_allclose(tf.concat(tiles, 2), expected, atol=1e-6)


@pytest.mark.parametrize("channels", [3, 16])
@pytest.mark.parametrize("fused", [True, False])
def test_a_tile_is_normalized_with_the_moments_of_the_whole(channels: int, fused: bool) -> None:
    random = np.random.default_rng(0)
    image = tf.constant(random.normal(3, 2, [1, 9, 7, channels]), tf.float32)
    scale, shift = (tf.constant(random.normal(1, 1, channels), tf.float32) for _ in range(2))
    whole = norms.instance_norm(image, scale, shift, fused=fused)
    moments = norms.moments_of_one(image, fused=fused)
    for found, expected in zip(moments, norms.moments(image), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4)
    tile = norms.instance_norm(image[:, 2:6], scale, shift, fused=fused, of_whole=moments)
    np.testing.assert_allclose(tile, whole[:, 2:6], atol=1e-4)


def test_merged_moments_of_tiles_equal_those_of_the_whole() -> None:
    random = np.random.default_rng(0)
    image = random.normal(3, 2, [1, 21, 5, 2]) + np.arange(21)[:, None, None]
    tensor = tf.constant(image, tf.float32)
    upper, lower = norms.moments(tensor[:, :9]), norms.moments(tensor[:, 9:])
    parts = tf.stack([upper[0], lower[0]]), tf.stack([upper[1], lower[1]])
    merged = norms.merge(parts, [45, 60])
    for found, expected in zip(merged, norms.moments(tensor), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)
