"""Builds the pictures, model cards and tables of the shipped networks.

    python -m tools.build_cards

Writes pretrained/<name>/sample.jpg (the style image, then photos above their stylized versions) and
a model card, which includes the results of `fastnst quality` if they are in generated/. Also writes
the sheet at the top of README.md and the tables in README.md and docs/quality.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from fastnst import export, images
from fastnst.models import card, store, stylizer
from fastnst.reports import contact_sheet

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ("astronaut", "koala", "pagoda", "coffee")
README_SHEET = ROOT / "img" / "readme" / "styles.jpg"
# The rows of the sheet: a photo, and the styles to show it in.
ROWS = {"koala": ("candy", "starry", "kandinsky"), "pagoda": ("wave", "mosaic", "feathers")}
QUALITY = "quality.json"
_SAMPLE = "![The style image, photos, and their stylized versions](sample.jpg)"
_HEIGHT = 260
_SQUARE = 300
_GAP = 6
_JPEG_QUALITY = 80


def main() -> int:
    """Builds everything."""
    folders = [
        weights.parent for weights in sorted((ROOT / "pretrained").glob(f"*/{store.WEIGHTS}.index"))
    ]
    for folder in folders:
        sample = folder / "sample.jpg"
        strip = _strip(stylizer.load(folder), folder.name)
        images.write(sample, strip, quality=_JPEG_QUALITY)
        _write_card(folder)
        print(folder.relative_to(ROOT))
    images.write(README_SHEET, _sheet(), quality=_JPEG_QUALITY)
    _replace_table(ROOT / "README.md", _table_of_styles(folders))
    _replace_table(ROOT / "docs" / "quality.md", _tables_of_figures(folders))
    return 0


def _write_card(folder: Path) -> None:
    quality = _quality(folder)
    styles = store.styles(folder)
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
    return f"{title}\n\n{_SAMPLE}\n{text}"


def _quality(folder: Path) -> dict[str, Any]:
    path = folder / QUALITY
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _tables_of_figures(folders: list[Path]) -> str:
    """Renders the figures of all networks: how their pictures look, and their objectives."""
    quality = {style: found for folder in folders for style, found in _quality(folder).items()}
    looks = {style: found for style, found in quality.items() if "pictures" in found}
    tables = [card.table_of_pictures(looks)] if looks else []
    return "\n".join([*tables, card.table_of_objectives(quality)])


def _table_of_styles(folders: list[Path]) -> str:
    rows = "".join(
        f"| [{folder.name}](pretrained/{folder.name}/README.md) "
        f'| <img src="pretrained/{folder.name}/sample.jpg" width="640" alt="{folder.name}"> |\n'
        for folder in folders
    )
    return f"| style | the painting, photos, and their stylized versions |\n|---|---|\n{rows}"


def _replace_table(page: Path, table: str) -> None:
    """Replaces the table between the two markers in a page."""
    begin, end = "<!-- table: python -m tools.build_cards -->\n", "<!-- end of table -->"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")


def _strip(model: stylizer.Stylizer, name: str) -> np.ndarray:
    """Arranges the style image, the photos and their stylized versions: uint8 RGB [H, W, 3]."""
    style = images.decode(images.read_bytes(ROOT / "img" / f"{name}.jpg"))
    columns = [_to_height(style, 2 * _HEIGHT + _GAP)]
    for photo in PHOTOS:
        pixels = _photo(photo)
        above, below = _to_height(pixels, _HEIGHT), _to_height(model(pixels), _HEIGHT)
        columns.append(np.concatenate([above, _white(_GAP, above.shape[1]), below]))
    spaced = [part for column in columns for part in (column, _white(column.shape[0], _GAP))]
    return np.concatenate(spaced[:-1], axis=1)


def _sheet() -> np.ndarray:
    """Arranges photos beside their stylized versions in some styles: uint8 RGB [H, W, 3]."""
    pictures = {}
    for name, styles in ROWS.items():
        photo = _photo(name)
        pictures[name] = _to_square(photo)
        for style in styles:
            pictures[style] = _to_square(stylizer.load(ROOT / "pretrained" / style)(photo))
    return contact_sheet.render(pictures, len(next(iter(ROWS.values()))) + 1)


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
