"""Labeled pictures for tests: tiny files of every format, and bars that are learned at once."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from PIL import Image

# Of the bars: bright on the left, on the right, or everywhere.
CLASSES = ("left", "right", "whole")


def bars(count: int, side: int = 12, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Dim noise with a bright part, uint8 [count, side, side, channels], and its class in turn."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 60, (count, side, side, channels), np.uint8)
    labels = np.arange(count) % 3
    half = side // 2
    for picture, label in zip(pictures, labels, strict=True):
        part = (slice(None, half), slice(half, None), slice(None))[label]
        picture[:, part] += 180
    return pictures, labels.astype(np.uint8)


def idx(values: np.ndarray) -> bytes:
    """The content of an idx file of uint8 values."""
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    return header + values.astype(np.uint8).tobytes()


def write_idx(
    folder: Path, pictures: np.ndarray, labels: np.ndarray, part: str = "train", packed: bool = True
) -> Path:
    """Writes a pair of idx files as MNIST names them; returns that of the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in (("images-idx3", pictures[..., 0]), ("labels-idx1", labels)):
        data = idx(values)
        suffix = ".gz" if packed else ""
        path = folder / f"{part}-{name}-ubyte{suffix}"
        path.write_bytes(gzip.compress(data) if packed else data)
    return folder / f"{part}-images-idx3-ubyte{suffix}"


def cifar(pictures: np.ndarray, labels: np.ndarray) -> bytes:
    """The content of a binary file of CIFAR-10, of pictures uint8 RGB [N, 32, 32, 3]."""
    planes = pictures.transpose(0, 3, 1, 2).reshape(len(pictures), -1)
    return np.concatenate([labels[:, np.newaxis], planes], axis=1).astype(np.uint8).tobytes()


def write_folders(root: Path, pictures: np.ndarray, labels: np.ndarray) -> Path:
    """Writes a folder of PNG files for each of `CLASSES`."""
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        path = root / CLASSES[label] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.squeeze()).save(path)
    return root
