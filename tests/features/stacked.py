"""Checkpoints with slim's variable names and random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fastnst import checkpoint_file
from fastnst.features import stacks


def weights(model: str, *, inputs: int = 3, seed: int = 0) -> dict[str, np.ndarray]:
    """The convolutions of a network, scaled such that activities neither vanish nor explode."""
    random = np.random.default_rng(seed)
    found = {}
    for layer, step in stacks.convolutions(model).items():
        shape = (step.side, step.side, inputs, step.channels)
        kernels = random.standard_normal(shape, np.float32)
        kernels *= np.float32((2 / (step.side**2 * inputs)) ** 0.5)
        biases = random.standard_normal(step.channels, np.float32) / 10
        found |= dict(zip(stacks.variables(model, layer), (kernels, biases), strict=True))
        inputs = step.channels
    return found


def write(path: Path, model: str, **options: int) -> Path:
    checkpoint_file.write_checkpoint(path, weights(model, **options))
    return path
