"""The losses, against values derived by hand and the original's formulas in NumPy."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from fastnst.losses import functional

RANDOM = np.random.default_rng(0)


def features(*shape: int) -> np.ndarray:
    """Random ReLU activations: nothing below zero."""
    return np.maximum(RANDOM.normal(1.0, 3.0, shape), 0).astype(np.float32)


def original_gram(feature: np.ndarray) -> np.ndarray:
    """The original's Gram matrix of [H, W, C], in double precision."""
    flat = feature.reshape(-1, feature.shape[-1]).astype(np.float64)
    return flat.T @ flat / feature.size


def original_style_loss(stylized: np.ndarray, target: np.ndarray) -> float:
    """The original's style loss: summed over the batch, divided by the batch's total size."""
    distances = [np.sum((original_gram(feature) - target) ** 2) for feature in stylized]
    return float(np.sum(distances) / stylized.size)


def test_the_gram_matrix_of_ones_is_one_over_the_channels() -> None:
    gram = functional.gram_matrix(tf.ones([2, 3, 5, 4]))
    # H W ones on each pair of channels, over H W C.
    np.testing.assert_allclose(gram, np.full((2, 4, 4), 1 / 4), rtol=1e-6)


def test_a_graph_with_a_gram_matrix_is_freed() -> None:
    def graph() -> weakref.ref[tf.Graph]:
        gram = tf.function(functional.gram_matrix, autograph=False)
        return weakref.ref(gram.get_concrete_function(tf.TensorSpec([1, 4, 4, 3])).graph)

    waiting = graph()
    gc.collect()
    assert waiting() is None


def test_the_gram_matrix_of_channels_that_never_fire_together_is_diagonal() -> None:
    checks = np.indices((2, 2)).sum(0) % 2
    feature = np.stack([3 * checks, 5 * (1 - checks)], -1)[np.newaxis].astype(np.float32)
    # Two pixels of 9 and two of 25, over 2 * 2 * 2.
    np.testing.assert_allclose(functional.gram_matrix(feature)[0], [[9 / 4, 0], [0, 25 / 4]])


def test_each_image_has_its_own_gram_matrix() -> None:
    batch = features(3, 5, 4, 6)
    expected = [original_gram(feature) for feature in batch]
    np.testing.assert_allclose(functional.gram_matrix(batch), expected, rtol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("bfloat16", 0.02)])
