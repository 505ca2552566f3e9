"""Training photos: finds them, reads them in batches, and writes them as TFRecords.

    source = data.open_photos("photos/")
    for images, positions in data.batches(source, image_size=256, batch_size=4):
        ...

Submodules that need TensorFlow are imported on first access, so that `fastnst records --help`
answers immediately.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastnst.data.pipeline import batches, missing, names, user_errors
    from fastnst.data.source import BUNDLED, PhotoSource, open_photos

__all__ = [
    "BUNDLED",
    "PhotoSource",
    "batches",
    "missing",
    "names",
    "open_photos",
    "user_errors",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "pipeline" if name in ("batches", "missing", "names", "user_errors") else "source"
    return getattr(importlib.import_module(f"fastnst.data.{module}"), name)
