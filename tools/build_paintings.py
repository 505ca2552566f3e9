"""Builds the style images that are old paintings: `python -m tools.build_paintings`.

The Debian package opencv-doc holds The Starry Night, on a black ground; the activity `paintings`
of gcompris-qt-data holds the others as jigsaw puzzles, whose pieces are put together here.
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
}
"""Style image by the level of the puzzle that shows it."""

_ACTIVITY = "gcompris/src/activities/paintings/resource"
_RCC = "usr/share/gcompris-qt/rcc/paintings.rcc"
_STARRY = "usr/share/doc/opencv-doc/examples/data/starry_night.jpg"
_STARRY_BOX = (24, 19, 730, 580)  # inside the black ground and the bare rim of the canvas
_RIM = 3  # pixels at the border of the puzzles, where some scans show the white of the page
_SEARCH = 3  # pixels; the centres are given as shares of the board, to three decimals

_TOO_FEW = 60  # shared pixels, from which a misfit says nothing


@dataclass(frozen=True)
class Piece:
    """A piece of a puzzle.

    Attributes:
        pixels: int16 RGBA [height, width, 4].
        top: About where its top row should lie on the board, in pixels.
        left: The same of its first column.
    """

    pixels: np.ndarray
    top: float
    left: float


def read_puzzle(resource: dict[str, bytes], board: str) -> list[Piece]:
    """Reads the pieces of one level from the contents of paintings.rcc.

    The level, a QML file, gives the size of the board and the centre of each piece as shares of it.
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
    """Puts a puzzle together.

    Neighbouring pieces share a line of pixels. Each piece is laid, from the top left corner on,
    where these differ least from those that lie there already: the given positions are off by up
    to 3 px.

    Args:
        pieces: All pieces of a picture without holes.

    Returns:
        The picture without its ragged rim, uint8 RGB.
    """
    margin = 16
    height = round(max(piece.top + piece.pixels.shape[0] for piece in pieces)) + 2 * margin
    width = round(max(piece.left + piece.pixels.shape[1] for piece in pieces)) + 2 * margin
    board = np.zeros((height, width, 4), np.int16)
    moves = [(dy, dx) for dy in range(-_SEARCH, _SEARCH + 1) for dx in range(-_SEARCH, _SEARCH + 1)]
    for piece in sorted(pieces, key=lambda piece: piece.top + piece.left):
        rows, columns = piece.pixels.shape[:2]
        top, left = round(piece.top) + margin, round(piece.left) + margin

        places = [board[top + dy :, left + dx :][:rows, :columns] for dy, dx in moves]
        distances = [abs(dy) + abs(dx) for dy, dx in moves]
        # The distance decides where there is nothing to compare.
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
    """Returns the mean difference of the pixels that a piece shares with its neighbours."""
    shared = _solid(piece.pixels) & _solid(place)
    if 0 < shared.sum() <= _TOO_FEW:
        return float("inf")
    difference = np.abs(place - piece.pixels)[shared][:, :3]
    return float(difference.mean()) if len(difference) else 0.0


def _trim(board: np.ndarray) -> np.ndarray:
    """Cuts a board down until no pixel is empty, and then the rim of the scan."""
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
