"""Reads and writes TensorFlow checkpoints as plain dictionaries from variable names to arrays.

Object-based checkpoints (`tf.train.Checkpoint`) derive names from Python attributes. These files
are name-based, like those of slim: the loss network's weights and the shipped style networks.
"""

from __future__ import annotations

import contextlib
import glob
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastnst import errors, files

# Prefix of the names of a run's checkpoints, and the subfolder that holds the best one.
PREFIX = "step"
BEST = "best"
# Files of format V1 are compressed: arrays may have so many times their bytes.
_EXPANSION = 64
# How often to read a checkpoint that is written at the same time.
_ATTEMPTS = 3
# How `tf.train.Checkpoint` ends the name of a variable, and writes a slash within its key.
VALUE, SLASH = "/.ATTRIBUTES/VARIABLE_VALUE", ".S"


def write_checkpoint(prefix: str | Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Writes the arrays as a TensorFlow checkpoint (V2), `prefix.index` and `prefix.data-*`.

    The files are written atomically: a reader never sees a partial file. The same arrays always
    give the same bytes.

    Args:
        prefix: Prefix of the files, for example `pretrained/vgg_16.ckpt`. Missing folders are
            created.
        tensors: The arrays by name; their dtypes are kept.

    Raises:
        UserError: If it cannot be written, or a V1 checkpoint of the same name would hide it.
    """
    import tensorflow as tf

    prefix = Path(prefix)
    if prefix.is_file():
        raise errors.UserError(
            f"{prefix}: a single-file checkpoint of this name exists and would be read instead of "
            "the new one; move it away or choose another name"
        )
    try:
        # Files move in alphabetical order, so the index moves last and completes the checkpoint.
        with (
            files.staging(prefix.parent) as staged,
            files.plain(staged) as folder,
            tf.device("CPU"),
        ):
            tf.raw_ops.SaveV2(
                prefix=str(folder / prefix.name),
                tensor_names=list(tensors),
                shape_and_slices=[""] * len(tensors),
                tensors=[tf.constant(tensor) for tensor in tensors.values()],
            )
    except (OSError, tf.errors.OpError) as error:
        raise errors.UserError(f"{prefix}: cannot be written: {errors.reason(error)}") from error


def read_checkpoint(
    path: str | Path, names: str = "", largest: float = math.inf
) -> dict[str, np.ndarray]:
    """Reads the arrays of a TensorFlow checkpoint, V1 (one file) or V2 (`path.index` and its data).

    Args:
        path: The file of a V1 checkpoint, or the prefix of a V2 checkpoint, or one of its files. If
            both exist, the V1 file is read: slim publishes VGG16 as a single `vgg_16.ckpt`, and a
            user who puts it beside the two files of the same name wants it to be used.
        names: Prefix of the names to read. Slim's file has 500 MB of fully connected layers, which
            are not needed here.
        largest: Arrays of more bytes are left out.

    Returns:
        The arrays by name; floating-point arrays as float32, others unchanged.

    Raises:
        UserError: If there is no checkpoint, or it is damaged.
    """
    path = _prefix(path)
    for attempt in range(_ATTEMPTS):
        before = _state(path)
        try:
            return _read(path, names, largest)
        except errors.UserError:
            # Another process may have written the checkpoint in the meantime.
            if attempt == _ATTEMPTS - 1 or _state(path) == before:
                raise
    raise AssertionError


def names_of(path: str | Path) -> set[str]:
    """Returns the names of the arrays of a checkpoint; none if it is none."""
    try:
        with _opened(_prefix(path)) as (_, shapes):
            return set(shapes)
    except errors.UserError:
        return set()


def _prefix(path: str | Path) -> Path:
    return Path(re.sub(r"\.(index|data-\d+-of-\d+)$", "", str(path)))


def _parts(path: Path) -> list[Path]:
    """Returns the files of the checkpoint `path`."""
    if path.is_file():
        return [path]
    return sorted(path.parent.glob(f"{glob.escape(path.name)}.*"))


def _state(path: Path) -> list[tuple[str, int, int]]:
    """Returns what changes if the files of a checkpoint are replaced."""
    with contextlib.suppress(OSError):
        states = ((part.name, part.stat()) for part in _parts(path))
        return [(name, state.st_ino, state.st_mtime_ns) for name, state in states]
    return []


def _read(path: Path, names: str, largest: float) -> dict[str, np.ndarray]:
    with _opened(path) as (reader, shapes):
        kinds = reader.get_variable_to_dtype_map()
        sizes = {
            name: kinds[name].size * math.prod(shape)
            for name, shape in sorted(shapes.items())
            if name.startswith(names)
        }
        # A few bytes may claim to be a kernel of many gigabytes.
        held = sum(part.stat().st_size for part in _parts(path))
        held *= _EXPANSION if path.is_file() else 1
        return {
            name: _as_float32(reader.get_tensor(name))
            for name, size in sizes.items()
            if size <= largest and _check_size(path, name, size, held)
        }


def _check_size(path: Path, name: str, size: int, held: int) -> bool:
    if size > held:
        raise errors.UserError(
            f"{path}: damaged: {_shown(name)} should have {size:,} bytes, more than the file holds"
        )
    return True


def _shown(name: str) -> str:
    """Returns the name of an array for a message; damaged ones may be any characters."""
    return repr(name[:80])


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, dict[str, list[int]]]]:
    """Yields TensorFlow's reader of a checkpoint, and the shapes of its arrays.

    Raises:
        UserError: If there is no checkpoint, or reading it raises an error of TensorFlow.
    """
    import tensorflow as tf

    try:
        exists = path.is_file() or Path(f"{path}.index").is_file()
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None
    if not exists:
        raise errors.UserError(
            f"{path}: no checkpoint there; expected {path.name}.index with {path.name}.data-*, "
            f"or a single file {path.name}"
        )
    with _unambiguous(path) as readable:
        try:
            reader = tf.train.load_checkpoint(str(readable))
            yield reader, reader.get_variable_to_shape_map()
        # TensorFlow's reader raises IndexError for a truncated file.
        except (
            OSError,
            LookupError,
            RuntimeError,
            TypeError,
            ValueError,
            MemoryError,
            tf.errors.OpError,
        ) as error:
            reason = errors.reason(error).replace(str(readable), path.name)
            damage = "" if "not an sstable" in reason else f", or damaged: {reason}"
            raise errors.UserError(f"{path}: not a TensorFlow checkpoint{damage}") from error


def saved(folder: Path) -> list[str]:
    """Returns the checkpoints in a folder, from the oldest to the newest.

    What lies in the folder counts, and not TensorFlow's `checkpoint` file, which a power cut or a
    copy of some of the files leaves outdated. The index of a checkpoint is written last, so a
    checkpoint with an index is complete. Nothing here needs TensorFlow.

    Raises:
        UserError: If the folder cannot be read: its checkpoints must not be mistaken for none.
    """
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise errors.UserError(f"{folder}: cannot be read ({error.strerror})") from None
    steps = (
        name.removeprefix(f"{PREFIX}-").removesuffix(".index")
        for name in names
        if name.startswith(f"{PREFIX}-") and name.endswith(".index")
    )
    # Of one spelling only, so that each step has one checkpoint.
    numbers = sorted(int(step) for step in steps if re.fullmatch(r"0|[1-9][0-9]{0,18}", step))
    return [str(folder / f"{PREFIX}-{number}") for number in numbers]


def newest(folder: Path) -> str | None:
    """Returns the checkpoint to stylize with in a run's folder: the best one, else the last."""
    found = saved(folder / BEST) or saved(folder)
    return found[-1] if found else None


def parts(path: str) -> list[Path]:
    """Returns the files of a checkpoint, the index first: without it, the rest is no checkpoint."""
    place = Path(path)
    data = place.parent.glob(f"{glob.escape(place.name)}.data-*")
    return [Path(f"{path}.index"), *sorted(part for part in data if not files.is_retired(part))]


def note(folder: Path, paths: list[str]) -> None:
    """Lists the checkpoints in the folder's `checkpoint` file, for TensorFlow's own programs."""
    # In the format of CheckpointState, with relative paths, because the folder may be moved.
    lines = [f'model_checkpoint_path: "{Path(paths[-1]).name}"\n']
    lines += [f'all_model_checkpoint_paths: "{Path(path).name}"\n' for path in paths]
    files.write(folder / "checkpoint", "".join(lines))


@contextlib.contextmanager
def _unambiguous(path: Path) -> Iterator[Path]:
    """Yields a path at which TensorFlow finds the checkpoint `path` and no other.

    TensorFlow interprets a path as a glob pattern, which fails for folders with brackets in their
    names, and it prefers `path.index` to `path`. Links in a temporary folder avoid both problems.
    """
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder, "checkpoint")
        for file in _parts(path):
            link = Path(f"{alone}{file.name.removeprefix(path.name)}")
            try:
                link.symlink_to(file.resolve())
            except OSError:  # On Windows, links need a privilege.
                shutil.copyfile(file, link)
        yield alone


def _as_float32(tensor: np.ndarray) -> np.ndarray:
    """Converts floating-point arrays to float32 and returns others unchanged."""
    array = np.asarray(tensor)
    return array.astype(np.float32) if np.issubdtype(array.dtype, np.floating) else array
