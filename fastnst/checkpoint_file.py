"""Reads and writes TensorFlow checkpoints as plain dictionaries from variable names to arrays.

Object-based checkpoints (`tf.train.Checkpoint`) derive names from Python attributes. These files
are name-based, like those of slim: the loss network's weights and the shipped style networks.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from fastnst import errors, files

# Prefix of the names of a run's checkpoints, and the subfolder that holds the best one.
PREFIX = "step"
BEST = "best"
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
        with files.staging(prefix.parent) as staged, tf.device("CPU"):
            tf.raw_ops.SaveV2(
                prefix=str(staged / prefix.name),
                tensor_names=list(tensors),
                shape_and_slices=[""] * len(tensors),
                tensors=[tf.constant(tensor) for tensor in tensors.values()],
            )
    except (OSError, tf.errors.OpError) as error:
        raise errors.UserError(f"{prefix}: cannot be written: {_first_line(error)}") from error


def read_checkpoint(path: str | Path, names: str = "") -> dict[str, np.ndarray]:
    """Reads the arrays of a TensorFlow checkpoint, V1 (one file) or V2 (`path.index` and its data).

    Args:
        path: The file of a V1 checkpoint, or the prefix of a V2 checkpoint, or one of its files. If
            both exist, the V1 file is read: slim publishes VGG16 as a single `vgg_16.ckpt`, and a
            user who puts it beside the two files of the same name wants it to be used.
        names: Prefix of the names to read. Slim's file has 500 MB of fully connected layers, which
            are not needed here.

    Returns:
        The arrays by name; floating-point arrays as float32, others unchanged.

    Raises:
        UserError: If there is no checkpoint, or it is damaged.
    """
    import tensorflow as tf

    path = Path(re.sub(r"\.(index|data-\d+-of-\d+)$", "", str(path)))
    if not path.is_file() and not Path(f"{path}.index").is_file():
        raise errors.UserError(
            f"{path}: no checkpoint there; expected {path.name}.index with {path.name}.data-*, "
            f"or a single file {path.name}"
        )
    with _unambiguous(path) as readable:
        try:
            reader = tf.train.load_checkpoint(str(readable))
            found = sorted(reader.get_variable_to_shape_map())
            return {
                name: _as_float32(reader.get_tensor(name))
                for name in found
                if name.startswith(names)
            }
        # TensorFlow's reader raises IndexError for a truncated file.
        except (OSError, IndexError, RuntimeError, ValueError, tf.errors.OpError) as error:
            reason = _first_line(error).replace(str(readable), path.name)
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
    single = path.is_file()
    found = [path] if single else path.parent.glob(f"{glob.escape(path.name)}.*")
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder, "checkpoint")
        for file in found:
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


def _first_line(error: Exception) -> str:
    """Returns the first line of an error's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]
