"""How the source of each objective searches: its optimizer, steps and first picture.

A table without imports of TensorFlow, so that `--help` can show it.
"""

from __future__ import annotations

import dataclasses

# The first pictures besides files: the photo; uniform noise; and the gray of 128 with faint noise.
INITS = ("content", "noise", "gray")


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
    "stylenet": Search("adam", 100, 10.0, "gray"),
    "notes": Search("adam", 1000, 10.0, "gray"),
}
