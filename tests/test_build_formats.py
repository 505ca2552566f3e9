"""The tables of formats in the pages are those of the code."""

from __future__ import annotations

import pytest

from fastnst import export
from tools import build_formats


@pytest.mark.parametrize("page", build_formats.PAGES, ids=lambda page: page.name)
def test_the_table_of_formats_is_up_to_date(page) -> None:  # type: ignore[no-untyped-def]
    assert build_formats.table() in page.read_text(encoding="utf-8"), build_formats.COMMAND


def test_every_format_is_a_row() -> None:
    rows = build_formats.table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(export.FORMATS)
