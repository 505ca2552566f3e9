"""The objectives of others, by name: what they take for content and style, and how they weigh it.

How one's weights translate into another's is tabulated in docs/theory.md.
"""

from __future__ import annotations

import collections.abc
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.features import loss_network, matconvnet, vgg
from fastnst.losses import functional, perceptual

# What ships with the project is enough for it.
SHIPPED = "johnson"
# Less than the style loss of a photo by any painting; a photo in its own style has none.
_NEAREST = 1000.0
_FIRST_OF_EACH_BLOCK = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def _gram_distance(features: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """||G - T||_F^2 with our G, which has Gatys' 1 / (N M) in it; the mean over the batch."""
    distance = tf.reduce_sum(tf.square(functional.gram_matrix(features) - target))
    return distance / tf.cast(tf.shape(features)[0], tf.float32)


def half_square_content(features: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """1/2 sum (F - P)^2 (Gatys et al. 2015, equation 1), the mean over the batch.

    Args:
        features: Of the stylized images, [B, H, W, C].
        target: Of the content images, the same shape.
    """
    size = tf.cast(tf.size(target, tf.int64), tf.float32) / tf.cast(tf.shape(target)[0], tf.float32)
    return 0.5 * size * functional.content_loss(features, target)


def quarter_mean_content(features: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """1/(4 s) sum (F - P)^2, s being the size of P (the course CS 20 at Stanford).

    Args:
        features: Of the stylized images, [B, H, W, C].
        target: Of the content images, the same shape.
    """
    return 0.25 * functional.content_loss(features, target)


def quarter_style(features: tf.Tensor, target: tf.Tensor, image_area: tf.Tensor) -> tf.Tensor:
    """1/(4 N^2 M^2) sum (G - A)^2, N channels and M positions (Gatys et al. 2015, equation 4).

    Args:
        features: Of the stylized images, [B, H, W, C].
        target: Gram matrix of the style image, with 1 / (N M) in it, [C, C] or [1, C, C].
        image_area: Makes no difference.
    """
    return 0.25 * _gram_distance(features, target)


def mean_style(features: tf.Tensor, target: tf.Tensor, image_area: tf.Tensor) -> tf.Tensor:
    """1/N^2 sum (G - A)^2 with G = F^T F / (N M): the mean over the entries (Stylenet).

    Args:
        features: Of the stylized images, [B, H, W, C].
        target: Gram matrix of the style image, [C, C] or [1, C, C].
        image_area: Makes no difference.
    """
    channels = tf.cast(tf.shape(features)[-1], tf.float32)
    return _gram_distance(features, target) / channels**2


@dataclasses.dataclass(frozen=True)
class Variant:
    """An objective.

    Attributes:
        weights: Of its terms and layers.
        content_loss: Of one layer.
        style_loss: Of one layer.
        pooling: What the loss network takes to halve: "max" or "avg".
        pull: What the style weight makes the style term of the photo, as it is, where none is asked
            for; None for the weight in `weights`.
    """

    weights: perceptual.Weights
    content_loss: perceptual.ContentLoss
    style_loss: perceptual.StyleLoss
    pooling: str
    pull: float | None = None


VARIANTS = {
    # The layers are those that are trained with unless a conf says otherwise. No one style weight
    # would suit all styles: their distances from photos vary too much.
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
    # Content to style as 1e-3, of the two ratios in the paper.
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
    # Content to style as 1/20, of the two ratios in the course.
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
    # The regularisation weight of 100 counts every step twice.
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
}


def make_objective(
    name: str,
    photo: np.ndarray,
    styles: collections.abc.Sequence[tuple[np.ndarray, float]],
    path: Path,
    *,
    model: str = "vgg_16",
    pooling: str | None = None,
    asked: collections.abc.Mapping[str, float | None],
) -> perceptual.PerceptualLoss:
    """Makes the objective of a variant.

    Args:
        name: One of `VARIANTS`.
        photo: What is to be painted, float32 RGB [H, W, 3] in [0, 255].
        styles: Images of the same kind, each with its share in the style.
        path: The loss network: a checkpoint under slim's names, or a .mat of MatConvNet's.
        model: Which network it holds, one of `vgg.MODELS`.
        pooling: "max" or "avg"; None for the variant's.
        asked: Weights of "content", "style" and "tv"; None for the variant's.

    Raises:
        UserError: If all weights are 0, or the file is missing, unfit or too shallow.
    """
    variant = VARIANTS[name]
    given: dict[str, Any] = {term: weight for term, weight in asked.items() if weight is not None}
    weights = dataclasses.replace(variant.weights, **given)
    if not (weights.content or weights.style or weights.tv):
        raise errors.UserError("all weights are 0: nothing to paint for; give --style_weight")
    if path.suffix == ".mat":
        tensors, mean = matconvnet.read(path, model)
    else:
        tensors, mean = loss_network.load_weights(path, model), np.array(vgg.MEAN_RGB)
    try:
        network = loss_network.LossNetwork(
            tensors,
            [*weights.content_layers, *weights.style_layers],
            model=model,
            mean_rgb=mean.tolist(),
            pooling=pooling or variant.pooling,
        )
    except errors.UserError as error:
        hint = f", such as those of --variant {SHIPPED}" if name != SHIPPED else ""
        raise errors.UserError(f"--variant {name}: {error}{hint}") from None
    objective = perceptual.PerceptualLoss(
        network, styles, weights, content_loss=variant.content_loss, style_loss=variant.style_loss
    )
    if variant.pull and "style" not in given:
        images = tf.constant(photo[np.newaxis])
        distance = float(objective(images, images)[1]["unweighted/style"])
        style = variant.pull / max(distance, _NEAREST)
        objective.weights = dataclasses.replace(weights, style=style)
    return objective
