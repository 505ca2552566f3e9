"""How the pictures of a network look: lattice, steadiness, rim, and the style at several scales.

None of these needs the optimization method, so they take seconds per photo.
"""

from __future__ import annotations

import collections.abc
from typing import Any, TypeAlias

import numpy as np

from fastnst import images
from fastnst.evaluation import lattice, measures

# Shorter sides, in pixels, of the photos that are stylized for each figure.
_SIDE, _RIM_SIDE, _LARGE_SIDE = 512, 256, 1024
# Pixels that the photo goes on for beyond the rim.
_RIM_MARGIN = 32
# Shorter sides that the large picture is looked at.
SCALES = (256, 512, 1024)
LAYER = "relu4_1"
# Photos are cropped to this ratio of sides, so that a panorama takes no longer than others.
_LONGEST = 1.5

LATTICE = "lattice"
OF_PAINTING = "lattice of the painting"
SHIFT = "change under a shift"
NOISE = "change under noise"
RIM = "rim"
DETAIL = "fine detail"


def gram_figure(scale: int) -> str:
    """Returns the name of the Gram distance of a large picture that is seen at a smaller size."""
    return f"Gram distance at {scale} px"


# Maps RGB [H, W, 3] in [0, 255] to its stylized version, float32 of the same shape.
Paint: TypeAlias = collections.abc.Callable[[np.ndarray], np.ndarray]


class Figures:
    """Collects the figures of one network in one style, photo by photo.

    Example:
        >>> figures = Figures(paint, paint_frame, style, grams)
        >>> figures.add(lambda side: images.read("photo.jpg", side))
        >>> figures.summary()["lattice"]
    """

    def __init__(
        self,
        paint: Paint,
        paint_frame: Paint,
        style: np.ndarray,
        grams: measures.GramDistance,
    ) -> None:
        """Measures nothing yet.

        Args:
            paint: Stylizes a photo.
            paint_frame: Stylizes a frame of a video, without the grain that photos receive, which
                would stay in place while the picture moves.
            style: The style image, RGB [H, W, 3] in [0, 255].
            grams: Distance from the style at `LAYER`.
        """
        self._paint, self._paint_frame = paint, paint_frame
        self._style, self._grams = style, grams
        self._lattices: list[float] = []
        self._rims: list[np.ndarray] = []
        self._values: dict[str, list[float]] = collections.defaultdict(list)

    def add(self, read: collections.abc.Callable[[int], np.ndarray]) -> None:
        """Stylizes a photo at several sizes, and measures the results.

        Args:
            read: Returns the photo with a shorter side of so many pixels, float32 RGB [H, W, 3] in
                [0, 255].
        """
        photo = _cropped(read(_SIDE))
        stylized = self._paint(photo)
        self._lattices += lattice.peaks(stylized, lattice.flat_areas(photo))
        contrast = max(float(self._style.std()), 1.0)
        self._values[SHIFT].append(measures.shift_change(self._paint_frame, photo) / contrast)
        frame = self._paint_frame(photo)
        self._values[NOISE].append(measures.noise_change(self._paint_frame, photo, frame))
        detail = measures.fine_detail(stylized) / max(measures.fine_detail(self._style), 1e-3)
        self._values[DETAIL].append(detail)
        self._rims.append(self._rim(_cropped(read(_RIM_SIDE + 2 * _RIM_MARGIN))))
        large = _cropped(read(_LARGE_SIDE))
        pictures = [images.to_uint8(picture) for picture in (large, self._paint(large))]
        for scale in SCALES:
            seen = [images.resize_shorter_side(picture, scale) for picture in pictures]
            self._values[gram_figure(scale)].append(self._grams(*seen)[LAYER])

    def _rim(self, photo: np.ndarray) -> np.ndarray:
        """Returns by how much more the rim differs if the photo ends there than if it goes on."""
        inner = slice(_RIM_MARGIN, -_RIM_MARGIN)
        alone = self._paint(np.ascontiguousarray(photo[inner, inner]))
        return measures.rim(alone) - measures.rim(self._paint(photo)[inner, inner])

    def summary(self) -> dict[str, Any]:
        """Summarizes the photos so far, for JSON.

        Returns:
            Numbers by name. The lattice is the mean over all flat areas, or None if no photo has
            any; the rim is the largest channel of the mean over the photos. All others are means
            over the photos.
        """
        of_painting = lattice.peaks(self._style, lattice.everywhere(self._style))
        return {
            "photos": len(self._rims),
            LATTICE: float(np.mean(self._lattices)) if self._lattices else None,
            OF_PAINTING: float(np.mean(of_painting)) if of_painting else None,
            **{name: float(np.mean(values)) for name, values in self._values.items()},
            RIM: float(np.abs(np.mean(self._rims, axis=0)).max()),
        }


def _cropped(photo: np.ndarray) -> np.ndarray:
    longest = int(_LONGEST * min(photo.shape[:2]))
    return np.ascontiguousarray(photo[:longest, :longest])
