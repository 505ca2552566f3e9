"""The objective, recomputed in NumPy from the loss network's features."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst import images
from fastnst.features import loss_network
from fastnst.losses import perceptual

ROOT = Path(__file__).resolve().parents[2]
CONTENT = {"relu2_1": 3.0, "relu2_2": 0.5}
STYLE = {"relu1_2": 1.0, "relu2_2": 0.25, "relu3_1": 2.0}
WEIGHTS = perceptual.Weights(2.0, 7.0, 0.3, CONTENT, STYLE)
RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def network() -> loss_network.LossNetwork:
    weights = loss_network.load_weights(ROOT / "pretrained" / "vgg_16.ckpt")
    return loss_network.LossNetwork(weights, [*CONTENT, *STYLE])


@pytest.fixture(scope="module")
def style() -> np.ndarray:
    """Not square, like most paintings."""
    return images.read(ROOT / "img" / "candy.jpg", 40)[:, :33]


@pytest.fixture(scope="module")
def objective(network: loss_network.LossNetwork, style: np.ndarray) -> perceptual.PerceptualLoss:
    return perceptual.PerceptualLoss(network, style, WEIGHTS)


@pytest.fixture(scope="module")
def pair() -> tuple[tf.Tensor, tf.Tensor]:
    """Content and stylized, of an odd size."""
    photos = RANDOM.uniform(0, 255, (2, 2, 37, 50, 3)).astype(np.float32)
    return tf.constant(photos[0]), tf.constant(photos[1])


def gram(feature: np.ndarray) -> np.ndarray:
    flat = feature.reshape(-1, feature.shape[-1]).astype(np.float64)
    return flat.T @ flat / feature.size


def original_terms(
    network: loss_network.LossNetwork,
    style: np.ndarray,
    content: tf.Tensor,
    stylized: tf.Tensor,
    content_layers: list[str],
    style_layers: list[str],
) -> tuple[dict[str, float], dict[str, float], float]:
    """The original's losses per layer and its total variation, by its own formulas."""
    features = network(stylized, {*content_layers, *style_layers})
    goal = network(content, content_layers)
    target = network(tf.constant(style[np.newaxis]), style_layers)
    contents = {
        layer: float(np.mean((features[layer].numpy() - goal[layer].numpy()) ** 2))
        for layer in content_layers
    }
    styles = {
        layer: sum(
            float(np.sum((gram(feature) - gram(target[layer].numpy()[0])) ** 2))
            for feature in features[layer].numpy()
        )
        / features[layer].numpy().size
        for layer in style_layers
    }
    pixels = stylized.numpy().astype(np.float64)
    down, across = np.diff(pixels, axis=1), np.diff(pixels, axis=2)
    noise = np.sum(down**2) / 2 / down.size + np.sum(across**2) / 2 / across.size
    return contents, styles, float(noise)


def test_the_total_is_the_weighted_sum_of_weighted_layers(
    network: loss_network.LossNetwork,
    objective: perceptual.PerceptualLoss,
    style: np.ndarray,
    pair: tuple[tf.Tensor, tf.Tensor],
) -> None:
    contents, styles, noise = original_terms(network, style, *pair, list(CONTENT), list(STYLE))
    # Rescales the original's style loss to images of 256 x 256.
    styles = {layer: loss * 37 * 50 / 256**2 for layer, loss in styles.items()}
    content = 3.0 * contents["relu2_1"] + 0.5 * contents["relu2_2"]
    styled = styles["relu1_2"] + 0.25 * styles["relu2_2"] + 2.0 * styles["relu3_1"]
    expected = {
        "total": 2.0 * content + 7.0 * styled + 0.3 * noise,
        "content": 2.0 * content,
        "style": 7.0 * styled,
        "tv": 0.3 * noise,
        "unweighted/content": content,
        "unweighted/style": styled,
        "unweighted/tv": noise,
        **{f"layers/content/{layer}": loss for layer, loss in contents.items()},
        **{f"layers/style/{layer}": loss for layer, loss in styles.items()},
    }
    total, terms = objective(*pair)
    assert set(terms) == set(expected)
    for name, term in terms.items():
        assert term.dtype == tf.float32
        assert term.shape == ()
        assert float(term) == pytest.approx(expected[name], rel=1e-4), name
    assert float(total) == float(terms["total"])


