"""Loads the model that a command line names, into the runtime that suits the photos."""

from __future__ import annotations

import argparse
import collections.abc
import contextlib
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
    # Networks of other projects are files. To look into one takes TensorFlow.
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
    """Loads a model into the runtime that the user chose, or else the one that finishes sooner.

    Args:
        found: The model.
        arguments: The options of `eval.py`.
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
    if reference and not reason and arguments.runtime != "tensorflow":
        if arguments.runtime == "onnxruntime":
            _write(reference, say)
            return portable.load(reference, **vars(choices))
        few = not arguments.watch and arguments.style != "all"
        if few and portable.suits(reference, photos, choices, arguments.size):
            # Without a cache that can be written, TensorFlow does it.
            with contextlib.suppress(errors.UserError):
                _write(reference, say)
            if portable.path(reference).is_file():
                return portable.load(reference, **vars(choices))
    terminal.import_tensorflow()
    from fastnst.models import loading

    options = {"tiles": arguments.tiles, "max_memory": arguments.max_memory, **vars(choices)}
    if isinstance(found, store.Reference):
        return loading.load(found, arguments.precision, trust=arguments.trust, **options)
    return loading.of_model(found, found.description.names[0], **options)


def _needs_tensorflow(reference: store.Reference | None, arguments: argparse.Namespace) -> str:
    """Returns the option that only TensorFlow has; empty if there is none."""
    from fastnst.export import portable

    if reference is None or not portable.is_network(reference):
        return f"--model {arguments.model}"
    if arguments.precision == "bfloat16":
        return "--precision bfloat16"
    if arguments.tiles not in ("auto", "off"):
        return f"--tiles {arguments.tiles}"
    return "" if arguments.max_memory is None else "--max-memory"


def _write(reference: store.Reference, say: collections.abc.Callable[[str], None]) -> None:
    """Writes a model for ONNX Runtime, unless it is in the cache."""
    from fastnst.export import portable

    if portable.path(reference).is_file():
        return
    say("writing the model for ONNX Runtime, once")
    terminal.import_tensorflow()
    portable.write(reference)
