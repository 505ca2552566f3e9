"""The idx files of MNIST, compressed or not."""

from __future__ import annotations

import gzip
from pathlib import Path

from fastnst.data import idx
from tests.data import labels_made

_PICTURES, _LABELS = labels_made.bars(4, 8)


def seeds() -> dict[str, bytes]:
    """Pictures as they are, and packed."""
    data = labels_made.idx(_PICTURES[..., 0])
    return {"a-images-idx3-ubyte": data, "b-images-idx3-ubyte.gz": gzip.compress(data, mtime=0)}


def load(path: Path, output: Path) -> None:
    """Reads pictures."""
    idx.read(path, 3)