def test_at_256_pixels_the_objective_equals_the_originals(
    network: loss_network.LossNetwork, style: np.ndarray
) -> None:
    content, stylized = tf.constant(RANDOM.uniform(0, 255, (2, 1, 256, 256, 3)), tf.float32)
    contents, styles, noise = original_terms(
        network, style, content, stylized, ["relu2_1"], ["relu1_2", "relu2_1"]
    )
    layers = {"relu1_2": 1.0, "relu2_1": 1.0}
    weights = perceptual.Weights(1.0, 50.0, 0.5, {"relu2_1": 1.0}, layers)
    total, _ = perceptual.PerceptualLoss(network, style, weights)(content, stylized)
    expected = contents["relu2_1"] + 50.0 * sum(styles.values()) + 0.5 * noise
    assert float(total) == pytest.approx(expected, rel=1e-4)


def test_the_style_targets_are_the_gram_matrices_of_the_style_image(
    network: loss_network.LossNetwork, objective: perceptual.PerceptualLoss, style: np.ndarray
) -> None:
    features = network(tf.constant(style[np.newaxis]), list(STYLE))
    assert set(objective.style_targets) == set(STYLE)
    for layer, target in objective.style_targets.items():
        expected = gram(features[layer].numpy()[0])
        assert target.shape[-2:] == expected.shape
        np.testing.assert_allclose(target.squeeze(), expected, rtol=1e-3, atol=1e-3)


def test_the_content_image_has_no_content_loss_and_the_style_image_no_style_loss(
    objective: perceptual.PerceptualLoss, style: np.ndarray, pair: tuple[tf.Tensor, tf.Tensor]
) -> None:
    content, _ = pair
    assert float(objective(content, content)[1]["content"]) == 0
    picture = tf.constant(style[np.newaxis])
    perfect, other = objective(picture, picture)[1], objective(content, content)[1]
    assert float(perfect["style"]) < 1e-6 * float(other["style"])


def test_the_gradient_of_several_styles_is_the_weighted_mean_of_theirs(
    network: loss_network.LossNetwork, style: np.ndarray, pair: tuple[tf.Tensor, tf.Tensor]
) -> None:
    other = RANDOM.uniform(0, 255, (20, 31, 3)).astype(np.float32)
    both = perceptual.PerceptualLoss(network, [(style, 3.0), (other, 1.0)], WEIGHTS)
    single = [perceptual.PerceptualLoss(network, image, WEIGHTS) for image in (style, other)]

    def slope(of: perceptual.PerceptualLoss) -> np.ndarray:
        with tf.GradientTape() as tape:
            tape.watch(pair[1])
            style_term = of(*pair)[1]["style"]
        return tape.gradient(style_term, pair[1]).numpy()

    # The losses differ by a constant, so their gradients are equal.
    expected = 0.75 * slope(single[0]) + 0.25 * slope(single[1])
    np.testing.assert_allclose(slope(both), expected, rtol=1e-2, atol=1e-4 * expected.max())
    alone = perceptual.PerceptualLoss(network, [(style, 5.0), (other, 0.0)], WEIGHTS)
    assert float(alone(*pair)[0]) == pytest.approx(float(single[0](*pair)[0]), rel=1e-5)


def test_towards_returns_the_same_as_a_call_with_the_photo(
    objective: perceptual.PerceptualLoss, pair: tuple[tf.Tensor, tf.Tensor]
) -> None:
    content, stylized = (images[:1] for images in pair)
    expected = objective(content, stylized)
    found = objective.towards(content[0].numpy())(stylized)
    assert float(found[0]) == pytest.approx(float(expected[0]), rel=1e-5)
    assert set(found[1]) == set(expected[1])
    for name, term in expected[1].items():
        assert float(found[1][name]) == pytest.approx(float(term), rel=1e-4), name


