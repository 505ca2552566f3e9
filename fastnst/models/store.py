"""Finds models on disk by name or path. Nothing here needs TensorFlow.

A model is a folder: a training run, a shipped network or an exported SavedModel.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from fastnst import checkpoint_file, errors, files
from fastnst.models import descriptions

SHIPPED = files.asset("pretrained")
WEIGHTS = "weights.ckpt"
SAVED_MODEL = "saved_model.pb"
# File in which TensorFlow records the newest checkpoint of a folder.
_STATE = "checkpoint"
# Folder of a model with the styles that were added to it.
LEARNED = "learned"
LEARNED_SUFFIX = ".npz"


@dataclasses.dataclass(frozen=True)
class Reference:
    """The location of a model.

    Attributes:
        path: The model's folder, or one of its checkpoints.
        style: The requested style, if the name was that of a style and not of a model.
    """

    path: Path
    style: str | None = None

    @property
    def folder(self) -> Path:
        """The model's own folder, even if `path` is inside it."""
        folder = self.path.resolve()
        if not folder.is_dir():
            folder = folder.parent
        if _is_model(folder):
            return folder
        if folder.parent.name == "checkpoints":
            folder = folder.parent
        return folder.parent if folder.name == "checkpoints" else folder

    @property
    def name(self) -> str:
        """The name of the requested style, or that of the model."""
        return self.style or self.folder.name


def find(name: str | Path) -> Reference:
    """Finds a model by its name or path, or by the name of one of its styles.

    Names are looked up in ./models first, then among the models that come with fastnst.

    Raises:
        UserError: If it does not exist; the message lists the available ones. Or if it is a
            classifier.
    """
    named = Path(name)
    if len(named.parts) == 1:
        for folder in _folders():
            if _is_model(folder / named):
                return Reference(folder / named)
        own_first = sorted(available().values(), key=lambda path: path.parent == SHIPPED)
        for path in own_first:
            if str(name) in (described := style_names(path)) and len(described) > 1:
                return Reference(path, str(name))
    named = files.expand_user(named)
    for folder in (Path("models") / name, Reference(named).folder):
        if descriptions.is_classifier(folder / descriptions.FILE):
            raise descriptions.of_classifier(folder / descriptions.FILE)
    # A path may lead to anything that has checkpoints, a name only to networks that stylize.
    if _is_model(named) or is_checkpoint(named) or _saved(named) or _saved(named / "checkpoints"):
        return Reference(named)
    known = available()
    names = [*known, *(style for path in known.values() for style in style_names(path))]
    hint = errors.did_you_mean(str(name), names)
    listing = f"models here: {', '.join(known)}" if known else "none here yet"
    raise errors.UserError(f"no model {name}{hint} ({listing}; fastnst train trains one)")


def shortest_name(folder: Path) -> str:
    """Returns the name by which `find` finds a model: that of its folder, or the path."""
    in_models = folder.parent.resolve() == Path("models").resolve()
    return folder.name if in_models else str(folder)


def available() -> dict[str, Path]:
    """Returns the paths of the models that can be loaded by name."""
    folders = [folder for folder in reversed(_folders()) if folder.is_dir()]
    found = (
        path
        for folder in folders
        for path in folder.iterdir()
        if _is_model(path) and not files.is_retired(path)
    )
    return dict(sorted((path.name, path) for path in found))


def shipped(architecture: descriptions.Architecture) -> Reference | None:
    """Returns the shipped model of an architecture; None if there is none."""
    for described in sorted(SHIPPED.glob(f"*/{descriptions.FILE}")):
        if descriptions.Description.read(described).architecture == architecture:
            return Reference(described.parent)
    return None


def grain(path: Path) -> float:
    """Returns the grain that photos receive by default, in levels; 0 if a model does not say.

    Raises:
        UserError: If its description is damaged.
    """
    described = Reference(path).folder / descriptions.FILE
    return descriptions.Description.read(described).grain if described.is_file() else 0.0


def trained_names(folder: Path) -> tuple[str, ...]:
    """Returns the names of the styles that a model was trained in, without restoring it."""
    described = folder / descriptions.FILE
    return descriptions.Description.read(described).names if described.is_file() else (folder.name,)


def learned_names(folder: Path) -> tuple[str, ...]:
    """Returns the names of the styles that were added to a model, without reading them."""
    return tuple(sorted(path.stem for path in (folder / LEARNED).glob(f"*{LEARNED_SUFFIX}")))


def style_names(path: Path) -> tuple[str, ...]:
    """Returns the names of all styles of a model, outdated ones too, without restoring it.

    None if it is damaged.
    """
    folder = Reference(path).folder
    try:
        return (*trained_names(folder), *learned_names(folder))
    except errors.UserError:
        return ()


def has_weights(folder: Path) -> bool:
    """Returns whether a folder holds an exported network, as those that come with fastnst."""
    return is_checkpoint(folder / WEIGHTS)


def _folders() -> tuple[Path, Path]:
    return Path("models"), SHIPPED


def _is_model(path: Path) -> bool:
    return (
        (path / SAVED_MODEL).exists()
        or is_checkpoint(path / WEIGHTS)
        # Other tasks of the engine save checkpoints too, but no network that stylizes.
        or (_saved(path / "checkpoints") and _has_network(path))
    )


def _saved(folder: Path) -> bool:
    """Returns whether a folder holds checkpoints, of a run or of another program."""
    return checkpoint_file.newest(folder) is not None or (folder / _STATE).is_file()


def _has_network(run: Path) -> bool:
    """Returns whether a run trains a network that stylizes; runs used to have only config.yml."""
    described = run / descriptions.FILE
    if described.is_file():
        return not descriptions.is_classifier(described)
    return (run / "config.yml").is_file()


def is_checkpoint(path: Path) -> bool:
    """Returns whether a path is a checkpoint or the prefix of one."""
    return path.is_file() or Path(f"{path}.index").is_file()
