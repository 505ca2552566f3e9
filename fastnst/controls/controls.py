"""The choices of a user about a painting, the same for commands, Python and video."""

from __future__ import annotations

import collections.abc
import dataclasses

import numpy as np

from fastnst import errors
from fastnst.controls import colors, masks, strokes

# Stronger grain covers the photo.
MOST_GRAIN = 64.0
# The grain's generator has 32 bits.
LAST_SEED = 2**32 - 1


@dataclasses.dataclass(frozen=True)
class Controls:
    """How to paint; None leaves a choice to the defaults.

    They take effect in this order: the grain is added to the photo; the photo is painted in the
    styles with their strength, in one pass or several for the strokes; the painting receives its
    colors; and the photo returns where no style is wanted.

    Attributes:
        style: A style's name, or a blend such as "wave:0.6,candy:0.4".
        strength: From 0 (the photo itself) through 1 (the style as trained) to 1.5.
        stroke: Size of the strokes, from 0.5 to 8 times as trained, or "auto" for strokes that fit
            the picture's size.
        colors: "style"; "photo", which takes only the brightness from the painting; a number from
            0 (style) to 1 (photo); or "match", which moves the painting's palette to the photo's.
        masks: Style or blend to mask, [H, W]: bool, float in 0..1 or uint8 in 0..255; "photo"
            keeps the photo. The rest is painted in `style`, or is the photo if there is none.
        grain: Standard deviation of the grain that is added to the photo, in levels of 255.
        seed: Seed of the grain, from 0 to 2^32 - 1; the same seed makes the same picture.
    """

    style: str | None = None
    strength: float | None = None
    stroke: float | str | None = None
    colors: float | str | None = None
    masks: collections.abc.Mapping[str, np.ndarray] | None = None
    grain: float | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        """Checks the choices that do not depend on the model.

        Raises:
            UserError: If one is impossible; the message says what is allowed.
        """
        strokes.parse(self.stroke)
        colors.parse(self.colors)
        for style, mask in (self.masks or {}).items():
            masks.check(mask, style)
        if self.grain is not None and not 0.0 <= self.grain <= MOST_GRAIN:
            raise errors.UserError(
                f"grain {self.grain:g}: should be from 0 to {MOST_GRAIN:g} levels"
            )
        if self.seed is not None and not 0 <= self.seed <= LAST_SEED:
            raise errors.UserError(
                f"seed {self.seed}: should be a whole number from 0 to {LAST_SEED}"
            )

    @property
    def masked_styles(self) -> tuple[str, ...]:
        """The styles and blends that masks name."""
        return tuple(style for style in self.masks or {} if style != masks.PHOTO)

    def over(self, defaults: Controls) -> Controls:
        """Returns the same choices, with those of `defaults` where there are none."""
        chosen = {
            field.name: value
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) is not None
        }
        return dataclasses.replace(defaults, **chosen)
