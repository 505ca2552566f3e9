"""Fixtures of the tests of conf files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a conf file."""

    def write_text(text: str) -> Path:
        path = tmp_path / "style.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text
