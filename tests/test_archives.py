"""Zip archives of strangers."""

from __future__ import annotations

import io
import zipfile

import pytest

from fastnst import archives


def test_the_unpacked_size_is_that_of_all_entries() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(100_000))
        archive.writestr("b/c", bytes(23))
    assert len(buffer.getvalue()) < 1_000
    assert archives.unpacked_bytes(buffer) == 100_023


def test_what_is_no_archive_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="not a zip file"):
        archives.unpacked_bytes(io.BytesIO(b"PK and no more"))