def test_the_gradient_of_the_gram_matrix_matches_its_definition(
    dtype: str, tolerance: float
) -> None:
    features = tf.cast(tf.random.stateless_normal([2, 4, 5, 3], [1, 2]), dtype)
    upstream = tf.random.stateless_normal([2, 3, 3], [3, 4])
    gradients = []
    for compute in (
        functional.gram_matrix,
        lambda f: tf.einsum("bhwi,bhwj->bij", tf.cast(f, "float32"), tf.cast(f, "float32")) / 60,
    ):
        with tf.GradientTape() as tape:
            tape.watch(features)
            loss = tf.reduce_sum(upstream * compute(features))
        gradients.append(tape.gradient(loss, features))
    assert gradients[0].dtype == features.dtype
    found, expected = (tf.cast(gradient, tf.float32) for gradient in gradients)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def test_the_content_loss_is_the_mean_squared_difference() -> None:
    stylized = tf.constant([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    content = tf.constant([[[[1.0, 0.0]], [[0.0, 8.0]]]])
    # (0 + 4 + 9 + 16) / 4
    assert float(functional.content_loss(stylized, content)) == 7.25


def test_the_content_loss_of_a_batch_is_the_mean_over_it() -> None:
    stylized, content = features(3, 4, 5, 2), features(3, 4, 5, 2)
    alone = [float(functional.content_loss(stylized[i], content[i])) for i in range(3)]
    assert float(functional.content_loss(stylized, content)) == pytest.approx(
        np.mean(alone), rel=1e-6
    )


def test_the_style_loss_matches_a_value_derived_by_hand() -> None:
    # The Gram matrix is 1/2 everywhere and the target 0: four squares of 1/4 add up to 1. There
    # are 1 * 2 * 3 * 2 features.
    loss = functional.style_loss(tf.ones([1, 2, 3, 2]), tf.zeros([2, 2]), 256 * 256)
    assert float(loss) == pytest.approx(1 / 12)


def test_the_style_loss_at_256_pixels_equals_the_originals() -> None:
    stylized, target = features(4, 16, 16, 8), original_gram(features(12, 20, 8))
    expected = original_style_loss(stylized, target)
    for shape in ((8, 8), (1, 8, 8)):
        found = functional.style_loss(stylized, target.reshape(shape).astype(np.float32), 256 * 256)
        assert float(found) == pytest.approx(expected, rel=1e-5)


def test_a_style_weight_means_the_same_at_every_size() -> None:
    small, target = features(2, 16, 16, 8), original_gram(features(12, 20, 8)).astype(np.float32)
    tiled = np.tile(small, (1, 2, 2, 1))
    at_256 = float(functional.style_loss(small, target, 256 * 256))
    at_512 = float(functional.style_loss(tiled, target, 512 * 512))
    assert at_512 == pytest.approx(at_256, rel=1e-5)
    # The original's drops to a quarter.
    assert original_style_loss(tiled, target) == pytest.approx(at_256 / 4, rel=1e-5)


def test_the_style_loss_of_a_batch_is_the_mean_over_it() -> None:
    batch, target = features(3, 4, 6, 5), original_gram(features(7, 7, 5)).astype(np.float32)
    alone = [float(functional.style_loss(batch[i : i + 1], target, 24 * 16)) for i in range(3)]
    found = float(functional.style_loss(batch, target, 24 * 16))
    assert found == pytest.approx(np.mean(alone), rel=1e-5)


def test_the_total_variation_of_a_checkerboard() -> None:
    # Every step is 10: half of 100 down, and half of 100 across.
    board = 10.0 * (np.indices((4, 6)).sum(0) % 2)[np.newaxis, :, :, np.newaxis]
    assert float(functional.total_variation(board.astype(np.float32))) == pytest.approx(100.0)


def test_the_total_variation_averages_each_direction_separately() -> None:
    rows = np.repeat(np.array([0.0, 2.0, 0.0], np.float32)[:, np.newaxis], 5, 1)
    # Down: every step 2, half of 4; across: none.
    assert float(functional.total_variation(rows[np.newaxis, :, :, np.newaxis])) == pytest.approx(
        2.0
    )
    image = features(2, 5, 7, 3).astype(np.float64)
    down, across = np.diff(image, axis=1), np.diff(image, axis=2)
    original = np.sum(down**2) / 2 / down.size + np.sum(across**2) / 2 / across.size
    assert float(functional.total_variation(image)) == pytest.approx(original, rel=1e-5)


def test_the_total_variation_of_a_flat_image_is_zero() -> None:
    assert float(functional.total_variation(tf.fill([1, 8, 8, 3], 200.0))) == 0


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_features_are_summed_in_full_precision(dtype: tf.DType) -> None:
    # 2000^2 is 4e6, and its sum over 64 * 64 pixels is 1.6e10, far above float16's 65504.
    large = tf.fill([1, 64, 64, 4], tf.constant(2000.0, dtype))
    gram = functional.gram_matrix(large)
    assert gram.dtype == tf.float32
    np.testing.assert_allclose(gram, np.full((1, 4, 4), 1e6), rtol=1e-5)
    style = functional.style_loss(large, tf.zeros([4, 4]), 256 * 256)
    content = functional.content_loss(large, tf.zeros_like(large))
    noise = functional.total_variation(large * tf.constant([0, 1] * 32, dtype)[:, tf.newaxis])
    for loss, expected in ((style, 16e12 / 64**2 / 4), (content, 4e6), (noise, 2e6)):
        assert loss.dtype == tf.float32
        assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_sizes_may_be_unknown_when_the_graph_is_built() -> None:
    spec = tf.TensorSpec([None, None, None, 4], tf.float32)

    @tf.function(input_signature=[spec], autograph=False)
    def both(stylized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        shape = tf.shape(stylized)
        loss = functional.style_loss(stylized, tf.zeros([4, 4]), shape[1] * shape[2])
        return loss, functional.total_variation(stylized)

    for shape in ((1, 3, 5, 4), (2, 7, 4, 4)):
        stylized = features(*shape)
        found = both(stylized)
        area = shape[1] * shape[2]
        eager = functional.style_loss(stylized, tf.zeros([4, 4]), area)
        assert float(found[0]) == pytest.approx(float(eager), rel=1e-5)
        assert float(found[1]) == pytest.approx(
            float(functional.total_variation(stylized)), rel=1e-5
        )
