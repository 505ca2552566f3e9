"""Exports trained models for other programs and verifies the exports.

One module per format; each has `write`, which returns the difference from the live network, a
`TOLERANCE` for it, the `FILES` it writes, the `MARK` among them that tells an export of the format,
and the section `USE` of the model card. To add a format, write such a module and name it in
`FORMATS`; packages that only this format needs are imported inside `write`.
"""

from __future__ import annotations

import collections.abc
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnst import errors, files

if TYPE_CHECKING:
    from fastnst.models import model as model_module

# Format name -> (module, which imports TensorFlow; purpose of the format).
FORMATS = {
    "savedmodel": ("fastnst.export.saved_model", "any program with TensorFlow"),
    "weights": ("fastnst.export.weights", "fastnst eval, in float16"),
}
# Files beside an export or a shipped network.
_BESIDE = frozenset({"config.yml", "README.md", "training.json", "quality.json", "sample.jpg"})


def use(file_format: str) -> str:
    """Returns the section of the model card on the use of a format's files."""
    return _module(file_format).USE


def export(
    model: model_module.Model,
    folder: Path,
    file_format: str,
    extra_files: collections.abc.Mapping[str, str],
) -> float:
    """Exports a model atomically.

    Args:
        model: The model; all its styles are exported.
        folder: Folder to write; an earlier export there is replaced once the new one is complete.
        file_format: One of `FORMATS`.
        extra_files: Additional text files by name, for example a model card.

    Returns:
        The largest difference from the live network, in levels of 255.

    Raises:
        UserError: If the folder contains other files, cannot be written, or the check fails.
    """
    import tensorflow as tf

    if folder.exists() and (foreign := _foreign(folder)):
        raise errors.UserError(
            f"{foreign}: is not part of an export, which would replace all of {folder}; move it, "
            "or name another folder with -o"
        )
    writer = _module(file_format)
    try:
        with files.replacing(folder) as partial:
            difference = writer.write(model, partial)
            if difference > writer.TOLERANCE:
                raise errors.UserError(
                    f"{folder}: the export differs from the network by {difference:g} levels of "
                    "255 and was deleted"
                )
            for name, text in extra_files.items():
                (partial / name).write_text(text, encoding="utf-8")
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or str(error).strip().splitlines()[0]
        raise errors.UserError(f"{folder}: cannot be written ({reason})") from None
    return difference


def _module(file_format: str) -> Any:
    return importlib.import_module(FORMATS[file_format][0])


def _foreign(folder: Path) -> Path | None:
    """Returns a path that is not part of an export and would be lost, or None."""
    if not folder.is_dir():
        return folder
    names = sorted(path.name for path in folder.iterdir())
    own = _BESIDE.union(*(_module(file_format).FILES for file_format in FORMATS))
    exported = any(_module(file_format).MARK in names for file_format in FORMATS)
    return next((folder / name for name in names if not (exported and name in own)), None)
