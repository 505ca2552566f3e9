"""Loads the model that a command line names, into the runtime that suits the photos."""

from __future__ import annotations

import argparse
import collections.abc
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from fastnst import errors, files
from fastnst.cli import terminal

if TYPE_CHECKING:
    from fastnst import controls
    from fastnst.models import model as model_module
    from fastnst.models import store, stylizer

# A model of fastnst, or a network of another project, which has been read.
Found: TypeAlias = "store.Reference | model_module.Model"


def find(name: str) -> Found:
    """Finds a model by its name or path, or reads a network of another project.

    Raises:
        UserError: If there is none, or it is damaged.
    """
    path = files.expand_user(name)
    # Anything else is told to be no network of another project without TensorFlow.
    if any(map(Path.is_file, (path, Path(f"{path}.index"), path / "checkpoint"))):
        terminal.import_tensorflow()
        from fastnst import importing

        if importing.is_foreign(path):
            return importing.read(path, file_stem(name))
    from fastnst.models import store

    return store.find(name)


def file_stem(path: str) -> str:
    """Names the network of another project after its file."""
    return Path(path).name.partition(".")[0] or "model"


def load(
    found: Found,
    arguments: argparse.Namespace,
    choices: controls.Controls,
    photos: collections.abc.Sequence[Path | bytes],
    say: collections.abc.Callable[[str], None] = terminal.say,
) -> stylizer.Stylizer:
    """Loads a model into the runtime of the user's choice, or the one that is done sooner.

    Args:
        found: The model.
        arguments: Of `eval.py`.
        choices: Choices for all photos.
        photos: The photos' files, or their contents.
        say: Receives a note if loading takes longer this time.

    Raises:
        UserError: If a choice or an option is not available.
    """
    from fastnst.export import portable
    from fastnst.models import store

    reference = found if isinstance(found, store.Reference) else None
    reason = _needs_tensorflow(reference, arguments)
    if arguments.runtime == "onnxruntime" and reason:
        raise errors.UserError(
            f"{reason}: is not available with --runtime onnxruntime; leave one of them out"
        )
    few = not arguments.watch and arguments.style != "all"
    if reference and not reason and arguments.runtime != "tensorflow":
        suits = few and portable.suits(reference, photos, choices, arguments.size)
        if suits or arguments.runtime == "onnxruntime":
            return _load_portable(reference, choices, say)
    terminal.import_tensorflow()
    from fastnst.models import loading

    options = {"tiles": arguments.tiles, "max_memory": arguments.max_memory, **vars(choices)}
    if isinstance(found, store.Reference):
        return loading.load(found, arguments.precision, **options)
    return loading.of_model(found, found.description.names[0], **options)


def _needs_tensorflow(reference: store.Reference | None, arguments: argparse.Namespace) -> str:
    """Returns the option that only TensorFlow has; empty if there is none."""
    from fastnst.export import portable

    if reference is None or not portable.can_write(reference):
        return f"--model {arguments.model}"
    if arguments.precision == "bfloat16":
        return "--precision bfloat16"
    if arguments.tiles not in ("auto", "off"):
        return f"--tiles {arguments.tiles}"
    return "" if arguments.max_memory is None else "--max-memory"


def _load_portable(
    reference: store.Reference,
    choices: controls.Controls,
    say: collections.abc.Callable[[str], None],
) -> stylizer.Stylizer:
    from fastnst.export import portable

    if not portable.path(reference).is_file():
        say("writing the model for ONNX Runtime, once")
        terminal.import_tensorflow()
    return portable.load(reference, **vars(choices))
