"""PyTorch's files of weights, for `fastnst import`; not available without PyTorch."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import numpy as np

from fastnst import importing

_BLOCKS = 5


def available() -> bool:
    """Returns whether PyTorch is installed."""
    return importlib.util.find_spec("torch") is not None


def _tensors() -> dict[str, np.ndarray]:
    """A narrow network of pytorch/examples."""
    random = np.random.default_rng(0)
    made: dict[str, np.ndarray] = {}

    def convolution(name: str, kernel: int, inputs: int, outputs: int) -> None:
        shape = (outputs, inputs, kernel, kernel)
        made[f"{name}.conv2d.weight"] = random.normal(0, 0.3, shape).astype(np.float32)
        made[f"{name}.conv2d.bias"] = np.zeros(outputs, np.float32)

    def norm(name: str, channels: int) -> None:
        made[f"{name}.weight"] = np.ones(channels, np.float32)
        made[f"{name}.bias"] = np.zeros(channels, np.float32)

    for index, (kernel, inputs, outputs) in enumerate(((9, 3, 2), (3, 2, 4), (3, 4, 4)), start=1):
        convolution(f"conv{index}", kernel, inputs, outputs)
        norm(f"in{index}", outputs)
    for index in range(1, _BLOCKS + 1):
        for part in (1, 2):
            convolution(f"res{index}.conv{part}", 3, 4, 4)
            norm(f"res{index}.in{part}", 4)
    for index, outputs in enumerate((4, 2), start=1):
        convolution(f"deconv{index}", 3, 4, outputs)
        norm(f"in{index + 3}", outputs)
    convolution("deconv3", 9, 2, 3)
    return made


def seeds() -> dict[str, bytes]:
    """The network in PyTorch's zip format and in its earlier one."""
    import torch

    state = {name: torch.from_numpy(tensor) for name, tensor in _tensors().items()}
    made = {}
    for name, zipped in (("net.pth", True), ("old.pth", False)):
        buffer = io.BytesIO()
        torch.save(state, buffer, _use_new_zipfile_serialization=zipped)
        made[name] = buffer.getvalue()
    return made


def load(path: Path, output: Path) -> None:
    """Reads the network and tries it."""
    importing.read(path, "mine")
