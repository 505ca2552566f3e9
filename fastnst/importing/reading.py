"""Reads the tensors of other projects' files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import errors

# Tensors larger than this belong to no network that stylizes: 64 MiB.
_LARGEST = 2**26


def names(path: Path) -> set[str]:
    """Returns the names of the tensors of a TensorFlow checkpoint; none if it is none."""
    try:
        return set(tf.train.load_checkpoint(str(path)).get_variable_to_shape_map())
    except (ValueError, tf.errors.OpError):
        return set()


def tensors(path: Path) -> dict[str, np.ndarray]:
    """Reads all tensors of a file, as float32.

    Args:
        path: .npz, .pth or .pt, .safetensors, or a TensorFlow checkpoint: the prefix of one in
            format V2, or the single file of one in format V1.

    Raises:
        UserError: If it cannot be read.
    """
    readers = {
        ".npz": _npz,
        ".pth": _pth,
        ".pt": _pth,
        ".model": _pth,
        ".safetensors": _safetensors,
    }
    reader = readers.get(path.suffix.lower(), _checkpoint)
    if reader is not _checkpoint and not path.is_file():
        raise errors.UserError(f"{path}: does not exist")
    try:
        found = reader(path)
    except errors.UserError:
        raise
    except Exception as error:  # Each library raises its own for damaged files.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise errors.UserError(f"{path}: cannot be read ({reason})") from None
    if not found:
        raise errors.UserError(f"{path}: has no tensors")
    return found


def _npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: _float32(arrays[name]) for name in arrays.files}
    except zipfile.BadZipFile as error:
        raise errors.UserError(f"{path}: is no .npz file ({error})") from None


def _pth(path: Path) -> dict[str, np.ndarray]:
    try:
        import torch
    except ImportError:
        raise errors.UserError(
            f"{path}: needs PyTorch; run: pip install torch, or convert the file to .safetensors"
        ) from None
    # Tensors only: other pickles could run a program.
    state = torch.load(path, map_location="cpu", weights_only=True)
    state = getattr(state, "state_dict", lambda: state)()
    for nested in ("state_dict", "model", "generator"):
        if isinstance(state.get(nested), dict):
            state = state[nested]
    return {
        name.removeprefix("module."): _float32(value.numpy())
        for name, value in state.items()
        if isinstance(value, torch.Tensor) and value.is_floating_point()
    }


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    try:
        from safetensors import numpy as safetensors
    except ImportError:
        raise errors.UserError(f"{path}: needs safetensors; run: pip install safetensors") from None
    return {name: _float32(value) for name, value in safetensors.load_file(path).items()}


def _checkpoint(path: Path) -> dict[str, np.ndarray]:
    if path.is_dir():
        newest = tf.train.latest_checkpoint(str(path))
        if newest is None:
            raise errors.UserError(f"{path}: is a folder without a checkpoint; name the file")
        path = Path(newest)
    if not path.is_file() and not Path(f"{path}.index").is_file():
        raise errors.UserError(f"{path}: does not exist")
    reader = tf.train.load_checkpoint(str(path))
    shapes, kinds = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    return {
        name: _float32(reader.get_tensor(name))
        for name, shape in shapes.items()
        if kinds[name].is_floating and 4 * np.prod(shape, dtype=np.int64) <= _LARGEST
    }


def _float32(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)


_READERS = {
    ".npz": _npz,
    ".pth": _pth,
    ".pt": _pth,
    ".model": _pth,
    ".safetensors": _safetensors,
}
# Endings of the files of other projects, beside TensorFlow's checkpoints.
SUFFIXES = tuple(_READERS)
