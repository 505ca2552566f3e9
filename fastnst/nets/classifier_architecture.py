"""The architecture of a classifier, which is stored in its description.

Nothing here needs TensorFlow, so that descriptions are read without it.
"""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

NETWORKS = ("mnist", "cifar10", "residual", "vgg_16", "vgg_19")
# Groups of channels that are normalized together.
GROUPS = 8


@dataclasses.dataclass(frozen=True)
class Architecture:
    """The shapes of a classifier, as model.json stores them.

    Attributes:
        network: One of `NETWORKS`.
        side: Height and width of its pictures, in pixels.
        channels: 1 for gray pictures, 3 for RGB.
        classes: Number of classes.
        width: Channels of the first convolution of `residual`.
        blocks: For VGG: convolutions and channels of each block that it has.
        mean: For VGG: the color to subtract from pictures, RGB in [0, 255].
    """

    NAME: ClassVar[str] = "classifier"

    network: str
    side: int
    channels: int
    classes: int
    width: int = 32
    blocks: tuple[tuple[int, int], ...] = ()
    mean: tuple[float, ...] = ()

    def check(self) -> None:
        """Checks values that come from a file.

        Raises:
            ValueError: If one is of another type, or impossible.
        """
        if self.network not in NETWORKS:
            raise ValueError(f"network: should be one of {', '.join(NETWORKS)}")
        for name, low, high in (
            ("side", 4, 4096),
            ("channels", 1, 3),
            ("classes", 2, 100_000),
            ("width", GROUPS, 1024),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise ValueError(f"{name}: should be a whole number from {low} to {high:,}")
        if self.channels == 2 or self.width % GROUPS:
            raise ValueError(f"channels: should be 1 or 3; width: a multiple of {GROUPS}")
        for numbers in self.blocks:
            if not all(type(number) is int and 0 < number <= 4096 for number in numbers):
                raise ValueError("blocks: should be pairs of a few convolutions and channels")
        if len(self.blocks) > 5 or any(repeats > 8 for repeats, _ in self.blocks):
            raise ValueError("blocks: should be at most 5, of at most 8 convolutions")
        if any(not math.isfinite(level) for level in self.mean):
            raise ValueError("mean: should be a color")
        if self.network.startswith("vgg") and (not self.blocks or len(self.mean) != 3):
            raise ValueError("blocks and mean: are missing")
