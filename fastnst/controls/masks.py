"""Masks: which part of a photo is painted in which style."""

from __future__ import annotations

import collections.abc
import dataclasses
from pathlib import Path

import numpy as np

from fastnst import errors, images, planes

PHOTO = "photo"
# Largest difference of the aspect ratios of a mask and its photo.
_TOLERANCE = 0.02
# Longest side of the version in which the styles' shares of the picture are measured.
_OVERVIEW = 256


def read_all(texts: collections.abc.Sequence[str]) -> dict[str, np.ndarray]:
    """Reads masks given as `MASK.png=STYLE`; masks of the same style are added.

    Returns:
        Style or blend to mask, as in `read`.

    Raises:
        UserError: If a text has no file or no style, or a mask cannot be read.
    """
    found: dict[str, np.ndarray] = {}
    for text in texts:
        path, _, style = (part.strip() for part in text.rpartition("="))
        if not (path and style):
            raise errors.UserError(f"mask {text}: should be MASK.png=STYLE, as in sky.png=wave")
        mask = read(Path(path))
        if style in found:
            mask = np.minimum(images.resize_batch(found[style], *mask.shape) + mask, 1.0)
        found[style] = np.clip(mask, 0.0, 1.0)
    return found


def read(path: Path) -> np.ndarray:
    """Reads a mask from an image file: white where the style is painted, float32 [H, W] in [0, 1].

    A color picture counts by its luma; transparent pixels are black.

    Raises:
        UserError: If it cannot be read or is not an image.
    """
    picture = images.read_picture(path)
    values = images.luma(picture.pixels) / 255.0
    return values if picture.alpha is None else values * (picture.alpha.astype(np.float32) / 255.0)


def check(mask: np.ndarray, name: str) -> np.ndarray:
    """Returns a mask as float32 [H, W] in [0, 1].

    Args:
        mask: [H, W]: bool, float in 0..1, or uint8 in 0..255.
        name: The mask in error messages.

    Raises:
        UserError: If it has another shape or other values.
    """
    mask = np.asarray(mask)
    if mask.ndim != 2 or not mask.size:
        raise errors.UserError(f"mask of {name}: should have the shape [H, W], not {mask.shape}")
    if not (np.issubdtype(mask.dtype, np.number) or mask.dtype == bool):
        raise errors.UserError(f"mask of {name}: should hold numbers, found {mask.dtype}")
    values = mask.astype(np.float32, copy=False)
    if mask.dtype == np.uint8:
        values = values / np.float32(255.0)
    if not (values.min() >= 0.0 and values.max() <= 1.0):
        raise errors.UserError(
            f"mask of {name}: should hold uint8, or numbers from 0 to 1, found values from "
            f"{values.min():g} to {values.max():g}"
        )
    return values


@dataclasses.dataclass(frozen=True)
class Plan:
    """Which part of a picture is painted in which style.

    Attributes:
        styles: The styles or blends, K of them.
        masks: Style to mask, float32 [h, w] in [0, 1], each of its own size.
        rest: Style where the masks add up to less than 1; None for the photo.
    """

    styles: tuple[str, ...]
    masks: collections.abc.Mapping[str, np.ndarray]
    rest: str | None

    def shares(self, height: int, width: int) -> planes.Pixels:
        """Returns the styles' shares of a picture of this size.

        Returns:
            float32 [1, height, width, K]; the shares at a pixel add up to 1.
        """
        small = self._painted(*(min(size, _OVERVIEW) for size in (height, width)))
        # Where nothing is painted, there is still a style, because the next pass of large strokes
        # sees beyond the edge of a mask: that of the picture on average.
        average = planes.whole(small).mean(axis=(0, 1, 2)) + 1e-3
        fallback = 1e-6 * average / average.sum()

        def share(painted: np.ndarray) -> np.ndarray:
            shares = painted + fallback
            return shares / shares.sum(axis=-1, keepdims=True)

        return planes.combined(share, self._painted(height, width))

    def covered(self, height: int, width: int) -> planes.Pixels:
        """Returns how much of each pixel is painted; the rest is the photo.

        Returns:
            float32 [1, height, width, 1] in [0, 1].
        """

        def add(painted: np.ndarray) -> np.ndarray:
            return np.minimum(painted.sum(axis=-1, keepdims=True), 1.0)

        return planes.combined(add, self._painted(height, width), channels=1)

    def _painted(self, height: int, width: int) -> planes.Pixels:
        """Returns how much each style paints, float32 [1, height, width, K]."""
        scaled = [
            planes.resized(planes.Plane(mask[np.newaxis, :, :, np.newaxis]), height, width)
            for mask in self.masks.values()
        ]

        def share(*parts: np.ndarray) -> np.ndarray:
            found = {
                style: np.clip(part, 0.0, 1.0)
                for style, part in zip(self.masks, parts, strict=True)
            }
            total = np.sum(list(found.values()), axis=0)
            found = {style: mask / np.maximum(total, 1.0) for style, mask in found.items()}
            if self.rest is not None:
                found[self.rest] = found.get(self.rest, 0.0) + (1.0 - np.minimum(total, 1.0))
            return np.concatenate([found[style] for style in self.styles], axis=-1)

        return planes.combined(share, *scaled, channels=len(self.styles))


def fit(
    masks: collections.abc.Mapping[str, np.ndarray], rest: str | None, height: int, width: int
) -> Plan:
    """Checks that masks fit a picture; where they add up to more than 1, they share it.

    Args:
        masks: Style to mask, [h, w] as in `check`, in any size of the picture's aspect ratio. The
            style "photo" keeps the photo.
        rest: Style where the masks add up to less than 1; None for the photo.
        height: Height of the picture.
        width: Width of the picture.

    Raises:
        UserError: If a mask has another aspect ratio.
    """
    checked = {style: check(given, style) for style, given in masks.items()}
    for style, mask in checked.items():
        rows, columns = mask.shape
        # A rounded side may make a small mask's ratio differ by more than the tolerance.
        allowed = _TOLERANCE + 1.0 / rows + 1.0 / columns
        if abs(np.log(columns / rows * height / width)) > allowed:
            raise errors.UserError(
                f"mask of {style}: {columns} x {rows} pixels, but the photo has {width} x "
                f"{height}; give the mask the photo's aspect ratio"
            )
    named = [*checked, *([] if rest is None else [rest])]
    styles = tuple(style for style in dict.fromkeys(named) if style != PHOTO)
    return Plan(styles, checked, rest)
