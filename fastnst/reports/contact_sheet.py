"""Contact sheets: pictures side by side, each labeled with its name, or as a labeled table."""

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


def render_table(
    pictures: collections.abc.Sequence[collections.abc.Sequence[np.ndarray | None]],
    rows: collections.abc.Sequence[str],
    columns: collections.abc.Sequence[str],
) -> np.ndarray:
    """Arranges pictures in a table with a label left of each row and above each column.

    Args:
        pictures: Rows of uint8 RGB [H, W, 3], all of the same size; None leaves a cell empty.
        rows: Label of each row.
        columns: Label of each column.

    Returns:
        The sheet, uint8 RGB [H, W, 3] on a white background.
    """
    height, width = next(cell for row in pictures for cell in row if cell is not None).shape[:2]
    cell_width, cell_height = width + _GAP, height + _GAP
    size = _LABEL + len(columns) * cell_width + _GAP, _LABEL + len(rows) * cell_height + _GAP
    sheet = Image.new("RGB", size, "white")
    for index, name in enumerate(columns):
        label = _label(name, width)
        sheet.paste(label, (_LABEL + _GAP + index * cell_width, 0))
    for index, name in enumerate(rows):
        label = Image.fromarray(label_on_the_left(name, height))
        sheet.paste(label, (0, _LABEL + _GAP + index * cell_height))
    for down, row in enumerate(pictures):
        for across, pixels in enumerate(row):
            if pixels is not None:
                place = _LABEL + _GAP + across * cell_width, _LABEL + _GAP + down * cell_height
                sheet.paste(Image.fromarray(pixels), place)
    return np.asarray(sheet)


def label_on_the_left(name: str, height: int) -> np.ndarray:
    """Draws the label of a row, to be read from below; uint8 RGB [`height`, W, 3]."""
    return np.asarray(_label(name, height).transpose(Image.Transpose.ROTATE_90))


def _label(name: str, length: int) -> Image.Image:
    """Draws a name in the middle of a strip, in smaller letters if it is too long.

    A margin on both sides keeps it apart from the label of the next picture.
    """
    strip = Image.new("RGB", (length, _LABEL), "white")
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(size=_LABEL * 0.6)
    needed = draw.textlength(name, font=font)
    room = max(1, length - 2 * _GAP)
    if needed > room:
        font = ImageFont.load_default(size=max(1.0, _LABEL * 0.6 * room / needed))
    draw.text((length / 2, _LABEL / 2), name, fill="black", font=font, anchor="mm")
    return strip
