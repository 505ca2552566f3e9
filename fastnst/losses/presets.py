"""The objectives of other implementations, by name: their layers, losses and weights.

docs/theory.md tabulates how to convert the weights of one into those of another.
"""

from __future__ import annotations

import collections.abc
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.features import loss_network, networks
from fastnst.losses import functional, perceptual

# The variant for which the layers in the project's own loss network file suffice.
SHIPPED = "johnson"
# Lower bound of the style loss that the weight is divided by. Photos exceed it for any painting,
# but the style loss of a photo in its own style is 0.
_MIN_DISTANCE = 1000.0
_FIRST_OF_EACH_BLOCK = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def _gram_distance(features: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Returns the batch mean of ||G - T||_F^2; our G already includes Gatys' 1 / (N M)."""
    distance = tf.reduce_sum(tf.square(functional.gram_matrix(features) - target))
    return distance / tf.cast(tf.shape(features)[0], tf.float32)


def half_square_content(features: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Returns the batch mean of 1/2 sum (F - P)^2 (Gatys et al. 2015, equation 1).

    Args:
        features: Features of the stylized images, [B, H, W, C].
        target: Features of the content images, the same shape.
    """
    size = tf.cast(tf.size(target, tf.int64), tf.float32) / tf.cast(tf.shape(target)[0], tf.float32)
    return 0.5 * size * functional.content_loss(features, target)


def quarter_mean_content(features: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Returns 1/(4 s) sum (F - P)^2, where s is the size of P (Stanford's course CS 20).

    Args:
        features: Features of the stylized images, [B, H, W, C].
        target: Features of the content images, the same shape.
    """
    return 0.25 * functional.content_loss(features, target)


def quarter_style(features: tf.Tensor, target: tf.Tensor, image_area: tf.Tensor) -> tf.Tensor:
    """Returns 1/(4 N^2 M^2) sum (G - A)^2 (Gatys et al. 2015, equation 4).

    N is the number of channels and M the number of positions.

    Args:
        features: Features of the stylized images, [B, H, W, C].
        target: Gram matrix of the style image, including 1 / (N M), [C, C] or [1, C, C].
        image_area: Ignored.
    """
    return 0.25 * _gram_distance(features, target)


def mean_style(features: tf.Tensor, target: tf.Tensor, image_area: tf.Tensor) -> tf.Tensor:
    """Returns 1/N^2 sum (G - A)^2 with G = F^T F / (N M), the mean over the entries (Stylenet).

    Args:
        features: Features of the stylized images, [B, H, W, C].
        target: Gram matrix of the style image, [C, C] or [1, C, C].
        image_area: Ignored.
    """
    channels = tf.cast(tf.shape(features)[-1], tf.float32)
    return _gram_distance(features, target) / channels**2


@dataclasses.dataclass(frozen=True)
class Variant:
    """The objective of one implementation.

    Attributes:
        weights: Weights of its terms and layers.
        content_loss: Content loss of one layer.
        style_loss: Style loss of one layer.
        pooling: Pooling of the loss network, "max" or "avg".
        mean_rgb: Color to subtract from pictures; None for the mean color of the loss network.
        pull: If set, the default style weight is chosen such that the style term of the unchanged
            photo has this value. If None, the default is the weight in `weights`.
    """

    weights: perceptual.Weights
    content_loss: perceptual.ContentLoss
    style_loss: perceptual.StyleLoss
    pooling: str
    mean_rgb: tuple[float, float, float] | None = None
    pull: float | None = None


VARIANTS = {
    # The default layers for training. No single style weight would suit all styles, because their
    # distances from photos vary too much.
    "johnson": Variant(
        perceptual.Weights(
            content=1.0,
            style=1.0,
            tv=0.0,
            content_layers={"relu3_3": 1.0},
            style_layers={"relu1_2": 10.0, "relu2_2": 1.0, "relu3_3": 0.3, "relu4_3": 400.0},
        ),
        functional.content_loss,
        functional.style_loss,
        pooling="max",
        pull=5e6,
    ),
    # A content to style ratio of 1e-3, one of the two in the paper.
    "gatys": Variant(
        perceptual.Weights(
            content=1.0,
            style=1000.0,
            tv=0.0,
            content_layers={"relu4_2": 1.0},
            style_layers=dict.fromkeys(_FIRST_OF_EACH_BLOCK, 0.2),
        ),
        half_square_content,
        quarter_style,
        pooling="avg",
    ),
    # A content to style ratio of 1/20, one of the two in the course.
    "cs20": Variant(
        perceptual.Weights(
            content=1.0,
            style=20.0,
            tv=0.0,
            content_layers={"relu4_2": 1.0},
            style_layers={layer: float(i) for i, layer in enumerate(_FIRST_OF_EACH_BLOCK, 1)},
        ),
        quarter_mean_content,
        quarter_style,
        pooling="avg",
    ),
    # Its weight of the total variation is 100, but its total variation is twice ours.
    "stylenet": Variant(
        perceptual.Weights(
            content=5.0,
            style=500.0,
            tv=200.0,
            content_layers={"relu4_2": 0.5, "relu5_2": 0.5},
            style_layers=dict.fromkeys(_FIRST_OF_EACH_BLOCK, 0.2),
        ),
        functional.content_loss,
        mean_style,
        pooling="max",
    ),
    # It writes l2_loss, which halves: 1/2 sum (F - P)^2, and 1/2 sum (G - A)^2 / (2 M^2 N^2).
    "notes": Variant(
        perceptual.Weights(
            content=7.0,
            style=400.0,
            tv=0.0,
            content_layers={"relu4_1": 1.0},
            style_layers=dict.fromkeys(_FIRST_OF_EACH_BLOCK, 0.2),
        ),
        half_square_content,
        quarter_style,
        pooling="max",
        mean_rgb=(128.0, 128.0, 128.0),
    ),
}


def make_variant(
    name: str,
    *,
    content_layers: collections.abc.Mapping[str, float] | None = None,
    style_layers: collections.abc.Mapping[str, float] | None = None,
    normalization: str | None = None,
) -> Variant:
    """Returns a variant, with some of its parts replaced.

    Args:
        name: One of `VARIANTS`.
        content_layers: Weight of each layer within the content loss; None for the variant's own.
        style_layers: Weight of each layer within the style loss; None for the variant's own.
        normalization: The variant whose losses of a layer to use; None for its own.
    """
    variant = VARIANTS[name]
    losses = VARIANTS[normalization or name]
    weights = dataclasses.replace(
        variant.weights,
        content_layers=content_layers or variant.weights.content_layers,
        style_layers=style_layers or variant.weights.style_layers,
    )
    return dataclasses.replace(
        variant, weights=weights, content_loss=losses.content_loss, style_loss=losses.style_loss
    )


def make_objective(
    name: str,
    photo: np.ndarray,
    styles: collections.abc.Sequence[tuple[np.ndarray, float]],
    path: Path,
    *,
    model: str = "vgg_16",
    pooling: str | None = None,
    asked: collections.abc.Mapping[str, float | None],
    **parts: Any,
) -> perceptual.PerceptualLoss:
    """Builds the objective of a variant.

    Args:
        name: One of `VARIANTS`.
        photo: The photo to stylize, float32 RGB [H, W, 3] in [0, 255].
        styles: Style images, float32 RGB [H, W, 3] in [0, 255], each with its share of the style.
        path: The loss network's file: a checkpoint with slim's variable names, or a .mat file of
            MatConvNet.
        model: The network in the file, one of `stacks.NAMES`.
        pooling: "max" or "avg"; None for the variant's own.
        asked: Weights of "content", "style" and "tv"; None for the variant's own.
        **parts: Layers and losses that replace the variant's own, as in `make_variant`.

    Raises:
        UserError: If all weights are 0, or if the file is missing or invalid or lacks a layer.
    """
    variant = make_variant(name, **parts)
    given: dict[str, Any] = {term: weight for term, weight in asked.items() if weight is not None}
    weights = dataclasses.replace(variant.weights, **given)
    if not (weights.content or weights.style or weights.tv):
        raise errors.UserError(
            "all weights are 0, so there is nothing to optimize; set --style_weight"
        )
    tensors, mean = networks.read_weights(path, model)
    try:
        network = loss_network.LossNetwork(
            tensors,
            [*weights.content_layers, *weights.style_layers],
            model=model,
            mean_rgb=variant.mean_rgb or mean,
            pooling=pooling or variant.pooling,
        )
    except errors.UserError as error:
        shallower = name != SHIPPED and not any(parts.values())
        hint = f", such as those of --variant {SHIPPED}" if shallower else ""
        raise errors.UserError(f"--variant {name}: {error}{hint}") from None
    objective = perceptual.PerceptualLoss(
        network, styles, weights, content_loss=variant.content_loss, style_loss=variant.style_loss
    )
    if variant.pull and "style" not in given:
        images = tf.constant(photo[np.newaxis])
        distance = float(objective(images, images)[1]["unweighted/style"])
        style = variant.pull / max(distance, _MIN_DISTANCE)
        objective.weights = dataclasses.replace(weights, style=style)
    return objective
