"""The colors of a painting: its own, the photo's, or a mix (Gatys et al. 2016).

"Preserving Color in Neural Artistic Style Transfer" describes both ways to keep the colors of a
photo: luminance-only transfer, and histogram matching. There, the style image is changed before
the transfer. A trained network has its style inside, so the painting is changed instead.
"""

from __future__ import annotations

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


def apply(
    painting: np.ndarray,
    photo: np.ndarray,
    colors: str | float,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Gives a painting the colors of the photo, in part or entirely.

    Args:
        painting: float32 RGB [H, W, 3] in [0, 255].
        photo: The photo that was painted, the same.
        colors: As returned by `parse`.
        weights: The pixels that count for means and deviations, float32 [H, W]; None for all.

    Returns:
        float32 RGB of the same shape, in [0, 255].
    """
    if isinstance(colors, str):
        return match(painting, photo, weights)
    if colors == 0.0:
        return painting
    kept = keep_photos(painting, photo, weights)
    return kept if colors == 1.0 else painting + np.float32(colors) * (kept - painting)


def keep_photos(
    painting: np.ndarray, photo: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Takes luma from the painting and chroma from the photo (luminance-only transfer).

    The painting's luma is first brought to the mean of the photo's, and to its deviation:

        Y' = std(Y_photo) / std(Y_painting) * (Y_painting - mean(Y_painting)) + mean(Y_photo)

    Unlike the paper, the deviation is never raised: that would burn out the highlights of photos
    with much sky, whose deviation is that between sky and ground.

    Args:
        painting: float32 RGB [H, W, 3] in [0, 255].
        photo: The same.
        weights: The pixels that count, float32 [H, W]; None for all.

    Returns:
        float32 RGB of the same shape, in [0, 255].
    """
    own, wanted = images.luma(painting), images.luma(photo)
    (mean, deviation), (new_mean, new_deviation) = (
        _moments(luma, weights) for luma in (own, wanted)
    )
    gain = min(new_deviation / max(deviation, 1e-3), 1.0)
    luma = (own - mean) * np.float32(gain) + np.float32(new_mean)
    return np.clip(photo + (luma - wanted)[..., np.newaxis], 0.0, 255.0)


def match(painting: np.ndarray, photo: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Moves the painting's palette to the photo's: histogram matching by a linear map.

    The map gives the colors of the painting the mean and covariance of the photo's:

        x' = S_photo^(1/2) S_painting^(-1/2) (x - mean(x_painting)) + mean(x_photo)

    Args:
        painting: float32 RGB [H, W, 3] in [0, 255].
        photo: The same.
        weights: The pixels that count, float32 [H, W]; None for all.

    Returns:
        float32 RGB of the same shape, in [0, 255].
    """
    (mean, own), (new_mean, wanted) = (_covariance(image, weights) for image in (painting, photo))
    turn = _power(wanted, 0.5) @ _power(own + _LEAST_VARIANCE * np.eye(3), -0.5)
    moved = (painting - mean) @ turn.T.astype(np.float32) + new_mean
    return np.clip(moved, 0.0, 255.0)


def _moments(values: np.ndarray, weights: np.ndarray | None) -> tuple[float, float]:
    mean = np.average(values, weights=weights)
    return float(mean), float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))


def _covariance(image: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    colors = image.reshape(-1, 3)
    chosen = None if weights is None else weights.reshape(-1)
    mean = np.average(colors, axis=0, weights=chosen).astype(np.float32)
    return mean, np.cov(colors, rowvar=False, bias=True, aweights=chosen)


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """Raises a symmetric matrix without negative eigenvalues to a power."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 0.0) ** exponent) @ vectors.T
