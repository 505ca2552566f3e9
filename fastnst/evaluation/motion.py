"""Measures how steady painted videos are, on clips whose true motion is known."""

from __future__ import annotations

import collections.abc
import dataclasses
import itertools

import numpy as np
from PIL import Image

# Width of the border that is ignored, in pixels: what enters the frame has no earlier painting.
_BORDER = 32
# Deviation of the noise of the still clip, in levels of 255: that of a good camera indoors.
NOISE = 2.0
# Motion of the moving clip in each frame: pixels to the right and down, and magnification.
_PAN = (1.7, 0.6)
_ZOOM = 1.006

# Coefficients (a, b, c, d, e, f): a position (x, y) corresponds to (ax + by + c, dx + ey + f).
Affine = tuple[float, float, float, float, float, float]


@dataclasses.dataclass(frozen=True)
class Clip:
    """A clip made from a photo.

    Attributes:
        frames: uint8 RGB [H, W, 3] each.
        steps: Where each position of a frame was in the frame before, for all frames but the first.
    """

    frames: tuple[np.ndarray, ...]
    steps: tuple[Affine, ...]


def still(photo: np.ndarray, frames: int, noise: float = NOISE, seed: int = 0) -> Clip:
    """Makes a clip of a camera that stands still: the same photo, with new noise in each frame.

    Args:
        photo: uint8 RGB [H, W, 3].
        frames: Number of frames.
        noise: Standard deviation of the noise, in levels of 255.
        seed: Seed of the noise.
    """
    random = np.random.default_rng(seed)
    noisy = (photo + random.normal(0.0, noise, photo.shape) for _ in range(frames))
    return Clip(
        tuple(np.clip(np.rint(frame), 0, 255).astype(np.uint8) for frame in noisy),
        ((1.0, 0.0, 0.0, 0.0, 1.0, 0.0),) * (frames - 1),
    )


def pan_and_zoom(photo: np.ndarray, height: int, width: int, frames: int) -> Clip:
    """Makes a clip of a camera that pans over a photo and zooms in.

    Args:
        photo: uint8 RGB [H, W, 3], larger than the frames.
        height: Height of the frames.
        width: Width of the frames.
        frames: Number of frames.
    """
    image = Image.fromarray(photo)
    whole_height, whole_width = photo.shape[:2]
    # The center of the frames moves through that of the photo halfway.
    views = []
    for index in range(frames):
        scale = _ZOOM**-index
        position = index - (frames - 1) / 2
        left = whole_width / 2 + position * _PAN[0] - scale * width / 2
        top = whole_height / 2 + position * _PAN[1] - scale * height / 2
        views.append((scale, 0.0, left, 0.0, scale, top))
    return Clip(
        tuple(_transformed(image, (height, width), view) for view in views),
        tuple(_between(now, before) for before, now in itertools.pairwise(views)),
    )


def warp_error(painted: collections.abc.Sequence[np.ndarray], clip: Clip) -> float:
    """Measures how much painted frames change beyond the motion.

    Args:
        painted: The painted frames of a clip, uint8 RGB [H, W, 3] each, larger than 64 x 64.
        clip: The clip.

    Returns:
        The mean absolute difference, in levels of 255, between each painted frame and the one
        before, moved along the true motion. A border of 32 pixels is ignored.
    """
    inner = slice(_BORDER, -_BORDER)
    errors = []
    for before, now, step in zip(painted, painted[1:], clip.steps, strict=False):
        moved = _transformed(Image.fromarray(before), now.shape[:2], step)
        errors.append(np.abs(now.astype(np.float32) - moved)[inner, inner].mean())
    return float(np.mean(errors))


def detail(painted: collections.abc.Sequence[np.ndarray]) -> float:
    """Returns the mean difference of neighboring pixels, in levels of 255: less if blurred."""
    return float(
        np.mean([np.abs(np.diff(frame.astype(np.float32), axis=1)).mean() for frame in painted])
    )


def _transformed(image: Image.Image, size: tuple[int, int], view: Affine) -> np.ndarray:
    """Returns the view of an image through a frame of (height, width)."""
    height, width = size
    moved = image.transform((width, height), Image.Transform.AFFINE, view, Image.Resampling.BICUBIC)
    return np.asarray(moved)


def _between(now: Affine, before: Affine) -> Affine:
    """Returns where the positions of one view were in another; views neither turn nor shear."""
    return (
        now[0] / before[0], 0.0, (now[2] - before[2]) / before[0],
        0.0, now[4] / before[4], (now[5] - before[5]) / before[4],
    )  # fmt: skip
