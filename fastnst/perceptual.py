"""The objective: what makes a stylized image good, as one number and its terms."""

from __future__ import annotations

import collections.abc
import dataclasses

import numpy as np
import tensorflow as tf

from fastnst import losses
from fastnst.nets import loss_network


@dataclasses.dataclass(frozen=True)
class Weights:
    """How much each term counts.

    Attributes:
        content: Weight of the content loss.
        style: Weight of the style loss.
        tv: Weight of the total variation.
        content_layers: Weight of each layer within the content loss.
        style_layers: Weight of each layer within the style loss.
    """

    content: float
    style: float
    tv: float
    content_layers: collections.abc.Mapping[str, float]
    style_layers: collections.abc.Mapping[str, float]


class PerceptualLoss:
    """content_weight * content + style_weight * style + tv_weight * tv (Johnson et al. 2016)."""

    def __init__(
        self, network: loss_network.LossNetwork, style_image: np.ndarray, weights: Weights
    ) -> None:
        """Computes the style targets, once.

        Args:
            network: Gives the features.
            style_image: float32 RGB [H, W, 3] in [0, 255], at the size that sets the strokes.
            weights: Of the terms and layers.
        """
        self._network = network
        self.weights = weights
        layers = tuple(weights.style_layers)

        def targets(image: tf.Tensor) -> dict[str, tf.Tensor]:
            features = network(image[tf.newaxis], layers)
            return {layer: losses.gram_matrix(features[layer]) for layer in layers}

        grams = tf.function(targets, autograph=False)(tf.constant(style_image, tf.float32))
        # As arrays they become constants of whatever graph compares with them.
        self.style_targets = {layer: gram.numpy() for layer, gram in grams.items()}

    def __call__(
        self, content: tf.Tensor, stylized: tf.Tensor
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Judges stylized images.

        Args:
            content: What was to be painted, float32 RGB [B, H, W, 3] in [0, 255].
            stylized: What came of it, the same shape.

        Returns:
            The objective, and float32 scalars by name: "total"; "content", "style" and "tv" as
            they are in the total; the same under "unweighted/"; each layer's own loss under
            "layers/", for example "layers/style/relu1_2".
        """
        weights = self.weights
        # Two calls, not one on both images joined: the content image needs no gradient and
        # nothing deeper than its deepest layer.
        goal = self._network(tf.stop_gradient(content), tuple(weights.content_layers))
        features = self._network(stylized, {*weights.content_layers, *weights.style_layers})
        shape = tf.shape(stylized)
        terms: dict[str, tf.Tensor] = {}
        unweighted = {"content": tf.constant(0.0), "style": tf.constant(0.0)}
        for layer, weight in weights.content_layers.items():
            loss = losses.content_loss(features[layer], tf.stop_gradient(goal[layer]))
            terms[f"layers/content/{layer}"] = loss
            unweighted["content"] += weight * loss
        for layer, weight in weights.style_layers.items():
            area = shape[1] * shape[2]
            loss = losses.style_loss(features[layer], self.style_targets[layer], area)
            terms[f"layers/style/{layer}"] = loss
            unweighted["style"] += weight * loss
        unweighted["tv"] = losses.total_variation(stylized)
        factors = {"content": weights.content, "style": weights.style, "tv": weights.tv}
        weighted = {name: factors[name] * unweighted[name] for name in unweighted}
        # A term without weight is reported but sends no gradient back, which would cost time.
        total = tf.add_n([loss for name, loss in weighted.items() if factors[name]])
        terms |= {f"unweighted/{name}": loss for name, loss in unweighted.items()}
        return total, {"total": total, **weighted, **terms}
