"""Builds the pictures, model cards and tables of the shipped networks.

    python -m tools.build_cards

Writes pretrained/<model>/samples/ (the photos, and for each style its painting and the stylized
photos) and a model card, which includes the results of `fastnst quality` if they are in generated/.
Also writes the sheets of README.md and the tables in docs/quality.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fastnst import export, images
from fastnst.models import card, loading, restore, store, stylizer
from fastnst.reports import contact_sheet
from tools import pages

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ("astronaut", "koala", "pagoda", "coffee")
README = ROOT / "img" / "readme"
# The sheet at the top of README.md: a photo, and the styles to show it in.
ROWS = {"koala": ("glass", "wave", "candy"), "pagoda": ("ink", "starry", "mosaic")}
# The photo that is shown in all styles.
PHOTO_OF_ALL = "pagoda"
MODEL_OF_SHEETS = "gallery"
QUALITY = "quality.json"
_PHOTOS = "photos"
_HEIGHT = 200
_SQUARE = 300
_GAP = 6
_JPEG_QUALITY = 80


def main() -> int:
    """Builds everything."""
    folders = shipped()
    for folder in folders:
        for name, strip in _strips(folder):
            images.write(folder / "samples" / f"{name}.jpg", strip, quality=_JPEG_QUALITY)
        _write_card(folder)
        print(folder.relative_to(ROOT))
    model = loading.load(ROOT / "pretrained" / MODEL_OF_SHEETS)
    images.write(README / "styles.jpg", _opening(model), quality=_JPEG_QUALITY)
    images.write(README / "gallery.jpg", _all_styles(model), quality=_JPEG_QUALITY)
    page = ROOT / "docs" / "quality.md"
    pages.replace_table(page, "python -m tools.build_cards", _tables_of_figures(folders))
    return 0


def shipped() -> list[Path]:
    """Lists the folders of the shipped models."""
    paths = (ROOT / "pretrained").glob(f"*/{store.WEIGHTS}.index")
    return sorted(path.parent for path in paths)


def _write_card(folder: Path) -> None:
    quality = _quality(folder)
    styles = restore.styles(folder)
    for style in styles:
        figures = ROOT / "generated" / f"quality-{folder.name}"
        found = (figures / style if len(styles) > 1 else figures) / QUALITY
        if found.exists():
            measured = json.loads(found.read_text(encoding="utf-8"))
            for of_size in measured["sizes"].values():
                # Long, and used only for the plot.
                del of_size["mean_curves"]
            if not measured["sizes"]:
                # Measured with --steps 0: the shipped comparison with the optimizer is kept.
                del measured["sizes"]
            quality[style] = quality.get(style, {"sizes": {}}) | measured
    if quality:
        text = json.dumps(quality, indent=2) + "\n"
        (folder / QUALITY).write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(_card(folder), encoding="utf-8")


def _card(folder: Path) -> str:
    rendered = card.render(
        folder.name,
        export.use("weights"),
        card.read_facts(folder),
        (folder / "config.yml").read_text(encoding="utf-8"),
        _quality(folder),
    )
    title, text = rendered.split("\n", 1)
    rows = "".join(
        f"| {name} | ![{name}](samples/{name}.jpg) |\n"
        for name in (_PHOTOS, *restore.styles(folder))
    )
    return f"{title}\n\n| style | the painting, and stylized photos |\n|---|---|\n{rows}{text}"


def _quality(folder: Path) -> dict[str, Any]:
    path = folder / QUALITY
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _tables_of_figures(folders: list[Path]) -> str:
    """Renders the figures of all models: how their pictures look, and their objectives."""
    tables = []
    for folder in folders:
        quality = _quality(folder)
        looks = {style: found for style, found in quality.items() if "pictures" in found}
        compared = {style: found for style, found in quality.items() if found["sizes"]}
        if looks or compared:
            tables.append(f"`{folder.name}`:\n")
        tables += [card.table_of_pictures(looks)] if looks else []
        tables += [card.table_of_objectives(compared)] if compared else []
    return "\n".join(tables)


def _strips(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yields names and rows of pictures: the photos, and each style's painting and pictures."""
    model = loading.load(folder)
    photos = [_photo(name) for name in PHOTOS]
    paintings = {
        style.name: images.decode(images.read_bytes(ROOT / (style.painting or "")))
        for style in restore.load(store.find(folder)).description.styles
    }
    # The photos stand above their stylized versions.
    empty = np.full((_HEIGHT, _HEIGHT, 3), 255, np.uint8)
    yield _PHOTOS, _row([empty, *photos])
    for style, painting in paintings.items():
        yield style, _row([_to_square(painting), *(model(photo, style) for photo in photos)])


def _row(pictures: list[np.ndarray]) -> np.ndarray:
    """Arranges pictures side by side: uint8 RGB [H, W, 3]."""
    scaled = [_to_height(picture, _HEIGHT) for picture in pictures]
    spaced = [part for picture in scaled for part in (picture, _white(_HEIGHT, _GAP))]
    return np.concatenate(spaced[:-1], axis=1)


def _opening(model: stylizer.Stylizer) -> np.ndarray:
    """Arranges photos beside their stylized versions in some styles: uint8 RGB [H, W, 3]."""
    pictures = {}
    for name, styles in ROWS.items():
        photo = _photo(name)
        pictures[name] = _to_square(photo)
        pictures |= {style: _to_square(model(photo, style)) for style in styles}
    return contact_sheet.render(pictures, len(next(iter(ROWS.values()))) + 1)


def _all_styles(model: stylizer.Stylizer) -> np.ndarray:
    """Arranges one photo in all styles: uint8 RGB [H, W, 3]."""
    photo = _photo(PHOTO_OF_ALL)
    pictures = {style: _to_square(model(photo, style)) for style in model.styles}
    return contact_sheet.render(pictures, 6)


def _photo(name: str) -> np.ndarray:
    return images.decode(images.read_bytes(ROOT / "img" / "photos" / f"{name}.jpg"))


def _to_square(pixels: np.ndarray) -> np.ndarray:
    """Returns the center square of a picture."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return images.resize(pixels[top : top + side, left : left + side], _SQUARE, _SQUARE)


def _to_height(pixels: np.ndarray, height: int) -> np.ndarray:
    return images.resize(pixels, height, round(pixels.shape[1] * height / pixels.shape[0]))


def _white(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


if __name__ == "__main__":
    sys.exit(main())
