"""Helpers for tests of training runs: the smallest networks, and what a run has saved."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fastnst import checkpoint_file
from fastnst.models import restore, store
from fastnst.nets import transform_net
from fastnst.training.tasks import session

# The smallest objective and network: tracing graphs takes most of a test's time.
SHALLOW = {"content_layers": ["relu1_1"], "style_layers": ["relu1_1"]}
LEAST = {"residual_blocks": 0, **SHALLOW}


def ignore(said: object) -> None:
    """Ignores a line or an event."""


def stop_after(run: session.Session, step: int) -> Callable[[], bool]:
    """Returns a `should_stop` that is true once the run has taken the step."""
    return lambda: int(run.engine.state.step) == step


def load(path: Path) -> transform_net.TransformNet:
    """Loads the network of a model."""
    return restore.load(store.find(path)).net


def final_checkpoint(run: session.Session) -> dict[str, np.ndarray]:
    """Reads all tensors of the newest checkpoint, with Adam's moments and the data position."""
    assert run.engine.checkpointer.latest is not None
    tensors = checkpoint_file.read_checkpoint(run.engine.checkpointer.latest)
    del tensors["_CHECKPOINTABLE_OBJECT_GRAPH"]
    # This counts the saves of a process.
    del tensors["save_counter/.ATTRIBUTES/VARIABLE_VALUE"]
    return tensors


def steps_in(folder: Path) -> list[int]:
    """Returns the steps of the checkpoints in a folder, in order."""
    return sorted(int(file.stem.removeprefix("step-")) for file in folder.glob("step-*.index"))


def digests(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of every file below a folder by its relative path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
