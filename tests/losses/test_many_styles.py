"""The objective of several styles, compared with the objectives of the single ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst import images
from fastnst.features import loss_network
from fastnst.losses import many_styles, perceptual

ROOT = Path(__file__).resolve().parents[2]
# The styles share one layer and differ in all weights.
WEIGHTS = {
    "candy": perceptual.Weights(2.0, 7.0, 0.3, {"relu2_1": 3.0}, {"relu1_2": 1.0}),
    "wave": perceptual.Weights(1.0, 50.0, 0.1, {"relu2_2": 0.5}, {"relu1_2": 0.25, "relu2_1": 2.0}),
}
IDENTITY = len(WEIGHTS)


@pytest.fixture(scope="module")
def singles() -> list[perceptual.PerceptualLoss]:
    weights = loss_network.load_weights(ROOT / "pretrained" / "vgg_16.ckpt")
    network = loss_network.LossNetwork(weights, ["relu1_2", "relu2_1", "relu2_2"])
    return [
        perceptual.PerceptualLoss(network, images.read(ROOT / "img" / f"{name}.jpg", 40), chosen)
        for name, chosen in WEIGHTS.items()
    ]


@pytest.fixture(scope="module")
def pair() -> tuple[tf.Tensor, tf.Tensor]:
    """Content and stylized images of an odd size."""
    photos = np.random.default_rng(0).uniform(0, 255, (2, 2, 37, 50, 3)).astype(np.float32)
    return tf.constant(photos[0]), tf.constant(photos[1])


@pytest.mark.parametrize("identity", [False, True])
@pytest.mark.parametrize("index", range(len(WEIGHTS)), ids=list(WEIGHTS))
def test_each_style_has_the_objective_that_it_has_alone(
    singles: list[perceptual.PerceptualLoss],
    pair: tuple[tf.Tensor, tf.Tensor],
    index: int,
    identity: bool,
) -> None:
    objective = many_styles.ManyStyles(singles, identity=identity)
    total, terms = objective(*pair, tf.constant(index))
    expected_total, expected = singles[index](*pair)
    np.testing.assert_allclose(total, expected_total, rtol=1e-5)
    for name in ("total", "content", "style", "tv"):
        np.testing.assert_allclose(terms[name], expected[name], rtol=1e-5)
    assert ("pixels" in terms) == identity
    assert float(terms.get("pixels", 0.0)) == 0.0


def test_one_graph_serves_all_styles(
    singles: list[perceptual.PerceptualLoss], pair: tuple[tf.Tensor, tf.Tensor]
) -> None:
    objective = tf.function(many_styles.ManyStyles(singles, identity=True), autograph=False)
    for index, single in enumerate(singles):
        total, _ = objective(*pair, tf.constant(index))
        np.testing.assert_allclose(total, single(*pair)[0], rtol=1e-4)
    assert objective.experimental_get_tracing_count() == 1


def test_the_photo_as_a_style_is_best_reproduced(
    singles: list[perceptual.PerceptualLoss], pair: tuple[tf.Tensor, tf.Tensor]
) -> None:
    objective = many_styles.ManyStyles(singles, identity=True)
    content, stylized = pair
    total, terms = objective(content, content, tf.constant(IDENTITY))
    assert float(total) == 0.0
    # Style and total variation do not count: content as in the first style, and 100 times the mean
    # squared difference.
    total, terms = objective(content, stylized, tf.constant(IDENTITY))
    assert float(terms["style"]) == float(terms["tv"]) == 0.0
    difference = np.mean(np.square(stylized.numpy() - content.numpy()), dtype=np.float64)
    np.testing.assert_allclose(terms["pixels"], 100.0 * difference, rtol=1e-5)
    # The first style weights its content loss twice as much.
    first = singles[0](content, stylized)[1]
    np.testing.assert_allclose(2.0 * terms["content"], first["content"], rtol=1e-5)
    np.testing.assert_allclose(total, terms["content"] + terms["pixels"], rtol=1e-6)


def test_gradients_do_not_flow_into_the_photo_through_its_features(
    singles: list[perceptual.PerceptualLoss], pair: tuple[tf.Tensor, tf.Tensor]
) -> None:
    objective = many_styles.ManyStyles(singles, identity=False)
    content, stylized = pair
    with tf.GradientTape() as tape:
        tape.watch([content, stylized])
        total, _ = objective(content, stylized, tf.constant(0))
    of_content, of_stylized = tape.gradient(total, [content, stylized])
    assert of_content is None
    assert np.abs(of_stylized).max() > 0
