"""How the source of each objective searches: its optimizer, steps and first picture.

A table without imports of TensorFlow, so that `--help` can show it.
"""

from __future__ import annotations

import dataclasses

from fastnst.features import vgg

# First pictures of faint noise: the color, RGB in [0, 255], and the deviation from it. Both sources
# draw them around 0, after they have subtracted that color.
FAINT = {"gray": ((128.0, 128.0, 128.0), 1.0), "mean": (vgg.MEAN_RGB, 0.256)}
# The first pictures besides files: the photo, uniform noise, and those of `FAINT`.
INITS = ("content", "noise", *FAINT)


@dataclasses.dataclass(frozen=True)
class Search:
    """A way to search for a picture.

    Attributes:
        method: One of `descent.METHODS`.
        steps: Number of iterations.
        learning_rate: Learning rate of Adam, in levels of 255.
        init: The first picture, one of `INITS`.
    """

    method: str = "lbfgs"
    steps: int = 200
    learning_rate: float = 10.0
    init: str = "content"


# By the variants of `losses.presets`. Where a source leaves it to its readers, the choice is ours.
SEARCHES = {
    "johnson": Search(),
    "gatys": Search(),
    "cs20": Search(),
    "stylenet": Search("adam", 100, 10.0, "mean"),
    "notes": Search("adam", 1000, 10.0, "gray"),
}
