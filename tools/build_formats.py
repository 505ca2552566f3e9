"""Writes the tables of export formats in README.md and docs/exporting.md.

python -m tools.build_formats
"""

from __future__ import annotations

import sys
from pathlib import Path

from fastnst import export
from tools import pages

COMMAND = "python -m tools.build_formats"
ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "exporting.md")


def main() -> int:
    """Writes the tables."""
    for page in PAGES:
        pages.replace_table(page, COMMAND, table())
    return 0


def table() -> str:
    """Renders the formats in Markdown."""
    heads = ("`--format`", "for", "main file", "photos", "`--precision`", "install")
    rows = [heads, ("---",) * len(heads)]
    for name, each in export.FORMATS.items():
        rows.append(
            (
                f"`{name}`",
                each.purpose,
                f"`{each.files[0]}`",
                "any size, or one (`--size`)" if each.fixed_size else "any size",
                ", ".join(each.precisions),
                f'`pip install "fastnst[{each.extra}]"`' if each.extra else "",
            )
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
