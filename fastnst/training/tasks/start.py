"""The model that a configuration describes, and the weights that its training starts from."""

from __future__ import annotations

import collections.abc
import dataclasses
import json

import numpy as np
import tensorflow as tf

from fastnst import config, errors, files, images
from fastnst.losses import perceptual
from fastnst.models import descriptions, model, restore, store
from fastnst.nets import architectures
from fastnst.training.tasks import inputs

# Number and shorter side of the photos that choose the row to start from.
_TRIED = 3
_TRIED_SIDE = 192


def describe(settings: config.Config) -> descriptions.Description:
    """Describes the model that a configuration trains."""
    return descriptions.Description(
        architecture(settings),
        tuple(
            descriptions.Style(name, style.style_image) for name, style in settings.styles.items()
        ),
        settings.transfer.identity == "on",
    )


def architecture(settings: config.Config) -> architectures.Transform:
    """Returns the architecture of the network that a configuration describes."""
    return architectures.Transform(**dataclasses.asdict(settings.network))


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
        UserError: If it does not exist, is damaged or has another architecture.
    """
    start_from = settings.transfer.start_from
    if start_from is None:
        return None
    with inputs.blaming("start_from"):
        if start_from == "auto":
            reference = store.shipped(architecture(settings))
        else:
            reference = store.find(files.find(start_from))
        if reference is None:
            return None
        first = restore.load(reference)
        _check_architecture(reference, first.description.architecture, architecture(settings))
        if reference.style:
            first = model.only(first, reference.style)
    say(f"starting from the weights of {reference.path}")
    return first


def _check_architecture(
    reference: store.Reference,
    found: descriptions.Architecture,
    expected: architectures.Transform,
) -> None:
    if not isinstance(found, architectures.Transform):
        raise errors.UserError(
            f"{reference.path} was imported and has another architecture; set start_from: null"
        )
    keys = dataclasses.asdict(found)
    if differing := {key: keys[key] for key in keys if keys[key] != getattr(expected, key)}:
        trained = ", ".join(f"{key}: {json.dumps(value)}" for key, value in differing.items())
        raise errors.UserError(
            f"{reference.path} was trained with {trained}; set the same, or start_from: null"
        )


def adopt(
    first: model.Model,
    described: descriptions.Description,
    row_for: collections.abc.Callable[[str], np.ndarray],
) -> dict[str, np.ndarray]:
    """Returns the weights with which a network of possibly other styles starts from a model.

    Args:
        first: The model.
        described: The network to train, of the same architecture.
        row_for: Returns the first row of a style that the model lacks, float32 [R].
    """
    tensors = first.net.tensors()
    rows = tensors[architectures.TABLE]
    own = rows[: len(first.description.styles)]
    table = []
    for style in described.styles:
        known = [_same(each, style) for each in first.description.styles]
        table.append(own[known.index(True)] if any(known) else row_for(style.name))
    if described.identity:
        table.append(rows[-1] if first.description.identity else own.mean(axis=0))
    return tensors | {architectures.TABLE: np.stack(table)}


def _same(one: descriptions.Style, other: descriptions.Style) -> bool:
    """Returns whether two styles have the same painting or, if one is unknown, the same name."""
    if one.painting and other.painting:
        return one.painting == other.painting
    return one.name == other.name


def best_row(
    restored: model.Model, objective: perceptual.PerceptualLoss, photos: list[np.ndarray]
) -> np.ndarray:
    """Returns the row, or the mean of all rows, whose pictures have the lowest objective.

    Args:
        restored: A model.
        objective: The objective of a new style.
        photos: Photos to try, uint8 [H, W, 3]; a few of them are used.

    Returns:
        float32 [R].
    """
    net = restored.net
    rows = net.table.numpy()[: len(restored.description.styles)]
    candidates = [*rows, rows.mean(axis=0)]

    @tf.function(
        input_signature=[
            tf.TensorSpec([1, None, None, 3]),
            tf.TensorSpec([net.layout.size]),
        ],
        autograph=False,
    )
    def judge(photo: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        return objective(photo, net(photo, row))[0]

    def total(row: np.ndarray) -> float:
        tried = [images.resize_shorter_side(photo, _TRIED_SIDE) for photo in photos[:_TRIED]]
        return sum(float(judge(tf.constant(each[np.newaxis], tf.float32), row)) for each in tried)

    return min(candidates, key=total)
