"""Reads the tensors of other projects' files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import archives, checkpoint_file, errors, files

# Tensors larger than this belong to no network that stylizes: 64 MiB.
_LARGEST = 2**26
# All tensors of such a network take less than 1 GiB.
_LARGEST_FILE = 2**30


def names(path: Path) -> set[str]:
    """Returns the names of the tensors of a TensorFlow checkpoint; none if it is none."""
    return checkpoint_file.names_of(path)


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
        raise errors.UserError(f"{path}: cannot be read ({errors.reason(error)})") from None
    if not found:
        raise errors.UserError(f"{path}: has no tensors")
    return found


def _npz(path: Path) -> dict[str, np.ndarray]:
    _check_archive(path)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return _float32(path, ((name, arrays[name]) for name in arrays.files))
    except zipfile.BadZipFile as error:
        raise errors.UserError(f"{path}: is no .npz file ({error})") from None


def _pth(path: Path) -> dict[str, np.ndarray]:
    try:
        import torch
    except ImportError:
        raise errors.UserError(
            f"{path}: needs PyTorch; run: pip install torch, or convert the file to .safetensors"
        ) from None
    if zipfile.is_zipfile(path):
        _check_archive(path)
    # Tensors only: other pickles could run a program.
    state = torch.load(path, map_location="cpu", weights_only=True)
    state = getattr(state, "state_dict", lambda: state)()
    for nested in ("state_dict", "model", "generator"):
        if isinstance(state.get(nested), dict):
            state = state[nested]
    return _float32(
        path,
        (
            (name.removeprefix("module."), value.numpy())
            for name, value in state.items()
            if isinstance(value, torch.Tensor) and value.is_floating_point()
        ),
    )


def _check_archive(path: Path) -> None:
    """Refuses an archive that claims to hold more than any network that stylizes."""
    try:
        size = archives.unpacked_bytes(path)
    except ValueError as error:
        raise errors.UserError(f"{path}: is no archive of tensors ({error})") from None
    _check_size(path, size)


def _check_size(path: Path, size: int) -> None:
    if size > _LARGEST_FILE:
        raise errors.UserError(
            f"{path}: would take {size:,} bytes, more than any network that stylizes"
        )


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    try:
        from safetensors import numpy as safetensors
    except ImportError:
        raise errors.UserError(f"{path}: needs safetensors; run: pip install safetensors") from None
    return _float32(path, safetensors.load_file(path).items())


def _checkpoint(path: Path) -> dict[str, np.ndarray]:
    if path.is_dir():
        with files.plain(path) as folder:
            newest = tf.train.latest_checkpoint(str(folder))
        if newest is None:
            raise errors.UserError(f"{path}: is a folder without a checkpoint; name the file")
        path = path / Path(newest).name
    found = checkpoint_file.read_checkpoint(path, largest=_LARGEST)
    return {name: values for name, values in found.items() if values.dtype == np.float32}


def _float32(path: Path, found: Iterable[tuple[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Converts the tensors of a file one by one, as long as all together are small enough.

    They may be larger than the file: those of PyTorch are views, which can repeat a single number
    any number of times, and integers of one byte become four.
    """
    tensors, size = {}, 0
    for name, values in found:
        size += values.size * np.dtype(np.float32).itemsize
        _check_size(path, size)
        tensors[name] = np.asarray(values, np.float32)
    return tensors


_READERS = {
    ".npz": _npz,
    ".pth": _pth,
    ".pt": _pth,
    ".model": _pth,
    ".safetensors": _safetensors,
}
# Endings of the files of other projects, beside TensorFlow's checkpoints.
SUFFIXES = tuple(_READERS)
