"""Sample pictures: what the validation items look like as training goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fastnst import events, images

# Of the validation items, so many are shown; all of them are judged.
SHOWN = 6


class Samples:
    """Writes the validation's pictures as step-000250.png: a row for each series of outputs."""

    def __init__(self, folder: Path) -> None:
        """Creates no files yet; they will lie in `folder`."""
        self._folder = folder

    def __call__(self, event: events.Event) -> None:
        """Writes the pictures of a validation."""
        if isinstance(event, events.Judged) and event.outputs:
            images.write(self._folder / f"step-{event.step:06d}.png", grid(event))


def grid(event: events.Judged) -> np.ndarray:
    """Lays out the outputs of a validation: a column for each item, a row for each series.

    Returns:
        uint8 RGB [H, W, 3].
    """
    series = [pictures[:SHOWN] for pictures in event.outputs.values()]
    height = min(picture.shape[0] for picture in series[0])
    return np.concatenate(
        [
            np.concatenate([_scale_to_height(picture, height) for picture in row], axis=1)
            for row in series
        ]
    )


def _scale_to_height(pixels: np.ndarray, height: int) -> np.ndarray:
    return images.resize(pixels, height, round(pixels.shape[1] * height / pixels.shape[0]))
