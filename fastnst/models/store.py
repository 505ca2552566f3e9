"""The models there are: finding one by name or path, and reading its network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import checkpoint_file, errors, files
from fastnst.nets import transform_net

SHIPPED = files.asset("pretrained")
WEIGHTS = "weights.ckpt"
SAVED_MODEL = "saved_model.pb"
# Where TensorFlow notes which of the checkpoints in a folder is the newest.
_STATE = "checkpoint"
# How `tf.train.Checkpoint` names the entries of a dictionary that it knows as "average".
_NET, _VALUE, _SLASH = "average/", "/.ATTRIBUTES/VARIABLE_VALUE", ".S"


def load_net(path: Path, compute_dtype: tf.DType = tf.float32) -> transform_net.TransformNet:
    """Restores the network itself.

    Args:
        path: As `find` returns it, but no SavedModel.
        compute_dtype: What its convolutions compute in.

    Raises:
        UserError: If what lies there is no transform net.
    """
    if (path / SAVED_MODEL).exists():
        raise errors.UserError(f"{path}: is exported already; name the run it came from")
    if path.is_dir():
        shipped, of_run = path / WEIGHTS, path / "checkpoints"
        folder = of_run if of_run.is_dir() else path
        saved = str(shipped) if _is_checkpoint(shipped) else checkpoint_file.newest(folder)
        if saved is None:
            raise errors.UserError(f"{path}: has no checkpoint yet; let it train a while")
        path = Path(saved)
    try:
        return transform_net.TransformNet.from_tensors(read_net(path), compute_dtype)
    except errors.UserError as error:
        named = str(path) in str(error)
        raise errors.UserError(str(error) if named else f"{path}: {error}") from None


def find(name: str | Path) -> Path:
    """Finds a model by name or path.

    Raises:
        UserError: If there is none; the message lists those that there are.
    """
    named = Path(name)
    if len(named.parts) == 1:
        for folder in (Path("models"), SHIPPED):
            if _is_model(folder / named):
                return folder / named
    named = named.expanduser()
    if _is_model(named) or _is_checkpoint(named) or (named / _STATE).is_file():
        return named
    known = available()
    hint = errors.did_you_mean(str(name), known)
    listing = f"models here: {', '.join(known)}" if known else "none here yet"
    raise errors.UserError(f"no model {name}{hint} ({listing}; train.py trains one)")


def available() -> dict[str, Path]:
    """The models that can be loaded by name from here, and where they lie."""
    folders = [folder for folder in (SHIPPED, Path("models")) if folder.is_dir()]
    found = (path for folder in folders for path in folder.iterdir() if _is_model(path))
    return dict(sorted((path.name, path) for path in found))


def _is_model(path: Path) -> bool:
    return (
        (path / SAVED_MODEL).exists()
        or _is_checkpoint(path / WEIGHTS)
        or (path / "checkpoints" / _STATE).is_file()
    )


def _is_checkpoint(path: Path) -> bool:
    return path.is_file() or Path(f"{path}.index").is_file()


def name_of(path: Path) -> str:
    """The model's name, also where the path leads into its folder."""
    folder = path.resolve()
    if not folder.is_dir():
        folder = folder.parent
    if folder.parent.name == "checkpoints":
        folder = folder.parent
    return folder.parent.name if folder.name == "checkpoints" else folder.name


def read_net(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the weights to paint with, from a checkpoint of a run or from a shipped file.

    Args:
        path: As `newest` returns it.

    Returns:
        float32 arrays, named as `TransformNet.tensors` names them.

    Raises:
        UserError: If there is no checkpoint.
    """
    tensors = checkpoint_file.read_checkpoint(path, _NET)
    if not tensors:
        return checkpoint_file.read_checkpoint(path)
    return {
        name.removeprefix(_NET).removesuffix(_VALUE).replace(_SLASH, "/"): tensor
        for name, tensor in tensors.items()
    }
