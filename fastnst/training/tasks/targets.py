"""The style images of a run, as the loss network sees them, in the run's folder.

The original program writes `target_style_<naming>.jpg` when a training begins.
"""

from __future__ import annotations

import collections.abc

import numpy as np

from fastnst import images
from fastnst.models import run_folder


def write(
    folder: run_folder.RunFolder,
    paintings: collections.abc.Mapping[str, collections.abc.Sequence[np.ndarray]],
) -> None:
    """Writes the paintings of each style: `target_style_<name>.jpg`.

    Several paintings of one style are numbered: `target_style_<name>-1.jpg`.

    Args:
        folder: The run's folder.
        paintings: float32 RGB [H, W, 3] in [0, 255] each, by name of the style.

    Raises:
        UserError: If they cannot be written.
    """
    for name, pictures in paintings.items():
        for number, picture in enumerate(pictures, start=1):
            suffix = f"-{number}" if len(pictures) > 1 else ""
            images.write(folder.path / f"target_style_{name}{suffix}.jpg", images.to_uint8(picture))
