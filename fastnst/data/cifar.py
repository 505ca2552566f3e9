"""Reads CIFAR-10's binary files (Krizhevsky 2009).

A record has 3,073 bytes: the label, then 1,024 values each of red, green and blue, row by row.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fastnst import errors, images
from fastnst.data import labeled

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
SUFFIX = ".bin"
_SIDE = 32
_RECORD = 1 + 3 * _SIDE * _SIDE


def open_files(root: str, paths: list[Path]) -> labeled.LabeledSet:
    """Reads files such as data_batch_1.bin and test_batch.bin.

    Args:
        root: What to call them.
        paths: The files.

    Raises:
        UserError: If one cannot be read or is damaged.
    """
    parts = [_read(path) for path in paths]
    pictures = np.concatenate([pictures for pictures, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    return labeled.of_arrays(root, pictures, labels, CLASSES)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns the pictures of a file, uint8 RGB [N, 32, 32, 3], and their labels."""
    data = images.read_bytes(path)
    if not data or len(data) % _RECORD:
        raise errors.UserError(
            f"{path}: has {len(data):,} bytes, which are no records of {_RECORD:,} bytes as in "
            "CIFAR-10's binary version; download it again"
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
    labels = records[:, 0]
    if (wrong := np.flatnonzero(labels >= len(CLASSES))).size:
        raise errors.UserError(
            f"{path}: damaged: record {wrong[0] + 1:,} has the label {labels[wrong[0]]}, should be "
            f"0 to {len(CLASSES) - 1}"
        )
    planes = records[:, 1:].reshape(-1, 3, _SIDE, _SIDE)
    return planes.transpose(0, 2, 3, 1), labels