def test_custom_losses_replace_the_default_ones(
    network: loss_network.LossNetwork, style: np.ndarray, pair: tuple[tf.Tensor, tf.Tensor]
) -> None:
    def content_loss(features: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        assert features.shape == target.shape
        return tf.constant(10.0)

    def style_loss(features: tf.Tensor, target: tf.Tensor, image_area: tf.Tensor) -> tf.Tensor:
        assert target.shape == (1, features.shape[-1], features.shape[-1])
        return tf.cast(image_area, tf.float32)

    objective = perceptual.PerceptualLoss(
        network, style, WEIGHTS, content_loss=content_loss, style_loss=style_loss
    )
    _, terms = objective(*pair)
    assert float(terms["content"]) == 2.0 * (3.0 + 0.5) * 10
    assert float(terms["style"]) == 7.0 * (1.0 + 0.25 + 2.0) * 37 * 50


def test_gradients_reach_the_stylized_images_only(
    objective: perceptual.PerceptualLoss, pair: tuple[tf.Tensor, tf.Tensor]
) -> None:
    content, stylized = pair
    with tf.GradientTape() as tape:
        tape.watch([content, stylized])
        total, _ = objective(content, stylized)
    assert tape.watched_variables() == ()
    to_content, to_stylized = tape.gradient(total, [content, stylized])
    assert to_content is None
    assert np.isfinite(to_stylized).all()
    assert (np.abs(to_stylized).max((1, 2, 3)) > 0).all()


def test_a_step_down_the_gradient_lowers_the_total(
    objective: perceptual.PerceptualLoss, pair: tuple[tf.Tensor, tf.Tensor]
) -> None:
    content, stylized = pair
    with tf.GradientTape() as tape:
        tape.watch(stylized)
        before, _ = objective(content, stylized)
    gradient = tape.gradient(before, stylized)
    after, _ = objective(content, stylized - gradient / tf.norm(gradient))
    # To first order by the norm of the gradient; a wrong factor would change that.
    assert float(before - after) == pytest.approx(float(tf.norm(gradient)), rel=0.1)


@pytest.mark.parametrize("term", ["content", "style", "tv"])
def test_a_term_of_weight_zero_is_reported_but_not_counted(
    network: loss_network.LossNetwork,
    objective: perceptual.PerceptualLoss,
    style: np.ndarray,
    pair: tuple[tf.Tensor, tf.Tensor],
    term: str,
) -> None:
    weights = dataclasses.replace(WEIGHTS, **{term: 0.0})
    total, terms = perceptual.PerceptualLoss(network, style, weights)(*pair)
    _, full = objective(*pair)
    assert float(terms[term]) == 0
    assert float(terms[f"unweighted/{term}"]) == pytest.approx(float(full[f"unweighted/{term}"]))
    assert float(total) == pytest.approx(float(full["total"] - full[term]), rel=1e-5)


def test_the_objective_of_a_batch_is_the_mean_over_it(
    objective: perceptual.PerceptualLoss, pair: tuple[tf.Tensor, tf.Tensor]
) -> None:
    alone = [float(objective(pair[0][i : i + 1], pair[1][i : i + 1])[0]) for i in range(2)]
    assert float(objective(*pair)[0]) == pytest.approx(np.mean(alone), rel=1e-4)


def test_a_graph_for_any_size_returns_the_same(
    objective: perceptual.PerceptualLoss, pair: tuple[tf.Tensor, tf.Tensor]
) -> None:
    spec = tf.TensorSpec([None, None, None, 3], tf.float32)
    graph = tf.function(objective, input_signature=[spec, spec], autograph=False)
    assert not graph.get_concrete_function().captured_inputs
    for cut in (pair, (pair[0][:, :24], pair[1][:, :24])):
        _, expected = objective(*cut)
        _, found = graph(*cut)
        for name, term in expected.items():
            assert float(found[name]) == pytest.approx(float(term), rel=1e-4), name


def test_half_precision_features_give_similar_losses_in_full_precision(
    network: loss_network.LossNetwork,
    objective: perceptual.PerceptualLoss,
    style: np.ndarray,
    pair: tuple[tf.Tensor, tf.Tensor],
) -> None:
    weights = loss_network.load_weights(ROOT / "pretrained" / "vgg_16.ckpt")
    half = loss_network.LossNetwork(weights, [*CONTENT, *STYLE], tf.bfloat16)
    total, terms = perceptual.PerceptualLoss(half, style, WEIGHTS)(*pair)
    assert {term.dtype for term in terms.values()} == {tf.float32}
    assert float(total) == pytest.approx(float(objective(*pair)[0]), rel=0.05)
