"""The losses of an adversarial training between two domains (Zhu et al. 2017, "CycleGAN").

Discriminators return logits, of which each judges a patch. Pictures are RGB in [0, 255]; their
differences count in units of half that range, as in networks whose pictures are in [-1, 1].
"""

from __future__ import annotations

import tensorflow as tf

CROSS_ENTROPY, LEAST_SQUARES = KINDS = ("cross_entropy", "least_squares")
_HALF_RANGE = 127.5


def of_generator(made: tf.Tensor, kind: str = CROSS_ENTROPY) -> tf.Tensor:
    """Returns how well a discriminator tells generated pictures from real ones.

    Args:
        made: Its logits for generated pictures, float32 of any shape.
        kind: One of `KINDS`: the binary cross-entropy with "real" (Goodfellow et al. 2014), or
            the mean of (logit - 1)^2 (Mao et al. 2017).

    Returns:
        A float32 scalar.
    """
    return _distance(made, real=True, kind=kind)


def of_discriminator(real: tf.Tensor, made: tf.Tensor, kind: str = CROSS_ENTROPY) -> tf.Tensor:
    """Returns half the sum of a discriminator's losses for real and for generated pictures.

    The half slows it down against the generators.

    Args:
        real: Its logits for real pictures, float32 of any shape.
        made: Its logits for generated ones.
        kind: As in `of_generator`.

    Returns:
        A float32 scalar.
    """
    return 0.5 * (_distance(real, real=True, kind=kind) + _distance(made, real=False, kind=kind))


def difference(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Returns the mean absolute difference of pictures, from 0 to 2: of cycles and identities.

    Args:
        one: RGB [B, H, W, 3] in [0, 255].
        other: The same shape.
    """
    return tf.reduce_mean(tf.abs(one - other)) / _HALF_RANGE


def _distance(logits: tf.Tensor, *, real: bool, kind: str) -> tf.Tensor:
    """Returns the distance of logits from those of real, or of generated pictures."""
    if kind == LEAST_SQUARES:
        return tf.reduce_mean(tf.square(logits - float(real)))
    # -log(sigmoid(x)) is softplus(-x), and -log(1 - sigmoid(x)) is softplus(x).
    return tf.reduce_mean(tf.math.softplus(-logits if real else logits))
