"""Paints the pictures that README.md and the model cards show.

    python -m tools.build_pictures

Each shipped network gets pretrained/<name>/sample.jpg: its style image, then photos above what
it makes of them. The README shows candy's.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np

from fastnst import images, stylizer

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ("astronaut", "koala", "pagoda", "coffee")
README_STRIP = ROOT / "img" / "readme" / "strip.jpg"
README_STYLE = "candy"
_SAMPLE = "![The style, photos, and what the network makes of them](sample.jpg)"
_HEIGHT = 260
_GAP = 6


def main() -> int:
    """Paints all of them."""
    for weights in sorted((ROOT / "pretrained").glob(f"*/{stylizer.WEIGHTS}.index")):
        folder = weights.parent
        sample = folder / "sample.jpg"
        images.write(sample, _strip(stylizer.load(folder), folder.name), quality=88)
        card = folder / "README.md"
        title, text = card.read_text(encoding="utf-8").split("\n", 1)
        if _SAMPLE not in text:
            card.write_text(f"{title}\n\n{_SAMPLE}\n{text}", encoding="utf-8")
        print(sample.relative_to(ROOT))
        if folder.name == README_STYLE:
            README_STRIP.parent.mkdir(exist_ok=True)
            shutil.copyfile(sample, README_STRIP)
            print(README_STRIP.relative_to(ROOT))
    return 0


def _strip(model: stylizer.Stylizer, name: str) -> np.ndarray:
    """Lays the style image, the photos and the paintings out; uint8 RGB [H, W, 3]."""
    style = images.decode(images.read_bytes(ROOT / "img" / f"{name}.jpg"))
    columns = [_to_height(style, 2 * _HEIGHT + _GAP)]
    for photo in PHOTOS:
        pixels = images.decode(images.read_bytes(ROOT / "img" / "photos" / f"{photo}.jpg"))
        above, below = _to_height(pixels, _HEIGHT), _to_height(model(pixels), _HEIGHT)
        columns.append(np.concatenate([above, _white(_GAP, above.shape[1]), below]))
    spaced = [part for column in columns for part in (column, _white(column.shape[0], _GAP))]
    return np.concatenate(spaced[:-1], axis=1)


def _to_height(pixels: np.ndarray, height: int) -> np.ndarray:
    return images.resize(pixels, height, round(pixels.shape[1] * height / pixels.shape[0]))


def _white(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


if __name__ == "__main__":
    sys.exit(main())
