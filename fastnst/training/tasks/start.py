"""The model that a configuration describes, and the weights that its training starts from."""

from __future__ import annotations

import collections.abc
import dataclasses

import numpy as np

from fastnst import config, files
from fastnst.models import model, store
from fastnst.nets import transform_net
from fastnst.training.tasks import inputs

# The network that `start_from: auto` means.
_BASE = "pretrained/base.ckpt"


def describe(settings: config.Config) -> model.Description:
    """Describes the model that a configuration trains."""
    return model.Description(
        architecture(settings),
        tuple(model.Style(name, style.style_image) for name, style in settings.styles.items()),
        settings.training.identity == "on",
    )


def architecture(settings: config.Config) -> transform_net.Architecture:
    """Returns the architecture of the network that a configuration describes."""
    return transform_net.Architecture(**dataclasses.asdict(settings.network))


def first_model(
    settings: config.Config, say: collections.abc.Callable[[str], None]
) -> model.Model | None:
    """Loads the model that training starts from.

    Args:
        settings: The configuration.
        say: Receives a notice that names the model.

    Returns:
        The model; None for random weights.

    Raises:
        UserError: If it does not exist or is damaged.
    """
    start_from = settings.training.start_from
    if start_from is None:
        return None
    automatic = start_from == "auto"
    with inputs.blaming("start_from"):
        reference = store.find(files.find(_BASE if automatic else start_from))
        first = store.load(reference)
        if reference.style:
            first = model.only(first, reference.style)
    if automatic and first.net.architecture != architecture(settings):
        return None
    say(f"starting from the weights of {reference.path}")
    return first


def adopt(first: model.Model, described: model.Description) -> dict[str, np.ndarray]:
    """Returns the weights with which a network of possibly other styles starts from a model.

    A style that the model has keeps its row; all others start from the mean of the model's rows.
    """
    tensors = first.net.tensors()
    rows = tensors[transform_net.TABLE]
    known = dict(zip(first.description.names, rows, strict=False))
    if first.description.identity:
        known[""] = rows[-1]
    mean = rows[: len(first.description.names)].mean(axis=0)
    wanted = [*described.names, *([""] if described.identity else [])]
    table = np.stack([known.get(name, mean) for name in wanted])
    return tensors | {transform_net.TABLE: table}
