"""Files of weights, for `fastnst import`: .npz and .safetensors."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from fastnst import importing


def tensors() -> dict[str, np.ndarray]:
    """A small network of lengstrom's, whose variables have numbers for names."""
    random = np.random.default_rng(0)
    widths = [3, 4, 8, 8, *[8] * 10, 8, 4]
    made: dict[str, np.ndarray] = {}

    def layer(index: int, kernel: tuple[int, ...], channels: int) -> None:
        first = 3 * index
        shapes = (kernel, (channels,), (channels,))
        for part, shape in enumerate(shapes):
            name = f"Variable_{first + part}" if first + part else "Variable"
            made[name] = random.normal(0, 0.3, shape).astype(np.float32)

    layer(0, (9, 9, 3, 4), 4)
    for index in range(1, 13):
        layer(index, (3, 3, widths[index], widths[index + 1]), widths[index + 1])
    for index, (inputs, outputs) in enumerate(((8, 8), (8, 4)), start=13):
        layer(index, (3, 3, outputs, inputs), outputs)
    layer(15, (9, 9, 4, 3), 3)
    return made


def seeds() -> dict[str, bytes]:
    """The network in each format."""
    from safetensors import numpy as safetensors

    buffer = io.BytesIO()
    np.savez_compressed(buffer, **tensors())
    return {"net.npz": buffer.getvalue(), "net.safetensors": safetensors.save(tensors())}


def load(path: Path, output: Path) -> None:
    """Reads the network and tries it."""
    importing.read(path, "mine")
