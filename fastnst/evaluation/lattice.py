"""The lattice of a picture: how strongly small motifs repeat at a fixed distance in flat areas.

Networks with strides tend to draw the same motif at each cell of their grid, which fills skies with
wallpaper. The autocorrelation of such an area has a peak at the distance of the motifs.
"""

from __future__ import annotations

import collections.abc

import numpy as np

from fastnst import images

# Side of the areas, in pixels.
SIDE = 128
# Side of the transform: the shifts of an area against itself must not wrap around.
_PADDED = 2 * SIDE
# Larger shapes are composition, not lattice.
_SIGMA = 12.0
_NEAREST, _FARTHEST = 4.0, 30.0
# Mean gradient of the luma, in levels per pixel, up to which an area counts as flat.
_FLAT = 1.0


def flat_areas(photo: np.ndarray, count: int = 2) -> list[tuple[int, int]]:
    """Finds the flattest areas of a photo, such as its sky.

    Args:
        photo: RGB [H, W, 3] in [0, 255].
        count: Number of areas at most; they do not overlap.

    Returns:
        Top and left of each area of `SIDE` pixels; none if the photo is small or nowhere flat.
    """
    from scipy import ndimage

    luma = images.luma(photo)
    height, width = luma.shape
    if min(height, width) < SIDE:
        return []
    gradient = np.hypot(*np.gradient(ndimage.gaussian_filter(luma, 2.0)))
    # Means over the areas by their top left pixel: differences of a summed-area table.
    summed = np.pad(gradient, [[1, 0], [1, 0]]).cumsum(axis=0).cumsum(axis=1)
    rows = summed[SIDE:] - summed[:-SIDE]
    means = (rows[:, SIDE:] - rows[:, :-SIDE]) / SIDE**2
    found: list[tuple[int, int]] = []
    while len(found) < count and means.min() <= _FLAT:
        top, left = np.unravel_index(means.argmin(), means.shape)
        found.append((int(top), int(left)))
        means[max(0, top - SIDE + 1) : top + SIDE, max(0, left - SIDE + 1) : left + SIDE] = np.inf
    return found


def peaks(picture: np.ndarray, areas: collections.abc.Iterable[tuple[int, int]]) -> list[float]:
    """Measures how strongly small motifs repeat in some areas of a picture.

    Computes the autocorrelation of the luma without its larger shapes, and takes the highest local
    maximum at 4 to 30 pixels from the shift 0. Random texture reaches 0.1 to 0.2 by chance.

    Args:
        picture: RGB [H, W, 3] in [0, 255].
        areas: Top and left of each area of `SIDE` pixels.

    Returns:
        A number for each area: 0 means that no distance is preferred, 1 that the same motif repeats
        exactly.
    """
    from scipy import ndimage

    luma = images.luma(picture)
    detail = luma - ndimage.gaussian_filter(luma, _SIGMA)
    window = np.outer(np.hanning(SIDE), np.hanning(SIDE))
    # The window lowers the correlation at a distance; its own autocorrelation says by how much.
    expected = np.maximum(_correlate(window), 1e-3)
    rows, columns = np.indices(expected.shape) - _PADDED // 2
    distance = np.hypot(rows, columns)
    considered = (distance >= _NEAREST) & (distance <= _FARTHEST)
    found = []
    for top, left in areas:
        area = detail[top : top + SIDE, left : left + SIDE]
        correlation = _correlate((area - area.mean()) * window) / expected
        maxima = correlation[considered & (ndimage.maximum_filter(correlation, 3) == correlation)]
        found.append(float(maxima.max(initial=0.0)))
    return found


def everywhere(picture: np.ndarray) -> list[tuple[int, int]]:
    """Lists areas that cover a picture, each overlapping the next by a quarter.

    Args:
        picture: [H, W, 3].

    Returns:
        Top and left of each area of `SIDE` pixels; none if the picture is smaller.
    """
    tops, lefts = (range(0, side - SIDE + 1, SIDE * 3 // 4) for side in picture.shape[:2])
    return [(top, left) for top in tops for left in lefts]


def _correlate(area: np.ndarray) -> np.ndarray:
    power = np.abs(np.fft.fft2(area, (_PADDED, _PADDED))) ** 2
    correlation = np.fft.fftshift(np.fft.ifft2(power).real)
    return correlation / max(correlation.max(), 1e-12)
