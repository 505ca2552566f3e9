"""Paints one of the original style images: `python -m tools.styles candy`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

import numpy as np

from tools.styles import (
    brush,
    candy,
    comic,
    cubist,
    feathers,
    glass,
    gold,
    ink,
    mosaic,
    pencil,
    points,
    poster,
    watercolor,
    woodcut,
)

PAINTERS: dict[str, Callable[..., np.ndarray]] = {
    "candy": candy.paint,
    "comic": comic.paint,
    "cubist": cubist.paint,
    "feathers": feathers.paint,
    "glass": glass.paint,
    "gold": gold.paint,
    "ink": ink.paint,
    "mosaic": mosaic.paint,
    "pencil": pencil.paint,
    "points": points.paint,
    "poster": poster.paint,
    "watercolor": watercolor.paint,
    "woodcut": woodcut.paint,
}
SMALLEST = 64


def main(argv: Sequence[str] | None = None) -> int:
    """Paints the chosen picture and prints its path."""
    parser = argparse.ArgumentParser(prog="python -m tools.styles", description=__doc__)
    parser.add_argument("style", choices=PAINTERS)
    parser.add_argument(
        "-o", "--out", metavar="FILE", help="JPEG to write (default: img/STYLE.jpg)"
    )
    parser.add_argument(
        "--size", type=int, default=768, help="shorter side in pixels (default: 768)"
    )
    parser.add_argument(
        "--seed", type=int, help="seed of the composition (default: that of the shipped picture)"
    )
    arguments = parser.parse_args(argv)
    if arguments.size < SMALLEST:
        parser.error(f"--size {arguments.size} is too small; use {SMALLEST} or more")
    chosen = {} if arguments.seed is None else {"seed": arguments.seed}
    picture = PAINTERS[arguments.style](arguments.size, **chosen)
    path = arguments.out or f"img/{arguments.style}.jpg"
    quality = brush.save(picture, path)
    height, width = picture.shape[:2]
    print(f"{path} {width}x{height}, quality {quality}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
