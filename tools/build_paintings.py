"""Builds the style images that are old paintings: `python -m tools.build_paintings`.

The Debian package opencv-doc contains The Starry Night on a black background. The `paintings`
activity of gcompris-qt-data contains the others as jigsaw puzzles, which this script assembles.
"""

from __future__ import annotations

import argparse
import io
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tools import debian, rcc

PUZZLES = {
    "wave": "board7_0",
    "kandinsky": "board19_0",
    "poppies": "board11_0",
    "auvers": "board22_0",
    "prawns": "board9_0",
    "summertime": "board21_0",
}
"""Puzzle level of each style image."""

_ACTIVITY = "gcompris/src/activities/paintings/resource"
_RCC = "usr/share/gcompris-qt/rcc/paintings.rcc"
_STARRY = "usr/share/doc/opencv-doc/examples/data/starry_night.jpg"
_STARRY_BOX = (24, 19, 730, 580)  # excludes the black background and the bare rim of the canvas
_RIM = 3  # pixels to crop at the border, where some scans show the white page
_SEARCH = 3  # pixels by which a position may be off, since centers are given to three decimals

_TOO_FEW = 60  # shared pixels up to which a misfit means nothing


@dataclass(frozen=True)
class Piece:
    """A piece of a puzzle.

    Attributes:
        pixels: int16 RGBA [height, width, 4].
        top: Approximate row of its top edge on the board, in pixels.
        left: Approximate column of its left edge.
    """

    pixels: np.ndarray
    top: float
    left: float


def read_puzzle(resource: dict[str, bytes], board: str) -> list[Piece]:
    """Reads the pieces of one level from the contents of paintings.rcc.

    The level is a QML file with the board's size and each piece's center as a fraction of it.
    """
    level = resource[f"{_ACTIVITY}/board/{board}.qml"].decode()
    width, height = (int(size) for size in re.findall(r'"(?:width|height)": (\d+)', level)[:2])
    pieces = []
    for name, x, y in re.findall(r'"(image/\S+webp)",\s*"x" *: *"(\S+)",\s*"y" *: *"(\S+)"', level):
        image = Image.open(io.BytesIO(resource[f"{_ACTIVITY}/{name}"])).convert("RGBA")
        pixels = np.asarray(image).astype(np.int16)
        top = float(y) * height - image.height / 2
        pieces.append(Piece(pixels, top, float(x) * width - image.width / 2))
    return pieces


def assemble(pieces: list[Piece]) -> np.ndarray:
    """Assembles a puzzle.

    Neighboring pieces share a line of pixels. Beginning at the top left corner, each piece is
    placed where its shared pixels differ least from those already on the board, because the given
    positions are off by up to 3 px.

    Args:
        pieces: All pieces of a picture without holes.

    Returns:
        The picture without its ragged rim, uint8 RGB [H, W, 3].
    """
    margin = 40  # pieces of some puzzles reach over the edges of their board
    height = round(max(piece.top + piece.pixels.shape[0] for piece in pieces)) + 2 * margin
    width = round(max(piece.left + piece.pixels.shape[1] for piece in pieces)) + 2 * margin
    board = np.zeros((height, width, 4), np.int16)
    moves = [(dy, dx) for dy in range(-_SEARCH, _SEARCH + 1) for dx in range(-_SEARCH, _SEARCH + 1)]
    for piece in sorted(pieces, key=lambda piece: piece.top + piece.left):
        rows, columns = piece.pixels.shape[:2]
        top, left = round(piece.top) + margin, round(piece.left) + margin

        places = [board[top + dy :, left + dx :][:rows, :columns] for dy, dx in moves]
        distances = [abs(dy) + abs(dx) for dy, dx in moves]
        # If there are no pixels to compare, the distance decides.
        costs = [
            _misfit(piece, place) + 0.1 * far for place, far in zip(places, distances, strict=True)
        ]
        place = places[int(np.argmin(costs))]
        free = _solid(piece.pixels) & ~_solid(place)
        place[free] = piece.pixels[free]
    return _trim(board)


def _solid(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., 3] > 128


def _misfit(piece: Piece, place: np.ndarray) -> float:
    """Returns the mean difference of the pixels that a piece shares with its neighbors."""
    shared = _solid(piece.pixels) & _solid(place)
    if 0 < shared.sum() <= _TOO_FEW:
        return float("inf")
    difference = np.abs(place - piece.pixels)[shared][:, :3]
    return float(difference.mean()) if len(difference) else 0.0


def _trim(board: np.ndarray) -> np.ndarray:
    """Crops a board until no pixel is empty, then crops the rim of the scan."""
    full = _solid(board)
    rows, columns = np.flatnonzero(full.any(1)), np.flatnonzero(full.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    while not full[top:bottom, left:right].all():
        inner = full[top:bottom, left:right]
        rim = {"top": inner[0], "bottom": inner[-1], "left": inner[:, 0], "right": inner[:, -1]}
        worst = min(rim, key=lambda side: rim[side].mean())
        top, bottom = top + (worst == "top"), bottom - (worst == "bottom")
        left, right = left + (worst == "left"), right - (worst == "right")
    return board[top + _RIM : bottom - _RIM, left + _RIM : right - _RIM, :3].astype(np.uint8)


def main() -> None:
    """Writes the paintings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("img"))
    parser.add_argument(
        "--deb-dir", type=Path, help="folder with the .deb files (default: download them)"
    )
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        roots = debian.unpack(("gcompris-qt-data", "opencv-doc"), Path(scratch), args.deb_dir)
        resource = rcc.read_rcc(roots["gcompris-qt-data"] / _RCC)
        paintings = {
            name: Image.fromarray(assemble(read_puzzle(resource, board)))
            for name, board in PUZZLES.items()
        }
        starry = Image.open(roots["opencv-doc"] / _STARRY).convert("RGB")
        paintings["starry"] = starry.crop(_STARRY_BOX)
    for name, image in paintings.items():
        path = args.out / f"{name}.jpg"
        image.save(path, quality=92, subsampling=0, optimize=True)
        print(f"{path}: {image.width}x{image.height}, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
