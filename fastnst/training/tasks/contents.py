"""The contents of the files that judge a run: paintings, validation photos and loss network.

A run stores their digests, because a file may change under the same name.
"""

from __future__ import annotations

import collections.abc
import hashlib
import json
from pathlib import Path

from fastnst import checkpoint_file, config, errors, files
from fastnst.models import run_folder
from fastnst.training.tasks import inputs

# Digits of a digest: enough to tell files apart, few enough to show.
_DIGITS = 16


def digests(settings: config.Config) -> dict[str, str]:
    """Returns a digest of the content that each key names.

    The keys are "validation", "loss_model_file" and "style_image", or "styles.NAME.style_image" for
    one of several styles. Names of files do not count, so that a file may be moved or renamed.

    Raises:
        UserError: If a file cannot be read.
    """
    found = {
        inputs.key_of(settings, name, "style_image"): digest(
            inputs.painting_files(files.find(style.style_image))
        )
        for name, style in settings.styles.items()
    }
    return found | {
        "validation": digest(inputs.validation_paths(settings.data.validation)),
        "loss_model_file": of_checkpoint(files.find(settings.loss_network.loss_model_file)),
    }


def read(folder: run_folder.RunFolder) -> dict[str, str]:
    """Returns the digests stored in a run's folder, none if they are missing or damaged."""
    try:
        stored = json.loads(files.read(folder.inputs))
        return {key: value for key, value in stored.items() if isinstance(value, str)}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def write(folder: run_folder.RunFolder, found: collections.abc.Mapping[str, str]) -> None:
    """Stores digests in a run's folder.

    Raises:
        UserError: If they cannot be written.
    """
    files.write(folder.inputs, json.dumps(found, indent=2) + "\n")


def of_checkpoint(path: Path) -> str:
    """Returns a digest of a checkpoint, which is a file or the prefix of several.

    Raises:
        UserError: If it cannot be read.
    """
    return digest([path] if path.is_file() else checkpoint_file.parts(str(path)))


def digest(paths: collections.abc.Iterable[Path]) -> str:
    """Returns a digest of the content of files, in their order.

    Raises:
        UserError: If one cannot be read.
    """
    whole = hashlib.sha256()
    for path in paths:
        try:
            whole.update(hashlib.sha256(files.read(path)).digest())
        except OSError as error:
            raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None
    return whole.hexdigest()[:_DIGITS]
