"""Finds models on disk by name or path, and restores them.

A model is a folder: a training run, a shipped network or an exported SavedModel.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import checkpoint_file, errors, files
from fastnst.models import learned, model
from fastnst.nets import network, transform_net

SHIPPED = files.asset("pretrained")
WEIGHTS = "weights.ckpt"
SAVED_MODEL = "saved_model.pb"
# File in which TensorFlow records the newest checkpoint of a folder.
_STATE = "checkpoint"
# The parts of the names that `tf.train.Checkpoint` gives to the entries of a dictionary "average".
_NET = "average/"


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
        UserError: If it does not exist; the message lists the available ones.
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
    # A path may lead to anything that has checkpoints, a name only to networks that stylize.
    states = (named / _STATE, named / "checkpoints" / _STATE)
    if _is_model(named) or _is_checkpoint(named) or any(state.is_file() for state in states):
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


def shipped(architecture: model.Architecture) -> Reference | None:
    """Returns the shipped model of an architecture; None if there is none."""
    for described in sorted(SHIPPED.glob(f"*/{model.FILE}")):
        if model.Description.read(described).architecture == architecture:
            return Reference(described.parent)
    return None


def styles(path: Path) -> tuple[str, ...]:
    """Returns the names of the styles of a model that can be used.

    Raises:
        UserError: If its description, or a style that was added to it, is damaged.
    """
    reference = Reference(path)
    if learned.names(reference.folder):
        # Only the kernels tell which of these styles still fit them.
        return load(reference).description.names
    return _trained(reference.folder)


def grain(path: Path) -> float:
    """Returns the grain that photos receive by default, in levels; 0 if a model does not say.

    Raises:
        UserError: If its description is damaged.
    """
    described = Reference(path).folder / model.FILE
    return model.Description.read(described).grain if described.is_file() else 0.0


def _trained(folder: Path) -> tuple[str, ...]:
    """Returns the names of the styles that a model was trained in, without restoring it."""
    described = folder / model.FILE
    return model.Description.read(described).names if described.is_file() else (folder.name,)


def style_names(path: Path) -> tuple[str, ...]:
    """Returns the names of all styles of a model, outdated ones too, without restoring it.

    None if it is damaged.
    """
    folder = Reference(path).folder
    try:
        return (*_trained(folder), *learned.names(folder))
    except errors.UserError:
        return ()


def load(
    reference: Reference, compute_dtype: tf.DType = tf.float32, *, fused_norms: bool = True
) -> model.Model:
    """Restores a model.

    Args:
        reference: A reference from `find`, but not to a SavedModel.
        compute_dtype: Dtype of its convolutions.
        fused_norms: Whether norms use the fused operation, which is fast on a CPU.

    Raises:
        UserError: If there is no network at that path.
    """
    path = reference.path
    if (path / SAVED_MODEL).exists():
        raise errors.UserError(
            f"{path}: is an exported model; name the run that it was exported from"
        )
    if path.is_dir():
        shipped, of_run = path / WEIGHTS, path / "checkpoints"
        saved = checkpoint_file.newest(of_run if of_run.is_dir() else path)
        if saved is None and _is_checkpoint(shipped):
            saved = str(shipped)
        if saved is None:
            raise errors.UserError(f"{path}: has no checkpoint yet; continue its training")
        path = Path(saved)
    described = reference.folder / model.FILE
    tensors = read_net(path)
    description = model.Description.read(described) if described.is_file() else None
    try:
        description = description or _infer(tensors, reference.folder.name)
        net = model.build(
            description.architecture,
            compute_dtype,
            styles=description.rows,
            fused_norms=fused_norms,
        )
        net.assign(pack(tensors, description.architecture))
    except errors.UserError as error:
        raise errors.UserError(f"{path}: {error}") from None
    return learned.with_learned(reference.folder, model.Model(net, description))


def has_weights(folder: Path) -> bool:
    """Returns whether a folder holds an exported network, as those that come with fastnst."""
    return _is_checkpoint(folder / WEIGHTS)


def read_net(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the weights to stylize with, from a checkpoint of a run or from a shipped file.

    Args:
        path: A checkpoint, as returned by `checkpoint_file.newest`.

    Returns:
        float32 arrays by name.

    Raises:
        UserError: If there is no checkpoint.
    """
    tensors = checkpoint_file.read_checkpoint(path, _NET)
    if not tensors:
        return checkpoint_file.read_checkpoint(path)
    return {
        name.removeprefix(_NET)
        .removesuffix(checkpoint_file.VALUE)
        .replace(checkpoint_file.SLASH, "/"): tensor
        for name, tensor in tensors.items()
    }


def pack(tensors: dict[str, np.ndarray], architecture: model.Architecture) -> dict[str, np.ndarray]:
    """Converts weights of earlier releases, which stored each scale and shift in its own array.

    The current form has a table with a row per style.

    Raises:
        UserError: If a scale or shift is missing.
    """
    if network.TABLE in tensors:
        return tensors
    layout = architecture.layout()
    try:
        table = layout.pack(tensors)[np.newaxis]
    except KeyError as error:
        raise errors.UserError(f"weights of another architecture: {error} is missing") from None
    of_row = {entry.name for entry in layout.entries}
    kernels = {name: tensor for name, tensor in tensors.items() if name not in of_row}
    return kernels | {network.TABLE: table}


def _infer(tensors: dict[str, np.ndarray], name: str) -> model.Description:
    """Infers the description of a model without model.json from the shapes of its weights."""
    if network.TABLE in tensors:
        raise errors.UserError(f"{model.FILE} is missing, which names the styles of these weights")
    if "conv1/kernel" not in tensors:
        raise errors.UserError("contains no transform net (conv1/kernel is missing)")
    kernel = tensors["conv1/kernel"]
    blocks = {match[1] for key in tensors if (match := re.match(r"residuals/(\d+)/", key))}
    architecture = transform_net.Architecture(
        width=kernel.shape[-1],
        residual_blocks=len(blocks),
        output_norm="norm6/scale" in tensors,
        skips="skip1/scale" in tensors,
        lite=kernel.shape[0] == transform_net.LITE_REACH,
    )
    return model.Description(architecture, (model.Style(name),))


def _folders() -> tuple[Path, Path]:
    return Path("models"), SHIPPED


def _is_model(path: Path) -> bool:
    return (
        (path / SAVED_MODEL).exists()
        or _is_checkpoint(path / WEIGHTS)
        # Other tasks of the engine save checkpoints too, but no network that stylizes.
        or ((path / "checkpoints" / _STATE).is_file() and _has_network(path))
    )


def _has_network(run: Path) -> bool:
    """Returns whether a run trains a network that stylizes; runs used to have only config.yml."""
    return (run / model.FILE).is_file() or (run / "config.yml").is_file()


def _is_checkpoint(path: Path) -> bool:
    return path.is_file() or Path(f"{path}.index").is_file()
