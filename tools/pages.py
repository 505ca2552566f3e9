"""Tables in pages that are generated, between a line that names the command and an end line."""

from __future__ import annotations

from pathlib import Path

_END = "<!-- end of table -->"


def replace_table(page: Path, command: str, table: str) -> None:
    """Replaces the table of a page that a command generates.

    Args:
        page: A Markdown file with the lines `<!-- table: COMMAND -->` and `<!-- end of table -->`.
        command: The command.
        table: The table, or several.
    """
    begin = f"<!-- table: {command} -->\n"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(_END, 1)
    page.write_text(f"{before}{begin}\n{table}\n{_END}{after}", encoding="utf-8")
