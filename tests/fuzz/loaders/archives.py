"""Zip archives of photos, for `fastnst records`."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from fastnst.data import writer
from tests.fuzz.loaders import photos


def seeds() -> dict[str, bytes]:
    """Photos in folders, stored and compressed."""
    found = photos.seeds()
    made = {}
    for name, method in (("stored.zip", zipfile.ZIP_STORED), ("packed.zip", zipfile.ZIP_DEFLATED)):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            for photo in ("plain.jpg", "plain.png", "plain.webp"):
                entry = zipfile.ZipInfo(f"folder/{photo}")
                archive.writestr(entry, found[photo], method)
        made[name] = buffer.getvalue()
    return made


def load(path: Path, output: Path) -> None:
    """Packs the photos into records."""
    writer.write(path, output / "records", workers=1)
