"""The perceptual loss: the objective of stylized images, and its terms."""

from __future__ import annotations

import collections.abc
import dataclasses
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from fastnst.features import loss_network
from fastnst.losses import functional

# Both take the features and their target; a style loss also takes the image's area in pixels.
ContentLoss: TypeAlias = collections.abc.Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
StyleLoss: TypeAlias = collections.abc.Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
# The objective, and its terms by name.
Verdict: TypeAlias = tuple[tf.Tensor, dict[str, tf.Tensor]]


@dataclasses.dataclass(frozen=True)
class Weights:
    """Weights of the objective's terms and layers.

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
    """The objective of Johnson et al. 2016.

    It is content_weight * content + style_weight * style + tv_weight * tv.
    """

    def __init__(
        self,
        network: loss_network.LossNetwork,
        style_image: np.ndarray | collections.abc.Sequence[tuple[np.ndarray, float]],
        weights: Weights,
        *,
        content_loss: ContentLoss = functional.content_loss,
        style_loss: StyleLoss = functional.style_loss,
    ) -> None:
        """Computes the style targets, once.

        Args:
            network: The loss network.
            style_image: The style image, float32 RGB [H, W, 3] in [0, 255], whose size determines
                that of the strokes; or several, each with its share of the style. The shares must
                not all be 0.
            weights: Weights of the terms and layers.
            content_loss: Content loss of one layer.
            style_loss: Style loss of one layer.
        """
        self.network = network
        self.weights = weights
        self._content_loss, self._style_loss = content_loss, style_loss
        layers = tuple(weights.style_layers)

        def targets(image: tf.Tensor) -> dict[str, tf.Tensor]:
            features = network(image[tf.newaxis], layers)
            return {layer: functional.gram_matrix(features[layer]) for layer in layers}

        shares = [(style_image, 1.0)] if isinstance(style_image, np.ndarray) else style_image
        total = sum(share for _, share in shares)
        compute = tf.function(targets, autograph=False)
        grams = [(compute(tf.constant(image, tf.float32)), share) for image, share in shares]
        # As arrays, the targets become constants of any graph that uses them. For several styles,
        # the loss to their mean Gram matrix differs from the weighted mean of their losses only
        # by a constant.
        self.style_targets = {
            layer: sum(gram[layer].numpy() * (share / total) for gram, share in grams)
            for layer in layers
        }

    def __call__(self, content: tf.Tensor, stylized: tf.Tensor) -> Verdict:
        """Computes the objective of stylized images.

        Args:
            content: The content images, float32 RGB [B, H, W, 3] in [0, 255].
            stylized: The stylized images, the same shape.

        Returns:
            The objective, and float32 scalars by name: "total"; the weighted terms "content",
            "style" and "tv"; the same terms unweighted under "unweighted/"; and the unweighted
            loss of each layer under "layers/", for example "layers/style/relu1_2".
        """
        return self._judge(self._goal(content), stylized)

    def towards(self, content: np.ndarray) -> collections.abc.Callable[[tf.Tensor], Verdict]:
        """Returns the objective for one photo, whose features are computed only once.

        Args:
            content: The photo, float32 RGB [H, W, 3] in [0, 255].

        Returns:
            A function that maps stylized images [1, H, W, 3] to the same results as calling this
            object with the photo and the stylized images.
        """
        goal = tf.function(self._goal, autograph=False)(tf.constant(content[np.newaxis]))
        return lambda stylized: self._judge(goal, stylized)

    def _goal(self, content: tf.Tensor) -> dict[str, tf.Tensor]:
        return self.network(tf.stop_gradient(content), tuple(self.weights.content_layers))

    def _judge(self, goal: dict[str, tf.Tensor], stylized: tf.Tensor) -> Verdict:
        weights = self.weights
        # Content and stylized images are not concatenated into one call: the content images need
        # no gradient, and no layer deeper than the deepest content layer.
        features = self.network(stylized, {*weights.content_layers, *weights.style_layers})
        shape = tf.shape(stylized)
        terms: dict[str, tf.Tensor] = {}
        unweighted = {"content": tf.constant(0.0), "style": tf.constant(0.0)}
        for layer, weight in weights.content_layers.items():
            loss = self._content_loss(features[layer], tf.stop_gradient(goal[layer]))
            terms[f"layers/content/{layer}"] = loss
            unweighted["content"] += weight * loss
        for layer, weight in weights.style_layers.items():
            area = shape[1] * shape[2]
            loss = self._style_loss(features[layer], self.style_targets[layer], area)
            terms[f"layers/style/{layer}"] = loss
            unweighted["style"] += weight * loss
        unweighted["tv"] = functional.total_variation(stylized)
        factors = {"content": weights.content, "style": weights.style, "tv": weights.tv}
        weighted = {name: factors[name] * unweighted[name] for name in unweighted}
        # Terms of weight 0 are reported but left out of the total, which saves their gradients.
        total = tf.add_n([loss for name, loss in weighted.items() if factors[name]])
        terms |= {f"unweighted/{name}": loss for name, loss in unweighted.items()}
        return total, {"total": total, **weighted, **terms}
