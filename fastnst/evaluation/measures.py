"""Figures of a stylized picture that no network is trained on: structure, colour, steadiness."""

from __future__ import annotations

import collections.abc

import numpy as np
import tensorflow as tf

from fastnst.features import loss_network
from fastnst.losses import functional

# ITU-R BT.601, which JPEG uses too.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def structure_kept(photo: np.ndarray, stylized: np.ndarray) -> float:
    """Structural similarity of the luma (Wang et al. 2004), 1 for the photo itself.

    Args:
        photo: RGB [H, W, 3] in 0..255, at least 11 x 11.
        stylized: The same shape.
    """
    one, two = (
        tf.constant(picture @ _LUMA, tf.float32)[..., tf.newaxis] for picture in (photo, stylized)
    )
    return float(tf.image.ssim(one, two, max_val=255.0))


def colour_distance(stylized: np.ndarray, style: np.ndarray) -> float:
    """How far the colours lie from those of the style, in levels of 255.

    The mean over the channels of the Wasserstein-1 distance of their histograms: by how much
    the level of a pixel must change, on average, to turn one histogram into the other.

    Args:
        stylized: RGB [H, W, 3] in 0..255.
        style: RGB of any size.
    """
    return float(np.abs(_quantiles(stylized) - _quantiles(style)).mean())


def _quantiles(picture: np.ndarray) -> np.ndarray:
    shares = (np.arange(256) + 0.5) / 256
    return np.quantile(picture.reshape(-1, 3), shares, axis=0, method="inverted_cdf")


class GramDistance:
    """Distance of Gram matrices at chosen layers, relative to how far the photo was."""

    def __init__(
        self,
        network: loss_network.LossNetwork,
        style: np.ndarray,
        layers: collections.abc.Sequence[str],
    ) -> None:
        """Computes the targets.

        Args:
            network: Gives the features.
            style: RGB [H, W, 3] in 0..255.
            layers: Best those that the objective does not look at.
        """
        self._layers = tuple(layers)
        self._grams = tf.function(
            lambda image: {
                layer: functional.gram_matrix(features)
                for layer, features in network(image, self._layers).items()
            },
            input_signature=[tf.TensorSpec([1, None, None, 3])],
            autograph=False,
        )
        self._targets = self._grams(_batch(style))

    def __call__(self, photo: np.ndarray, stylized: np.ndarray) -> dict[str, float]:
        """Gives ||G(stylized) - G(style)|| / ||G(photo) - G(style)|| (Frobenius) by layer.

        1 is as far from the style as the photo, 0 is the style itself.
        """
        before, after = self._grams(_batch(photo)), self._grams(_batch(stylized))
        return {
            layer: float(
                tf.norm(after[layer] - self._targets[layer])
                / tf.norm(before[layer] - self._targets[layer])
            )
            for layer in self._layers
        }


def shift_change(
    paint: collections.abc.Callable[[np.ndarray], np.ndarray], photo: np.ndarray
) -> float:
    """How much a painting changes where the photo moves by a pixel: what flickers in a video.

    Args:
        paint: From RGB [H, W, 3] in 0..255 to the same.
        photo: At least 80 x 80: a rim of 32 pixels, where the border plays in, is left out.

    Returns:
        The mean absolute difference, in levels of 255, between the painting of the moved photo
        and the moved painting of the photo.
    """
    here, moved = (paint(picture).astype(np.float32) for picture in (photo[:, :-1], photo[:, 1:]))
    difference = np.abs(here[:, 1:] - moved[:, :-1])
    return float(difference[32:-32, 32:-32].mean())


def _batch(picture: np.ndarray) -> tf.Tensor:
    return tf.constant(picture[np.newaxis], tf.float32)
