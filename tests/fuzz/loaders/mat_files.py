"""MatConvNet's .mat files, for the loss network."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from scipy import io as scipy_io

from fastnst.features import matconvnet


def seeds() -> dict[str, bytes]:
    """The first layer of VGG19, compressed and not."""
    conv = np.empty((1, 2), object)
    conv[0, 0], conv[0, 1] = np.zeros((3, 3, 3, 64), np.float32), np.zeros((64, 1), np.float32)
    layers = np.empty((1, 2), object)
    layers[0, 0] = {"type": "conv", "name": "conv1_1", "weights": conv}
    layers[0, 1] = {"type": "relu", "name": "relu1_1"}
    mean = {"averageImage": np.full((1, 1, 3), 120.0, np.float32)}
    found = {}
    for compressed in (False, True):
        buffer = io.BytesIO()
        content = {"layers": layers, "normalization": mean}
        scipy_io.savemat(buffer, content, do_compression=compressed)
        found[f"net{compressed:d}.mat"] = buffer.getvalue()
    return found


def load(path: Path, output: Path) -> None:
    """Reads the kernels."""
    matconvnet.read(path)
