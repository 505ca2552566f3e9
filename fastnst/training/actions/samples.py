"""Sample pictures: the outputs for the validation items at each validation."""

from __future__ import annotations

import collections.abc
from pathlib import Path

import numpy as np

from fastnst import events, images
from fastnst.reports import contact_sheet

# Number of validation items to show; the metrics are computed from all of them.
SHOWN = 6


class Samples:
    """Writes the pictures of a validation as step-000250.png, a row for each series of outputs."""

    def __init__(self, folder: Path) -> None:
        """Creates no files yet.

        Args:
            folder: Folder of the pictures.
        """
        self._folder = folder

    def __call__(self, event: events.Event) -> None:
        """Writes the pictures of a validation."""
        if isinstance(event, events.Judged) and (event.samples or event.outputs):
            images.write(self._folder / f"step-{event.step:06d}.png", grid(event))


def grid(event: events.Judged) -> np.ndarray:
    """Lays out the samples of a validation: a column for each item, a row for each series.

    Returns:
        uint8 RGB [H, W, 3]; several rows have their names on the left, and shorter ones end in
        white.
    """
    series = event.samples or event.outputs
    rows = [side_by_side(row[:SHOWN]) for row in series.values()]
    if len(rows) > 1:
        labels = [
            contact_sheet.label_on_the_left(name.replace("_", " "), len(row))
            for name, row in zip(series, rows, strict=True)
        ]
        rows = [np.concatenate(pair, axis=1) for pair in zip(labels, rows, strict=True)]
    widest = max(row.shape[1] for row in rows)
    return np.concatenate(
        [
            np.pad(row, [(0, 0), (0, widest - row.shape[1]), (0, 0)], constant_values=255)
            for row in rows
        ]
    )


def side_by_side(pictures: collections.abc.Sequence[np.ndarray]) -> np.ndarray:
    """Lays pictures out in a row, scaled to the smallest height among them.

    Args:
        pictures: uint8 RGB [H, W, 3] each.

    Returns:
        uint8 RGB [H, W, 3].
    """
    height = min(picture.shape[0] for picture in pictures)
    return np.concatenate(
        [
            images.resize(picture, height, round(picture.shape[1] * height / picture.shape[0]))
            for picture in pictures
        ],
        axis=1,
    )
