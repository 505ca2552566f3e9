"""Builds a sheet of bundled photos as models paint them.

    python -m tools.build_comparison img/guide/monet.jpg monet=models/monet

makes that of docs/translation.md.
"""

from __future__ import annotations

import argparse
import collections.abc
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

import fastnst
from fastnst import images
from fastnst.reports import contact_sheet

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ("mountains", "pagoda", "koala", "coffee", "astronaut")
# The networks see larger photos than the sheet shows, because they paint in strokes.
_SIZE = (384, 384)
_CELL = (208, 208)
_QUALITY = 75


def main(argv: collections.abc.Sequence[str] | None = None) -> int:
    """Builds the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sheet", type=Path, help="the file to write")
    parser.add_argument("models", nargs="+", metavar="LABEL=MODEL", help="a row of the sheet each")
    arguments = parser.parse_args(argv)
    photos = [_square(ROOT / "img" / "photos" / f"{name}.jpg") for name in PHOTOS]
    rows = {"photo": photos}
    for text in arguments.models:
        label, _, model = text.partition("=")
        stylizer = fastnst.load(model, "float32")
        rows[label] = [stylizer(photo) for photo in photos]
    cells = [[_reduced(picture) for picture in row] for row in rows.values()]
    sheet = contact_sheet.render_table(cells, list(rows), PHOTOS)
    images.write(arguments.sheet, sheet, quality=_QUALITY)
    return 0


def _square(path: Path) -> np.ndarray:
    with Image.open(path) as photo:
        return np.asarray(ImageOps.fit(photo.convert("RGB"), _SIZE, Image.Resampling.LANCZOS))


def _reduced(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize(_CELL, Image.Resampling.LANCZOS))


if __name__ == "__main__":
    sys.exit(main())
