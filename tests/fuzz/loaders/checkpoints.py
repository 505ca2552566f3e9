"""Checkpoints of models: the index, or the model.json beside it, is damaged."""

from __future__ import annotations

import functools
import json
import random
import tempfile
from pathlib import Path

from fastnst import checkpoint_file
from fastnst.models import descriptions, restore, store
from fastnst.nets import architectures, transform_net
from tests.fuzz import cases

_ARCHITECTURE = architectures.Transform(width=4, residual_blocks=1)
_NAMES = {"weights.ckpt.index", "model.json", "weights.ckpt.data-00000-of-00001"}
_VALUES = (None, True, -1, 0, 10**9, 1e308, "", "../x", [], {}, [[[]]], "\x1b[2J")


@functools.cache
def _valid() -> dict[str, bytes]:
    """The files of a small model."""
    described = descriptions.Description(_ARCHITECTURE, (descriptions.Style("wave"),))
    with tempfile.TemporaryDirectory() as folder:
        net = transform_net.TransformNet(_ARCHITECTURE)
        checkpoint_file.write_checkpoint(Path(folder, store.WEIGHTS), net.tensors())
        Path(folder, descriptions.FILE).write_text(described.to_json())
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def seeds() -> dict[str, bytes]:
    """Each file of a model."""
    return {name: _valid()[name] for name in _NAMES}


def mutate(chance: random.Random, data: bytes) -> bytes:
    """Changes bytes, or values of model.json."""
    if not data.startswith(b"{") or chance.random() < 0.3:
        return cases.mutate(chance, data)
    content = json.loads(data)
    target = chance.choice((content, content["architecture"], content["styles"][0]))
    target[chance.choice(sorted(target))] = chance.choice(_VALUES)
    return json.dumps(content).encode()


def load(path: Path, output: Path) -> None:
    """Restores a model with this file and the valid others."""
    folder = output / "model"
    folder.mkdir()
    for name, data in (_valid() | {path.name: path.read_bytes()}).items():
        (folder / name).write_bytes(data)
    restore.load(store.find(folder))
