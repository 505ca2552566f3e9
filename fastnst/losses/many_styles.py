"""The objective of a network of several styles, of which each step trains one."""

from __future__ import annotations

import collections.abc
import itertools

import numpy as np
import tensorflow as tf

from fastnst.losses import functional, perceptual

# Weight of the mean squared difference from the photo, for the row that reproduces it. At a
# difference of about 20 levels of 255, the weighted term equals the content loss.
_PIXEL_WEIGHT = 100.0


class ManyStyles:
    """Computes the objective of a picture for its style.

    A tensor selects the style, so that all styles share one graph.
    """

    def __init__(
        self, styles: collections.abc.Sequence[perceptual.PerceptualLoss], *, identity: bool
    ) -> None:
        """Stacks the style targets and weights.

        Args:
            styles: Objectives that share one loss network and use the losses of
                `losses.functional`.
            identity: Whether to add the photo itself as the last style.
        """
        self._network = styles[0].network
        weights = [style.weights for style in styles]
        self._content_layers = _union(w.content_layers for w in weights)
        self._style_layers = _union(w.style_layers for w in weights)

        def stack(rows: list[list[float]], of_photo: list[float]) -> np.ndarray:
            return np.array(rows + [of_photo] * identity, np.float32)

        def by_layer(
            factor: float, chosen: collections.abc.Mapping[str, float], layers: tuple[str, ...]
        ) -> list[float]:
            return [factor * chosen.get(layer, 0.0) for layer in layers]

        # Float32 [styles, layers].
        self._content_weights = stack(
            [by_layer(w.content, w.content_layers, self._content_layers) for w in weights],
            by_layer(1.0, weights[0].content_layers, self._content_layers),
        )
        self._style_weights = stack(
            [by_layer(w.style, w.style_layers, self._style_layers) for w in weights],
            [0.0] * len(self._style_layers),
        )
        # Float32 [styles].
        self._tv_weights = stack([[w.tv] for w in weights], [0.0])[:, 0]
        self._pixel_weights = stack([[0.0] for _ in weights], [_PIXEL_WEIGHT])[:, 0]
        self._targets = {
            layer: self._stack_targets(layer, styles, identity) for layer in self._style_layers
        }

    @staticmethod
    def _stack_targets(
        layer: str, styles: collections.abc.Sequence[perceptual.PerceptualLoss], identity: bool
    ) -> np.ndarray:
        """Stacks the Gram matrices of a layer, float32 [styles, C, C]; zeros where unused."""
        found = [style.style_targets.get(layer) for style in styles] + [None] * identity
        shape = next(target.shape[-2:] for target in found if target is not None)
        zeros = np.zeros(shape, np.float32)
        return np.stack([zeros if t is None else t.reshape(shape) for t in found])

    def __call__(
        self, content: tf.Tensor, stylized: tf.Tensor, style: tf.Tensor
    ) -> perceptual.Verdict:
        """Computes the objective of stylized images in one style.

        Args:
            content: The photos, float32 RGB [B, H, W, 3] in [0, 255].
            stylized: Their stylized versions, of the same shape.
            style: Index of their style, an integer scalar; the index after the last style is the
                photo itself.

        Returns:
            The objective, and float32 scalars by name: "total", "content", "style", "tv" and, if
            the photo is one of the styles, "pixels".
        """
        layers = (*self._content_layers, *self._style_layers)
        goal = self._network(tf.stop_gradient(content), self._content_layers)
        features = self._network(stylized, {*layers})
        shape = tf.shape(stylized)

        content_losses = [
            functional.content_loss(features[layer], tf.stop_gradient(goal[layer]))
            for layer in self._content_layers
        ]
        style_losses = [
            functional.style_loss(
                features[layer], tf.gather(self._targets[layer], style), shape[1] * shape[2]
            )
            for layer in self._style_layers
        ]
        terms = {
            "content": _weighted(content_losses, self._content_weights, style),
            "style": _weighted(style_losses, self._style_weights, style),
            "tv": tf.gather(self._tv_weights, style) * functional.total_variation(stylized),
        }
        if self._pixel_weights.any():
            difference = tf.reduce_mean(tf.square(stylized - content))
            terms["pixels"] = tf.gather(self._pixel_weights, style) * difference
        total = tf.add_n(list(terms.values()))
        return total, {"total": total, **terms}


def _weighted(losses: list[tf.Tensor], weights: np.ndarray, style: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.stack(losses) * tf.gather(weights, style))


def _union(layers: collections.abc.Iterable[collections.abc.Iterable[str]]) -> tuple[str, ...]:
    """Returns all layers without duplicates, in order of appearance."""
    return tuple(dict.fromkeys(itertools.chain.from_iterable(layers)))
