"""The objective of many styles beside the objectives that it is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst import images
from fastnst.features import loss_network
from fastnst.losses import functional, many_styles, perceptual

ROOT = Path(__file__).resolve().parents[2]
# Other layers, weights and sizes in each; the first content layer of one is none of another's.
STYLES = {
    "candy": (40, perceptual.Weights(2.0, 7.0, 0.3, {"relu2_1": 3.0}, {"relu1_2": 1.0})),
    "wave": (
        24,
        perceptual.Weights(
            1.0, 90.0, 0.0, {"relu2_2": 0.5, "relu2_1": 1.0}, {"relu2_2": 4.0, "relu1_2": 0.25}
        ),
    ),
    "mosaic": (32, perceptual.Weights(0.0, 1.0, 20.0, {"relu2_2": 1.0}, {"relu2_2": 1.0})),
}
PHOTO = len(STYLES)
LAYERS = ["relu1_2", "relu2_1", "relu2_2"]
TERMS = ("total", "content", "style", "tv")


@pytest.fixture(scope="module")
def network() -> loss_network.LossNetwork:
    weights = loss_network.load_weights(ROOT / "pretrained" / "vgg_16.ckpt")
    return loss_network.LossNetwork(weights, LAYERS)


@pytest.fixture(scope="module")
def each(network: loss_network.LossNetwork) -> list[perceptual.PerceptualLoss]:
    """Each style's own objective."""
    return [
        perceptual.PerceptualLoss(network, images.read(ROOT / f"img/{name}.jpg", side), weights)
        for name, (side, weights) in STYLES.items()
    ]


@pytest.fixture(scope="module")
def pair() -> tuple[tf.Tensor, tf.Tensor]:
    """Photos and pictures made of them, of an odd size."""
    photos = np.random.default_rng(0).uniform(0, 255, (2, 2, 22, 27, 3)).astype(np.float32)
    return tf.constant(photos[0]), tf.constant(photos[1])


@pytest.fixture(scope="module")
def expected(
    each: list[perceptual.PerceptualLoss], pair: tuple[tf.Tensor, tf.Tensor]
) -> list[tuple[dict[str, tf.Tensor], np.ndarray]]:
    """Each style's own terms, and the gradient of its total."""
    found = []
    for objective in each:
        with tf.GradientTape() as tape:
            tape.watch(pair[1])
            total, terms = objective(*pair)
        assert float(total) == float(terms["total"])
        found.append((terms, tape.gradient(total, pair[1]).numpy()))
    return found


@pytest.mark.parametrize("identity", [False, True])
def test_each_index_is_the_objective_of_its_style(
    each: list[perceptual.PerceptualLoss],
    expected: list[tuple[dict[str, tf.Tensor], np.ndarray]],
    pair: tuple[tf.Tensor, tf.Tensor],
    identity: bool,
) -> None:
    many = many_styles.ManyStyles(each, identity=identity)
    traced: list[None] = []

    @tf.function(autograph=False)
    def judge(style: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        traced.append(None)
        with tf.GradientTape() as tape:
            tape.watch(pair[1])
            total, terms = many(*pair, style)
        return terms, tape.gradient(total, pair[1])

    for index, (own, of_own) in enumerate(expected):
        terms, gradient = judge(tf.constant(index))
        assert set(terms) == {*TERMS, *(["pixels"] if identity else [])}
        for term in TERMS:
            assert float(terms[term]) == pytest.approx(float(own[term]), rel=1e-6), term
        if identity:
            assert float(terms["pixels"]) == 0.0
        np.testing.assert_allclose(gradient, of_own, rtol=1e-4, atol=1e-6 * np.abs(of_own).max())
    # The style is a tensor: one graph serves all.
    assert len(traced) == 1


def test_the_index_after_the_last_style_counts_pixels_and_content_only(
    network: loss_network.LossNetwork,
    each: list[perceptual.PerceptualLoss],
    pair: tuple[tf.Tensor, tf.Tensor],
) -> None:
    many = many_styles.ManyStyles(each, identity=True)
    photo, picture = pair
    total, terms = many(photo, picture, tf.constant(PHOTO))
    assert float(terms["style"]) == 0.0 == float(terms["tv"])
    squares = np.square(picture.numpy().astype(np.float64) - photo.numpy())
    assert float(terms["pixels"]) == pytest.approx(100.0 * squares.mean(), rel=1e-6)
    # By the content layers of the first style, each at its weight.
    features, goal = network(picture, ["relu2_1"]), network(photo, ["relu2_1"])
    content = 3.0 * float(functional.content_loss(features["relu2_1"], goal["relu2_1"]))
    assert float(terms["content"]) == pytest.approx(content, rel=1e-6)
    assert float(total) == pytest.approx(content + float(terms["pixels"]), rel=1e-6)
    # The photo itself is perfect.
    assert float(many(photo, photo, tf.constant(PHOTO))[0]) == 0.0


def test_the_photo_gets_no_gradient(
    each: list[perceptual.PerceptualLoss], pair: tuple[tf.Tensor, tf.Tensor]
) -> None:
    many = many_styles.ManyStyles(each, identity=False)
    with tf.GradientTape() as tape:
        tape.watch(pair[0])
        total, _ = many(*pair, tf.constant(1))
    assert tape.gradient(total, pair[0]) is None
