"""The colors of a painting: its own, the photo's, or a mix (Gatys et al. 2016).

"Preserving Color in Neural Artistic Style Transfer" describes both ways to keep the colors of a
photo: luminance-only transfer, and histogram matching. There, the style image is changed before
the transfer. A trained network has its style inside, so the painting is changed instead.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from fastnst import errors, images

STYLE, PHOTO, MATCH = "style", "photo", "match"
# Variance, in squared levels, that keeps the palette of a gray painting invertible.
_LEAST_VARIANCE = 1.0


def parse(text: str | float | None) -> str | float:
    """Parses a choice of colors.

    Args:
        text: "style", "photo", "match", or a number from 0 (style) to 1 (photo), also as text;
            None for "style".

    Returns:
        "match", or the number.

    Raises:
        UserError: If it is something else.
    """
    if text == MATCH:
        return MATCH
    try:
        share = float({None: 0.0, STYLE: 0.0, PHOTO: 1.0}.get(text, text))  # type: ignore[arg-type]
        if not 0.0 <= share <= 1.0:
            raise ValueError
    except (TypeError, ValueError):
        raise errors.UserError(
            f"colors {text}: should be {STYLE}, {PHOTO}, {MATCH}, or a number from 0 ({STYLE}) to "
            f"1 ({PHOTO})"
        ) from None
    return share


@dataclasses.dataclass(frozen=True)
class Palette:
    """The sums from which the mean and covariance of an image's colors are computed.

    The sums of parts can be added.

    Attributes:
        weight: Sum of the pixels' weights.
        total: Weighted sum of the colors, float64 [3].
        products: Weighted sum of their outer products, float64 [3, 3].
    """

    weight: float
    total: np.ndarray
    products: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray, weights: np.ndarray | None = None) -> Palette:
        """Measures an image.

        Args:
            image: RGB [H, W, 3] in [0, 255].
            weights: How much each pixel counts, [H, W]; None for the same.
        """
        colors = image.reshape(-1, 3).astype(np.float64)
        weighted = colors if weights is None else colors * weights.reshape(-1, 1)
        total = float(len(colors) if weights is None else weights.sum(dtype=np.float64))
        return cls(total, weighted.sum(axis=0), weighted.T @ colors)

    def __add__(self, other: Palette) -> Palette:
        """Returns the palette of both parts together."""
        return Palette(
            self.weight + other.weight, self.total + other.total, self.products + other.products
        )

    @property
    def mean(self) -> np.ndarray:
        """The mean color, float64 [3]."""
        return self.total / self.weight

    @property
    def covariance(self) -> np.ndarray:
        """The covariance of the channels, float64 [3, 3]."""
        return self.products / self.weight - np.outer(self.mean, self.mean)

    @property
    def luma(self) -> tuple[float, float]:
        """Mean and standard deviation of the luma."""
        variance = images.LUMA @ self.covariance @ images.LUMA
        return float(self.mean @ images.LUMA), float(np.sqrt(max(variance, 0.0)))


def apply(
    painting: np.ndarray, photo: np.ndarray, colors: str | float, own: Palette, wanted: Palette
) -> np.ndarray:
    """Gives a painting, or a part of it, the colors of the photo, in part or entirely.

    Args:
        painting: float32 RGB [H, W, 3] in [0, 255].
        photo: The photo that was painted, the same.
        colors: As returned by `parse`.
        own: Palette of the whole painting.
        wanted: Palette of the whole photo.

    Returns:
        float32 RGB of the same shape, in [0, 255].
    """
    if isinstance(colors, str):
        return match(painting, own, wanted)
    if colors == 0.0:
        return painting
    kept = keep_photos(painting, photo, own, wanted)
    return kept if colors == 1.0 else painting + np.float32(colors) * (kept - painting)


def keep_photos(
    painting: np.ndarray, photo: np.ndarray, own: Palette, wanted: Palette
) -> np.ndarray:
    """Takes luma from the painting and chroma from the photo (luminance-only transfer).

    The painting's luma is first brought to the mean of the photo's, and to its deviation:

        Y' = std(Y_photo) / std(Y_painting) * (Y_painting - mean(Y_painting)) + mean(Y_photo)

    Unlike the paper, the deviation is never raised: that would burn out the highlights of photos
    with much sky, whose deviation is that between sky and ground.

    Args:
        painting: float32 RGB [H, W, 3] in [0, 255].
        photo: The same.
        own: Palette of the whole painting.
        wanted: Palette of the whole photo.

    Returns:
        float32 RGB of the same shape, in [0, 255].
    """
    (mean, deviation), (new_mean, new_deviation) = own.luma, wanted.luma
    gain = min(new_deviation / max(deviation, 1e-3), 1.0)
    luma = (images.luma(painting) - np.float32(mean)) * np.float32(gain) + np.float32(new_mean)
    return np.clip(photo + (luma - images.luma(photo))[..., np.newaxis], 0.0, 255.0)


def match(painting: np.ndarray, own: Palette, wanted: Palette) -> np.ndarray:
    """Moves the painting's palette to the photo's: histogram matching by a linear map.

    The map gives the colors of the painting the mean and covariance of the photo's:

        x' = S_photo^(1/2) S_painting^(-1/2) (x - mean(x_painting)) + mean(x_photo)

    Args:
        painting: float32 RGB [H, W, 3] in [0, 255].
        own: Palette of the whole painting.
        wanted: Palette of the whole photo.

    Returns:
        float32 RGB of the same shape, in [0, 255].
    """
    inverse = _power(own.covariance + _LEAST_VARIANCE * np.eye(3), -0.5)
    turn = (_power(wanted.covariance, 0.5) @ inverse).T.astype(np.float32)
    moved = (painting - own.mean.astype(np.float32)) @ turn + wanted.mean.astype(np.float32)
    return np.clip(moved, 0.0, 255.0)


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """Raises a symmetric matrix without negative eigenvalues to a power."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 0.0) ** exponent) @ vectors.T
