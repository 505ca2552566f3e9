"""The automatic style weight."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors, images
from fastnst.features import loss_network
from fastnst.losses import auto_weight, functional, perceptual

ROOT = Path(__file__).resolve().parents[2]
LAYERS = {"relu1_2": 10.0, "relu2_2": 1.0}
WEIGHTS = perceptual.Weights(1.0, 1.0, 0.0, {"relu2_2": 2.0}, LAYERS)


@pytest.fixture(scope="module")
def network() -> loss_network.LossNetwork:
    weights = loss_network.load_weights(ROOT / "pretrained" / "vgg_16.ckpt")
    return loss_network.LossNetwork(weights, LAYERS)


@pytest.fixture(scope="module")
def photos(photo: Callable[..., np.ndarray]) -> list[np.ndarray]:
    return [photo(40, 50, 0), photo(48, 40, 1)]


@pytest.fixture(scope="module")
def style() -> np.ndarray:
    return images.read(ROOT / "img" / "candy.jpg", 40)


def test_the_style_pull_is_proportional_to_the_cost_of_losing_the_content(
    network: loss_network.LossNetwork, photos: list[np.ndarray], style: np.ndarray
) -> None:
    def energy(image: np.ndarray) -> float:
        feature = network(tf.constant(image[np.newaxis], tf.float32), ["relu2_2"])["relu2_2"]
        return 2.0 * float(np.mean(np.square(feature)))

    def distance(image: np.ndarray) -> float:
        features = network(tf.constant(image[np.newaxis], tf.float32), list(LAYERS))
        target = network(tf.constant(style[np.newaxis]), list(LAYERS))
        return sum(
            weight
            * float(
                functional.style_loss(
                    features[layer],
                    functional.gram_matrix(target[layer]),
                    image.shape[0] * image.shape[1],
                )
            )
            for layer, weight in LAYERS.items()
        )

    # Squares as high as the painting, at three places. They repeat for each of three rows.
    height, width = style.shape[:2]
    crops = [style[:, left : left + height] for left in (0, (width - height) // 2, width - height)]
    resistance = np.mean([*map(energy, photos)])
    pull = np.mean([*map(distance, photos)]) - min(map(distance, crops))
    found = auto_weight.style_weight(network, [style], photos, WEIGHTS)
    assert found == pytest.approx(auto_weight.BALANCE * resistance / pull, rel=1e-3)


@pytest.mark.slow
def test_it_compensates_for_the_weights_of_layers_and_content(
    network: loss_network.LossNetwork, photos: list[np.ndarray], style: np.ndarray
) -> None:
    found = auto_weight.style_weight(network, [style], photos, WEIGHTS)
    tenfold = {layer: 10 * weight for layer, weight in LAYERS.items()}
    for changes, factor in (
        ({"style_layers": tenfold}, 0.1),
        ({"content": 3.0}, 3.0),
        ({"content_layers": {"relu2_2": 6.0}}, 3.0),
        ({"style": 7.0}, 1.0),
    ):
        changed = dataclasses.replace(WEIGHTS, **changes)  # type: ignore[arg-type]
        weight = auto_weight.style_weight(network, [style], photos, changed)
        assert weight == pytest.approx(factor * found, rel=1e-5)


def test_a_style_image_no_closer_to_its_crops_than_to_photos_raises_an_error(
    network: loss_network.LossNetwork, photos: list[np.ndarray], style: np.ndarray
) -> None:
    # The photo is the painting itself, so it is closer than any crop.
    with pytest.raises(errors.UserError, match="does not work for this style image"):
        auto_weight.style_weight(network, [style], [style], WEIGHTS)
