"""The Frechet distance between the patches of two sets of pictures.

It is the measure of Heusel et al. 2017 (FID), with features of our own loss network in place of
Inception's, and with patches in place of whole pictures. A few pictures have thousands of patches,
so that it can be computed from a handful of them. It is given in relation to the variance of the
patches to compare with. Values compare at one size and number of pictures only, and not with an FID
of other programs.
"""

from __future__ import annotations

import collections.abc
import dataclasses

import numpy as np
import tensorflow as tf

from fastnst.features import loss_network

# Its features depend on 40 x 40 pixels, which are some strokes, and have 256 channels.
LAYER = "relu3_3"
# Features of so many rows and columns are averaged to one patch, which makes it 16 pixels apart
# from the next, and its features nearly normal.
_CELL = 4


@dataclasses.dataclass(frozen=True)
class Moments:
    """The mean and the covariance of vectors.

    Attributes:
        mean: float64 [C].
        covariance: float64 [C, C].
    """

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray) -> Moments:
        """Returns the moments of vectors, [N, C], of which there are at least two."""
        vectors = np.asarray(vectors, np.float64)
        return cls(
            vectors.mean(axis=0), np.cov(vectors, rowvar=False).reshape(vectors.shape[1:] * 2)
        )


class Patches:
    """Computes the moments of the patches of pictures."""

    def __init__(self, network: loss_network.LossNetwork, layer: str = LAYER) -> None:
        """Computes nothing yet.

        Args:
            network: The loss network.
            layer: The layer whose features describe a patch.
        """
        self._compute = tf.function(
            lambda picture: self._describe(network(picture, [layer])[layer]),
            input_signature=[tf.TensorSpec([1, None, None, 3])],
            autograph=False,
        )

    @staticmethod
    def _describe(features: tf.Tensor) -> tf.Tensor:
        cells = tf.nn.avg_pool2d(tf.cast(features, tf.float32), _CELL, _CELL, "SAME")
        return tf.reshape(cells, [-1, features.shape[-1]])

    def __call__(self, pictures: collections.abc.Iterable[np.ndarray]) -> Moments:
        """Returns the moments of the patches of pictures, RGB [H, W, 3] in [0, 255] each."""
        batches = (tf.constant(picture[np.newaxis], tf.float32) for picture in pictures)
        return Moments.of(np.concatenate([self._compute(batch).numpy() for batch in batches]))


def frechet(one: Moments, other: Moments) -> float:
    """Returns |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Dowson and Landau 1982); 0 if equal.

    Args:
        one: Moments m1 and C1.
        other: Moments m2 and C2, of as many channels.
    """
    values, vectors = np.linalg.eigh(one.covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    # C1 C2 has the eigenvalues of the symmetric C1^(1/2) C2 C1^(1/2).
    joint = np.linalg.eigvalsh(root @ other.covariance @ root)
    shared = np.sqrt(np.maximum(joint, 0.0)).sum()
    spread = np.trace(one.covariance) + np.trace(other.covariance) - 2.0 * shared
    return float(np.square(one.mean - other.mean).sum() + max(spread, 0.0))


def relative(one: Moments, domain: Moments) -> float:
    """Returns the Frechet distance in units of the variance of a domain's patches; 0 if equal.

    Args:
        one: Moments of patches.
        domain: Those of the domain, of as many channels.
    """
    return frechet(one, domain) / float(np.trace(domain.covariance))
