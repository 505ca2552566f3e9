"""Changes a picture so that a network sees more in it: DeepDream (Mordvintsev et al. 2015).

The gradient of an objective is added to the picture, first at a small size, then at larger ones
(octaves), so that motifs of all sizes appear.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fastnst import errors, events, images
from fastnst.losses import dreams

# Smaller pictures have no positions left in the deep layers.
MIN_SIDE = 32
GRADIENTS = ("plain", "laplacian")
# Levels of the pyramid into which a gradient is split.
_LEVELS = 5


@dataclasses.dataclass(frozen=True)
class Options:
    """How to dream.

    Attributes:
        octaves: Number of sizes; fewer if the smallest would be below `smallest`.
        scale: Ratio of a size to the one before.
        step: Mean change of a pixel per iteration, in levels of 255.
        iterations: Iterations at each size.
        details: Whether the picture's own details return at each size: octaves of a Laplacian
            pyramid. Otherwise, pictures are only enlarged, which suits those that begin as noise.
        gradient: One of `GRADIENTS`: "laplacian" gives all sizes of motifs the same strength, which
            makes soft pictures of large shapes; "plain" is the gradient itself.
        tile: Side of the tiles in which gradients of large pictures are computed, in pixels.
        seed: Seed of the tiles' positions.
        smallest: Smallest side of a picture, in pixels.
    """

    octaves: int = 4
    scale: float = 1.4
    step: float = 1.5
    iterations: int = 10
    details: bool = True
    gradient: str = "plain"
    tile: int = 512
    seed: int = 0
    smallest: int = MIN_SIDE


class Octave(NamedTuple):
    """The iterations at one size.

    Attributes:
        size: Height and width in pixels.
        activities: The objective before each iteration.
    """

    size: tuple[int, int]
    activities: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Result:
    """A dream.

    Attributes:
        picture: float32 RGB [H, W, 3] in [0, 255], of the initial picture's size.
        interrupted: Whether Ctrl-C ended it early.
        octaves: The octaves that have begun, the smallest first.
    """

    picture: np.ndarray
    interrupted: bool
    octaves: tuple[Octave, ...] = ()


class Dreamer:
    """Dreams with one objective; its graph is traced once for all sizes.

    Example:
        >>> dreamer = Dreamer(dreams.activity(network, {"relu4_3": 1.0}, photo))
        >>> dreamer(photo).picture
    """

    def __init__(self, objective: dreams.Objective, options: Options | None = None) -> None:
        """Traces nothing yet.

        Args:
            objective: The function to maximize. It should be a mean over the positions, so that
                the tiles of a picture add up to it.
            options: How to dream.

        Raises:
            ValueError: If an option is impossible.
        """
        self.options = options or Options()
        if self.options.gradient not in GRADIENTS:
            raise ValueError(f"unknown gradient {self.options.gradient!r}")
        if self.options.scale <= 1 or min(self.options.octaves, self.options.tile) < 1:
            raise ValueError(f"impossible options: {self.options}")
        self._random = np.random.default_rng(self.options.seed)

        @tf.function(
            input_signature=[tf.TensorSpec([1, None, None, 3], tf.float32)], autograph=False
        )
        def climb(pictures: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(pictures)
                value = objective(pictures)
            return value, tape.gradient(value, pictures)

        self._climb = climb

    def __call__(
        self,
        picture: np.ndarray,
        on_event: events.Action = lambda event: None,
        *,
        show_every: int | None = None,
    ) -> Result:
        """Dreams from a picture.

        Args:
            picture: RGB [H, W, 3] in [0, 255].
            on_event: Receives a `Started`, a `Step` with the objective, as "activity", after each
                iteration, and a `Finished`; also the pictures to show.
            show_every: Emit a `Judged` with the picture after every so many iterations, at the
                size of its octave; None for never.

        Returns:
            The dream; after Ctrl-C, the one so far.

        Raises:
            UserError: If the picture is too small, the layer does not react to it, or memory runs
                out.
        """
        sizes = _sizes(picture, self.options)
        details = _pyramid(picture.astype(np.float32), sizes)
        total, done, interrupted = len(sizes) * self.options.iterations, 0, False
        on_event(events.Started(0, total, ("activity",), items="iterations"))
        dream = details[0]
        octaves: list[Octave] = []
        for number, (size, detail) in enumerate(zip(sizes, details, strict=True)):
            if number:
                dream = _resized(dream, detail.shape[:2])
                if self.options.details:
                    dream = dream + detail
            activities: list[float] = []
            try:
                for _ in range(0 if interrupted else self.options.iterations):
                    dream, activity = self._step(dream)
                    done += 1
                    activities.append(activity)
                    on_event(events.Step(done, total, recent=({"activity": activity},)))
                    if show_every and done % show_every == 0:
                        shown = images.to_uint8(dream)
                        on_event(events.Judged(done, {}, outputs={"picture": (shown,)}))
            except KeyboardInterrupt:
                interrupted = True
            if activities:
                octaves.append(Octave(size, tuple(activities)))
        on_event(events.Finished(done, total))
        return Result(np.clip(dream, 0.0, 255.0), interrupted, tuple(octaves))

    def _step(self, picture: np.ndarray) -> tuple[np.ndarray, float]:
        gradient, activity = self._gradient(picture)
        if self.options.gradient == "laplacian":
            gradient = _laplacian_normalized(gradient)
        size = float(np.abs(gradient).mean())
        if not math.isfinite(size) or size == 0.0:
            raise errors.UserError(
                "the objective does not react to the picture; choose another layer or channel"
            )
        return picture + gradient * (self.options.step / size), activity

    def _gradient(self, picture: np.ndarray) -> tuple[np.ndarray, float]:
        """Returns the gradient, computed in tiles, and the objective.

        The picture is rolled by a random shift first, so that what the seams of the tiles and the
        border add is spread over the whole picture.
        """
        height, width = picture.shape[:2]
        tile = self.options.tile
        shift = tuple(self._random.integers(0, (height, width)))
        rolled = np.roll(picture, shift, (0, 1))
        gradient, activity = np.empty_like(rolled), 0.0
        for rows in _parts(height, tile):
            for columns in _parts(width, tile):
                part = rolled[rows, columns]
                share = part.size / picture.size
                try:
                    value, found = self._climb(tf.constant(part[np.newaxis]))
                except tf.errors.ResourceExhaustedError:
                    raise errors.UserError(
                        f"out of memory at {width} x {height} px; choose a smaller --size"
                    ) from None
                gradient[rows, columns] = found[0].numpy() * share
                activity += float(value) * share
        return np.roll(gradient, (-shift[0], -shift[1]), (0, 1)), activity


def enlarged(picture: np.ndarray, rate: float) -> np.ndarray:
    """Enlarges the middle of a picture to the size of the whole.

    Args:
        picture: RGB [H, W, 3] in [0, 255].
        rate: Factor of the enlargement, at least 1.

    Returns:
        float32 RGB [H, W, 3].
    """
    margin = (1.0 - 1.0 / rate) / 2.0
    box = [[margin, margin, 1.0 - margin, 1.0 - margin]]
    crops = tf.image.crop_and_resize(
        picture[np.newaxis].astype(np.float32), box, [0], picture.shape[:2]
    )
    return np.asarray(crops[0])


def _sizes(picture: np.ndarray, options: Options) -> list[tuple[int, int]]:
    """Returns the size of each octave, the smallest first."""
    size = picture.shape[0], picture.shape[1]
    if min(size) < options.smallest:
        raise errors.UserError(
            f"{size[1]} x {size[0]} px is too small; each side should be at least "
            f"{options.smallest} px"
        )
    sizes = [size]
    while len(sizes) < options.octaves:
        size = round(size[0] / options.scale), round(size[1] / options.scale)
        if min(size) < options.smallest:
            break
        sizes.insert(0, size)
    return sizes


def _pyramid(picture: np.ndarray, sizes: list[tuple[int, int]]) -> list[np.ndarray]:
    """Splits a picture into the smallest size, and the details that each larger size adds."""
    details: list[np.ndarray] = []
    for smaller in reversed(sizes[:-1]):
        small = _resized(picture, smaller)
        details.insert(0, picture - _resized(small, picture.shape[:2]))
        picture = small
    return [picture, *details]


def _resized(picture: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    return np.asarray(tf.image.resize(picture, size, antialias=True))


def _parts(length: int, most: int) -> list[slice]:
    """Splits a side into equal parts of at most so many pixels."""
    count = -(-length // most)
    bounds = np.linspace(0, length, count + 1).round().astype(int)
    return [slice(begin, end) for begin, end in itertools.pairwise(bounds)]


def _laplacian_normalized(gradient: np.ndarray) -> np.ndarray:
    """Scales each level of a gradient's Laplacian pyramid, [H, W, 3], to a deviation of 1."""
    height, width = gradient.shape[:2]
    count = min(_LEVELS, min(height, width).bit_length() - 1)
    sizes = [(height >> level, width >> level) for level in reversed(range(count))]
    merged: np.ndarray = np.zeros([1, 1, 3], np.float32)
    for level in _pyramid(gradient, sizes):
        deviation = max(float(np.sqrt(np.mean(np.square(level)))), 1e-10)
        merged = _resized(merged, level.shape[:2]) + level / deviation
    return merged
