"""Restores the networks of models from their checkpoints."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import checkpoint_file, errors
from fastnst.models import descriptions, learned, model, store
from fastnst.nets import architectures, transform_net

# How the names of weights begin that `tf.train.Checkpoint` finds in these dictionaries: those of a
# run's average or, if it has none, of the network itself.
_NETS = ("average/", "net/")


def load(
    reference: store.Reference, compute_dtype: tf.DType = tf.float32, *, fused_norms: bool = True
) -> model.Model:
    """Restores a model.

    Args:
        reference: A reference from `store.find`, but not to a SavedModel.
        compute_dtype: Dtype of its convolutions.
        fused_norms: Whether norms use the fused operation, which is fast on a CPU.

    Raises:
        UserError: If there is no network at that path.
    """
    path = reference.path
    if (path / store.SAVED_MODEL).exists():
        raise errors.UserError(
            f"{path}: is an exported model; name the run that it was exported from"
        )
    path, tensors = _read_newest(path) if path.is_dir() else (path, read_net(path))
    described = reference.folder / descriptions.FILE
    description = descriptions.Description.read(described) if described.is_file() else None
    try:
        _check_finite(tensors)
        description = description or _infer(tensors, reference.folder.name)
        _check_size(description.architecture, tensors)
        net = model.build(
            description.architecture,
            compute_dtype,
            styles=description.rows,
            fused_norms=fused_norms,
        )
        net.assign(pack(tensors, description.architecture))
    except errors.UserError as error:
        raise errors.UserError(f"{path}: {error}") from None
    # Of layers that are listed, but fit neither each other nor the weights.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise errors.UserError(
            f"{described}: describes no network ({errors.reason(error)})"
        ) from None
    return learned.with_learned(reference.folder, model.Model(net, description))


def _read_newest(folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """Reads the weights in the folder of a model, which a training may replace at any time.

    Returns:
        The path of the checkpoint, and its tensors.
    """
    saved = _newest(folder)
    while True:
        try:
            return saved, read_net(saved)
        except errors.UserError:
            replaced, saved = saved, _newest(folder)
            if saved == replaced:
                raise


def _newest(folder: Path) -> Path:
    """Returns the checkpoint to stylize with in the folder of a model."""
    shipped, of_run = folder / store.WEIGHTS, folder / "checkpoints"
    saved = checkpoint_file.newest(of_run if of_run.is_dir() else folder)
    if saved is None and store.is_checkpoint(shipped):
        saved = str(shipped)
    if saved is None:
        raise errors.UserError(f"{folder}: has no checkpoint yet; continue its training")
    return Path(saved)


def styles(path: Path) -> tuple[str, ...]:
    """Returns the names of the styles of a model that can be used.

    Raises:
        UserError: If its description, or a style that was added to it, is damaged.
    """
    reference = store.Reference(path)
    if store.learned_names(reference.folder):
        # Only the kernels tell which of these styles still fit them.
        return load(reference).description.names
    return store.trained_names(reference.folder)


def read_net(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the weights to stylize with, from a checkpoint of a run or from a shipped file.

    Args:
        path: A checkpoint, as returned by `checkpoint_file.newest`.

    Returns:
        float32 arrays by name.

    Raises:
        UserError: If there is no checkpoint.
    """
    for net in _NETS:
        if tensors := checkpoint_file.read_checkpoint(path, net):
            return {
                name.removeprefix(net)
                .removesuffix(checkpoint_file.VALUE)
                .replace(checkpoint_file.SLASH, "/"): tensor
                for name, tensor in tensors.items()
            }
    return checkpoint_file.read_checkpoint(path)


def pack(
    tensors: dict[str, np.ndarray], architecture: descriptions.Architecture
) -> dict[str, np.ndarray]:
    """Converts weights of earlier releases, which stored each scale and shift in its own array.

    The current form has a table with a row per style.

    Raises:
        UserError: If a scale or shift is missing.
    """
    if architectures.TABLE in tensors:
        return tensors
    layout = architecture.layout()
    try:
        table = layout.pack(tensors)[np.newaxis]
    except KeyError as error:
        raise errors.UserError(f"weights of another architecture: {error} is missing") from None
    of_row = {entry.name for entry in layout.entries}
    kernels = {name: tensor for name, tensor in tensors.items() if name not in of_row}
    return kernels | {architectures.TABLE: table}


def _check_finite(tensors: dict[str, np.ndarray]) -> None:
    for name, tensor in tensors.items():
        if np.issubdtype(tensor.dtype, np.floating) and not np.isfinite(tensor).all():
            raise errors.UserError(
                f"{name} contains values that are not finite, so every picture would be black; "
                "continue from an earlier checkpoint, or train again with a lower learning_rate"
            )


def _check_size(architecture: descriptions.Architecture, tensors: dict[str, np.ndarray]) -> None:
    """Raises a UserError unless the weights are as large as those that would be allocated."""
    for name, shape in architecture.some_shapes().items():
        found = tensors[name].shape if name in tensors else "nothing"
        if found != shape:
            raise errors.UserError(
                f"weights of another architecture: {name} should have the shape {shape}, "
                f"found {found}"
            )


def _infer(tensors: dict[str, np.ndarray], name: str) -> descriptions.Description:
    """Infers the description of a model without model.json from the shapes of its weights."""
    if architectures.TABLE in tensors:
        raise errors.UserError(
            f"{descriptions.FILE} is missing, which names the styles of these weights"
        )
    if "conv1/kernel" not in tensors:
        raise errors.UserError("contains no transform net (conv1/kernel is missing)")
    kernel = tensors["conv1/kernel"]
    if kernel.ndim != 4:
        raise errors.UserError(f"conv1/kernel has the shape {kernel.shape}, and not four numbers")
    blocks = {match[1] for key in tensors if (match := re.match(r"residuals/(\d+)/", key))}
    architecture = architectures.Transform(
        width=kernel.shape[-1],
        residual_blocks=len(blocks),
        output_norm=f"{architectures.OUTPUT_NORM}/scale" in tensors,
        skips="skip1/scale" in tensors,
        lite=kernel.shape[0] == transform_net.LITE_REACH,
    )
    return descriptions.Description(architecture, (descriptions.Style(name),))
