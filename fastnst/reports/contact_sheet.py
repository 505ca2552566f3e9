"""Contact sheets: one photo in every style, side by side, each labeled with its name."""

from __future__ import annotations

import collections.abc
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_GAP = 8
_LABEL = 28


def render(
    pictures: collections.abc.Mapping[str, np.ndarray], columns: int | None = None
) -> np.ndarray:
    """Arranges pictures in a grid, each with its name below it.

    Args:
        pictures: uint8 RGB [H, W, 3] by name, all of the same size.
        columns: Pictures per row; None for a sheet that is approximately square.

    Returns:
        The sheet, uint8 RGB [H, W, 3] on a white background.
    """
    height, width = next(iter(pictures.values())).shape[:2]
    cell_width, cell_height = width + _GAP, height + _LABEL + _GAP
    if columns is None:
        columns = max(1, round(math.sqrt(len(pictures) * cell_height / cell_width)))
    columns = min(len(pictures), columns)
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * cell_width + _GAP, rows * cell_height + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=_LABEL * 0.6)
    for index, (name, pixels) in enumerate(pictures.items()):
        left = _GAP + index % columns * cell_width
        top = _GAP + index // columns * cell_height
        sheet.paste(Image.fromarray(pixels), (left, top))
        middle = (left + width / 2, top + height + _LABEL / 2)
        draw.text(middle, name, fill="black", font=font, anchor="mm")
    return np.asarray(sheet)
