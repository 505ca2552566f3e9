"""TensorFlow checkpoints as plain dictionaries of arrays, under exactly the names they carry.

Object-based checkpoints (`tf.train.Checkpoint`) tie names to Python attributes. The files here are
name-based, like those of slim: the loss network's weights and the style networks that are shipped.
"""

from __future__ import annotations

import contextlib
import glob
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from fastnst import errors, files

# The names of a run's checkpoints begin so, and the best is in this folder among them.
PREFIX = "step"
BEST = "best"


def write_checkpoint(prefix: str | Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Writes the arrays as a TensorFlow checkpoint (V2), `prefix.index` and `prefix.data-*`.

    The files are written elsewhere and then moved: a reader never sees half a file. The same
    arrays give the same bytes.

    Args:
        prefix: Where to write, for instance `pretrained/vgg_16.ckpt`. Missing folders are made.
        tensors: The arrays by name, stored with the dtype they have.

    Raises:
        UserError: It cannot be written there, or a V1 checkpoint of that very name would hide it.
    """
    import tensorflow as tf

    prefix = Path(prefix)
    if prefix.is_file():
        raise errors.UserError(
            f"{prefix}: a checkpoint in a single file lies there and would be read instead of the "
            "new one; move it away or choose another name"
        )
    try:
        # The index moves last, being last in the alphabet: it makes the files a checkpoint.
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
        path: The file of a V1 checkpoint, or the prefix of a V2 one or one of its files. Where both
            exist the V1 file is read: slim publishes VGG16 as a single `vgg_16.ckpt`, and whoever
            puts it beside the pair of files of the same name means it.
        names: Only the names that begin so are read. Slim's file has 500 MB of fully connected
            layers, which nobody needs here.

    Returns:
        The arrays by name; floating-point ones as float32, others as they are stored.

    Raises:
        UserError: There is no checkpoint, or it is damaged.
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
            raise errors.UserError(f"{path}: no TensorFlow checkpoint{damage}") from error


def saved(folder: Path) -> list[str]:
    """The checkpoints in a folder, from the oldest to the newest.

    TensorFlow's note of them can be lost, in a power cut for one; then their names tell.
    """
    listed = noted(folder)
    if listed is not None:
        return [path for path in listed if Path(f"{path}.index").is_file()]
    steps = sorted(
        int(step)
        for index in folder.glob(f"{PREFIX}-*.index")
        if (step := index.stem.removeprefix(f"{PREFIX}-")).isdecimal()
    )
    return [str(folder / f"{PREFIX}-{step}") for step in steps]


def newest(folder: Path) -> str | None:
    """Finds the checkpoint to paint with below a run's folder: the best one, else the last."""
    found = saved(folder / BEST) or saved(folder)
    return found[-1] if found else None


def noted(folder: Path) -> list[str] | None:
    """The checkpoints that TensorFlow has noted in a folder, or None if the note is lost."""
    import tensorflow as tf

    try:
        noted = tf.train.get_checkpoint_state(str(folder))
    # The file is empty.
    except ValueError:
        return None
    return None if noted is None else list(noted.all_model_checkpoint_paths)


def note(folder: Path, paths: list[str]) -> None:
    """Notes which checkpoints there are, as TensorFlow does."""
    # As TensorFlow writes a CheckpointState; relative to the folder, which may be moved.
    lines = [f'model_checkpoint_path: "{Path(paths[-1]).name}"\n']
    for path in paths:
        lines.append(f'all_model_checkpoint_paths: "{Path(path).name}"\n')
        written = Path(f"{path}.index").stat().st_mtime
        lines.append(f"all_model_checkpoint_timestamps: {written}\n")
    files.write(folder / "checkpoint", "".join(lines))


@contextlib.contextmanager
def _unambiguous(path: Path) -> Iterator[Path]:
    """Yields a path by which TensorFlow finds the checkpoint `path` and no other.

    TensorFlow takes a path for a glob pattern, so that brackets in a folder's name lead it astray,
    and reads `path.index` although there is a `path`. Links in a folder of their own are free of
    both.
    """
    single = path.is_file()
    found = [path] if single else path.parent.glob(f"{glob.escape(path.name)}.*")
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder, "checkpoint")
        for file in found:
            link = Path(f"{alone}{file.name.removeprefix(path.name)}")
            try:
                link.symlink_to(file.resolve())
            except OSError:  # Windows allows links to some users only
                shutil.copyfile(file, link)
        yield alone


def _as_float32(tensor: np.ndarray) -> np.ndarray:
    """Returns a floating-point array as float32 and leaves any other alone."""
    array = np.asarray(tensor)
    return array.astype(np.float32) if np.issubdtype(array.dtype, np.floating) else array


def _first_line(error: Exception) -> str:
    """Returns the first line of what an error says."""
    return (str(error).splitlines() or [type(error).__name__])[0]
