"""Metrics of stylized pictures that are not part of the objective: structure, color, stability."""

from __future__ import annotations

import collections.abc
import hashlib

import numpy as np
import tensorflow as tf

from fastnst import images
from fastnst.features import loss_network
from fastnst.losses import functional

# Deviation of the Gaussian that is subtracted to leave only fine detail, in pixels.
_FINE = 1.5
# Photos, of one size each, whose Gram matrices are kept: some 100 MB.
_PHOTOS_KEPT = 100


def structure_kept(photo: np.ndarray, stylized: np.ndarray) -> float:
    """Returns the structural similarity of the luma (Wang et al. 2004); 1 for the photo itself.

    Args:
        photo: RGB [H, W, 3] in [0, 255], at least 11 x 11 pixels.
        stylized: Its stylized version, of the same shape.
    """
    one, two = (tf.constant(images.luma(picture))[..., tf.newaxis] for picture in (photo, stylized))
    return float(tf.image.ssim(one, two, max_val=255.0))


def color_distance(stylized: np.ndarray, style: np.ndarray) -> float:
    """Returns the distance of a picture's colors from those of the style, in levels of 255.

    This is the Wasserstein-1 distance of the channels' histograms, averaged over the channels:
    the mean change of a pixel's level that turns one histogram into the other.

    Args:
        stylized: RGB [H, W, 3] in [0, 255].
        style: The style image, RGB [H, W, 3] in [0, 255], of any size.
    """
    return float(np.abs(_quantiles(stylized) - _quantiles(style)).mean())


def _quantiles(picture: np.ndarray) -> np.ndarray:
    shares = (np.arange(256) + 0.5) / 256
    return np.quantile(picture.reshape(-1, 3), shares, axis=0, method="inverted_cdf")


class Grams:
    """The Gram matrices of pictures at some layers of the loss network."""

    def __init__(
        self, network: loss_network.LossNetwork, layers: collections.abc.Sequence[str]
    ) -> None:
        """Computes nothing yet.

        Args:
            network: The loss network.
            layers: Names of its layers.
        """
        self.layers = tuple(layers)
        self._compute = tf.function(
            lambda image: {
                layer: functional.gram_matrix(features)
                for layer, features in network(image, self.layers).items()
            },
            input_signature=[tf.TensorSpec([1, None, None, 3])],
            autograph=False,
        )
        self._of_photos: dict[bytes, dict[str, tf.Tensor]] = {}

    def __call__(self, picture: np.ndarray) -> dict[str, tf.Tensor]:
        """Returns the Gram matrices of a picture, RGB [H, W, 3] in [0, 255], by layer."""
        return self._compute(tf.constant(picture[np.newaxis], tf.float32))

    def of_photo(self, photo: np.ndarray) -> dict[str, tf.Tensor]:
        """Returns the Gram matrices of a photo, which are kept: each style needs them again."""
        key = hashlib.sha256(f"{photo.dtype}{photo.shape}".encode() + photo.tobytes()).digest()
        if key in self._of_photos:
            return self._of_photos[key]
        found = self(photo)
        if len(self._of_photos) < _PHOTOS_KEPT:
            self._of_photos[key] = found
        return found


class GramDistance:
    """Distance of Gram matrices from the style's, relative to the photo's own distance."""

    def __init__(self, grams: Grams, style: np.ndarray) -> None:
        """Computes the style's Gram matrices.

        Args:
            grams: Computes Gram matrices, ideally at layers that the objective does not use.
            style: The style image, RGB [H, W, 3] in [0, 255].
        """
        self._grams = grams
        self._targets = grams(style)

    def __call__(self, photo: np.ndarray, stylized: np.ndarray) -> dict[str, float]:
        """Returns ||G(stylized) - G(style)|| / ||G(photo) - G(style)|| (Frobenius) by layer.

        The ratio is 1 for the photo itself and 0 for the style image.

        Args:
            photo: RGB [H, W, 3] in [0, 255].
            stylized: Its stylized version, in the same form.
        """
        before, after = self._grams.of_photo(photo), self._grams(stylized)
        return {
            layer: float(tf.norm(after[layer] - target) / tf.norm(before[layer] - target))
            for layer, target in self._targets.items()
        }


def shift_change(
    paint: collections.abc.Callable[[np.ndarray], np.ndarray], photo: np.ndarray
) -> float:
    """Measures how much the stylized photo changes if the photo shifts by a pixel, as in a video.

    Args:
        paint: Maps RGB [H, W, 3] in [0, 255] to the same shape and range.
        photo: RGB [H, W, 3] in [0, 255] of at least 80 x 80 pixels. A rim of 32 pixels is ignored,
            because the border influences it.

    Returns:
        The mean absolute difference, in levels of 255, between the shifted photo, stylized,
        and the stylized photo, shifted.
    """
    here, moved = (paint(picture).astype(np.float32) for picture in (photo[:, :-1], photo[:, 1:]))
    difference = np.abs(here[:, 1:] - moved[:, :-1])
    return float(difference[32:-32, 32:-32].mean())


def noise_change(
    paint: collections.abc.Callable[[np.ndarray], np.ndarray],
    photo: np.ndarray,
    stylized: np.ndarray,
    seed: int = 0,
) -> float:
    """Measures how much the stylized photo changes under noise as weak as a camera's.

    Args:
        paint: Maps RGB [H, W, 3] in [0, 255] to the same shape and range.
        photo: RGB [H, W, 3] in [0, 255].
        stylized: Its stylized version.
        seed: Seed of the noise, which has a standard deviation of 2 levels.

    Returns:
        The mean absolute difference, in levels of 255.
    """
    noise = np.random.default_rng(seed).normal(0.0, 2.0, photo.shape)
    noisy = np.clip(photo + noise, 0.0, 255.0).astype(np.float32)
    return float(np.abs(paint(noisy) - stylized).mean())


def fine_detail(picture: np.ndarray) -> float:
    """Measures the strokes of one to three pixels, which a blurred picture lacks.

    Args:
        picture: RGB [H, W, 3] in [0, 255].

    Returns:
        Standard deviation of the luma without its larger shapes, in levels of 255.
    """
    from scipy import ndimage

    bright = images.luma(picture)
    return float((bright - ndimage.gaussian_filter(bright, _FINE)).std())


def rim(stylized: np.ndarray) -> np.ndarray:
    """Returns how much the outermost 3 pixels differ from a band 16 to 24 pixels inside.

    Args:
        stylized: RGB [H, W, 3] in [0, 255], at least 50 x 50 pixels.

    Returns:
        The difference of the mean colors, float [3], in levels of 255.
    """
    return _ring(stylized, 0, 3) - _ring(stylized, 16, 24)


def _ring(picture: np.ndarray, outer: int, inner: int) -> np.ndarray:
    """Returns the mean color of the pixels that are `outer` to `inner` pixels from the border."""
    height, width = picture.shape[:2]
    inside = np.zeros((height, width), bool)
    inside[outer : height - outer, outer : width - outer] = True
    inside[inner : height - inner, inner : width - inner] = False
    return picture[inside].mean(axis=0, dtype=np.float64)
