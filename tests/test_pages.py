"""Generated tables in pages."""

from __future__ import annotations

from pathlib import Path

from tools import pages


def test_a_table_replaces_the_previous_one_of_its_command(tmp_path: Path) -> None:
    page, end = tmp_path / "page.md", "<!-- end of table -->"
    other = f"<!-- table: another -->\nkeep\n{end}\n"
    page.write_text(f"before\n<!-- table: mine -->\nold\n{end}\nafter\n{other}", encoding="utf-8")
    for table in ("| a |\n", "| b |\n"):
        pages.replace_table(page, "mine", table)
        expected = f"before\n<!-- table: mine -->\n\n{table}\n{end}\nafter\n{other}"
        assert page.read_text() == expected
