"""The task: the interface of everything that the engine can train."""

from __future__ import annotations

import abc
import collections.abc
import dataclasses
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from fastnst import events


@dataclasses.dataclass(frozen=True)
class Judgement:
    """The outcome of a validation.

    Attributes:
        metrics: Means over the validation items, by name.
        inputs: The items, uint8 RGB [H, W, 3] each, if they are pictures.
        outputs: Pictures made of them, in the same order, by series.
        samples: Rows of pictures for the samples, by name, if they are to show others than the
            outputs.
    """

    metrics: collections.abc.Mapping[str, float]
    inputs: tuple[np.ndarray, ...] = ()
    outputs: collections.abc.Mapping[str, tuple[np.ndarray, ...]] = dataclasses.field(
        default_factory=dict
    )
    samples: collections.abc.Mapping[str, tuple[np.ndarray, ...]] = dataclasses.field(
        default_factory=dict
    )


class Task(Protocol):
    """Anything that the engine can train.

    A task owns its variables and its optimizers. It is made within the scope of the distribution
    strategy, and its optimizers are built there: moments created within a step would be lost.

    Attributes:
        metric_names: Metrics to show, the headline first: the checkpoint with its lowest
            validation value is kept as the best.
        variables: The variables that a step changes; they are checked for NaN.
        items: What batches hold, as a plural, for rates such as images/s.
        loss: The metric of a step that must not explode; None for the first of `metric_names` that
            a step has.
    """

    metric_names: tuple[str, ...]
    variables: collections.abc.Sequence[tf.Variable]
    items: str = "items"
    loss: str | None = None

    @abc.abstractmethod
    def kept(self) -> dict[str, Any]:
        """Returns everything that a checkpoint must hold to resume exactly, as trackables by name.

        The names "step", "position" and "best_loss" belong to the engine.
        """

    @abc.abstractmethod
    def step(self, batch: Any, step: tf.Tensor) -> events.Metrics:
        """Trains on a batch: computes gradients and applies them.

        It runs inside a graph, once on each device that shares the batch.

        Args:
            batch: As the feed yields it, or the device's part of it.
            step: Steps done before, an int64 scalar.

        Returns:
            Scalars by name.
        """

    def after_step(self, step: tf.Tensor) -> None:
        """Runs after each step, in the same graph but once for all devices, e.g. for averages.

        Args:
            step: Steps done before, an int64 scalar.
        """

    @abc.abstractmethod
    def validate(self) -> Judgement:
        """Judges the task as it stands, on items that it is never trained on."""

    def restore_older(self, path: str) -> bool:
        """Restores a checkpoint of an earlier release, if the path holds one.

        Returns:
            Whether it did; if not, the engine restores what `kept` names.
        """
        return False

    def about(self) -> dict[str, Any]:
        """Returns facts worth a note in the log, such as the precision."""
        return {}

    def references(self) -> dict[str, np.ndarray]:
        """Returns pictures to compare with, uint8 RGB [H, W, 3] by name."""
        return {}
