"""Computes a style weight for a painting: the value of `style_weight: auto`.

The style loss of the same photos differs by a factor of forty between paintings, so no single
weight suits all of them. This module chooses the weight such that the pull of the style and the
resistance of a photo's content have a fixed ratio; docs/theory.md explains why.
"""

from __future__ import annotations

import collections.abc
import itertools

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.features import loss_network
from fastnst.losses import functional, perceptual

# Ratio of pull to resistance at a strength of 1: see docs/theory.md.
BALANCE = 13.5
_SIDE = 256
# Crops of the painting along each axis.
_CROPS = 3


def style_weight(
    network: loss_network.LossNetwork,
    paintings: collections.abc.Sequence[np.ndarray],
    photos: collections.abc.Iterable[np.ndarray],
    weights: perceptual.Weights,
) -> float:
    """Returns the weight at which the style of a painting looks about as strong as any other.

    Args:
        network: The loss network.
        paintings: The style images, float32 RGB [H, W, 3] in [0, 255] each, at the training size.
        photos: Ordinary photos, RGB [H, W, 3] in [0, 255] each, ideally of about 256 x 256 pixels.
        weights: The other weights; the value of `style` has no effect.

    Returns:
        BALANCE * content * E(photos) / (S(photos) - S(crop)). E is the mean square of the content
        features and S is the style loss. The crop is that of the painting with the smallest style
        loss; no stylized picture of its size can be expected to have a smaller one.

    Raises:
        UserError: If the photos are as close to the style as crops of the painting are.
    """
    shares = [(painting, 1.0) for painting in paintings]
    judge = perceptual.PerceptualLoss(network, shares, weights)

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.float32)], autograph=False)
    def measure(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = network(image, tuple(weights.content_layers))
        energy = tf.add_n(
            [
                weight * functional.content_loss(features[layer], tf.zeros_like(features[layer]))
                for layer, weight in weights.content_layers.items()
            ]
        )
        return energy, judge(image, image)[1]["unweighted/style"]

    def measured(images: collections.abc.Iterable[np.ndarray]) -> np.ndarray:
        pairs = [measure(tf.constant(image[np.newaxis], tf.float32)) for image in images]
        return np.array(pairs)

    crops = itertools.chain.from_iterable(_crops(painting) for painting in paintings)
    of_photos, of_crops = measured(photos), measured(crops)
    energy = of_photos[:, 0].mean()
    distance = of_photos[:, 1].mean() - of_crops[:, 1].min()
    if not distance > 0:
        raise errors.UserError(
            "style_weight: auto does not work for this style image, whose crops are no closer to "
            "its style than photos are; set a number, or a smaller style_size"
        )
    return float(BALANCE * weights.content * energy / distance)


def _crops(style: np.ndarray) -> list[np.ndarray]:
    """Returns squares of at most 256 x 256 pixels, evenly spaced over the painting."""
    side = min(_SIDE, *style.shape[:2])
    tops, lefts = (np.linspace(0, length - side, _CROPS).astype(int) for length in style.shape[:2])
    return [
        style[top : top + side, left : left + side] for top, left in itertools.product(tops, lefts)
    ]
