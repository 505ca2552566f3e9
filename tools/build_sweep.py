"""Builds the sheet of docs/gatys.md: `python -m tools.build_sweep`.

Takes a few minutes on two cores.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from fastnst import images
from fastnst.cli import sweep

ROOT = Path(__file__).resolve().parent.parent
SHEET = ROOT / "img" / "guide" / "sweep.jpg"
# The command of docs/gatys.md, at a small size.
ARGUMENTS = (
    *(str(ROOT / "img" / "photos" / "koala.jpg"), "--style", str(ROOT / "img" / "wave.jpg")),
    *("--rows", "style_weight=10,100,1000"),
    *("--columns", "content_layers=relu1_2,relu3_3,relu4_2"),
    *("--size", "144", "--steps", "40"),
)
_QUALITY = 68


def main() -> int:
    """Builds the sheet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.png"
        if code := sweep.main([*ARGUMENTS, "-o", str(path)]):
            return code
        images.write(SHEET, images.decode(images.read_bytes(path)), quality=_QUALITY)
    print(SHEET.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
