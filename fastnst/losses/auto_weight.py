"""The style weight that suits a painting: what `style_weight: auto` stands for.

Style losses of photos differ by a factor of forty between paintings, so that no one weight suits
all. Here the weight is chosen such that what pulls a photo towards the style stands in a fixed
ratio to what its content can resist with; docs/theory.md tells the reasons.
"""

from __future__ import annotations

import collections.abc
import itertools

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.features import loss_network
from fastnst.losses import functional, perceptual

# Pull over resistance at a strength of 1: see docs/theory.md.
BALANCE = 9.0
_SIDE = 256
# Crops of the painting along each axis.
_CROPS = 3


def style_weight(
    network: loss_network.LossNetwork,
    paintings: collections.abc.Sequence[np.ndarray],
    photos: collections.abc.Iterable[np.ndarray],
    weights: perceptual.Weights,
) -> float:
    """Finds the style weight by which a painting looks about as strong as any other.

    Args:
        network: Gives the features.
        paintings: The style images, float32 RGB [H, W, 3] in [0, 255] each, at the size trained
            with.
        photos: Ordinary ones, RGB [H, W, 3] in 0..255, best of about 256 x 256 pixels.
        weights: All but `style`, which is what is found.

    Returns:
        BALANCE * content * E(photos) / (S(photos) - S(crop)), where E is the mean square of the
        content features, S the style loss, and the crop that of the painting which is most like
        the whole: closer to it no picture of its size can be expected to come.

    Raises:
        UserError: If photos are as close to the painting as its own crops are.
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
            "style_weight: auto does not suit this style image: no part of it is more like the "
            "whole than photos are; give a number, or a smaller style_size"
        )
    return float(BALANCE * weights.content * energy / distance)


def _crops(style: np.ndarray) -> list[np.ndarray]:
    """Squares of at most 256 pixels, evenly over the painting."""
    side = min(_SIDE, *style.shape[:2])
    tops, lefts = (np.linspace(0, length - side, _CROPS).astype(int) for length in style.shape[:2])
    return [
        style[top : top + side, left : left + side] for top, left in itertools.product(tops, lefts)
    ]
