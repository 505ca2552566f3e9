"""The plan of a run: everything that its task needs besides the engine."""

from __future__ import annotations

import collections.abc
import contextlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from fastnst import config
from fastnst.models import run_folder
from fastnst.reports import page
from fastnst.training import engine
from fastnst.training import task as task_module

Say = collections.abc.Callable[[str], None]


class Plan(Protocol):
    """The run of one task, planned from a configuration.

    Creating a plan reads and checks all input, and writes nothing. It is created after the
    distribution strategy, because a cluster connects before TensorFlow computes anything.

    Attributes:
        data_set: The training data, in a few words.
        count: Number of training items; None if it is unknown.
        description: Content of model.json, which tells other commands what the run trains.
        wording: Texts of the report.
    """

    wording: page.Wording = page.TRAINING

    data_set: str
    count: int | None
    description: str

    def feed(self, strategy: tf.distribute.Strategy) -> engine.Feed:
        """Returns the batches to train on."""

    def make(self, last_step: int) -> task_module.Task:
        """Builds the task; called once, within the strategy's scope.

        Args:
            last_step: Step at which training ends.
        """

    def digests(self) -> dict[str, str]:
        """Returns a digest of the files that each key names and that a run judges by."""

    def record(self, folder: run_folder.RunFolder) -> None:
        """Writes files of the task's own into the folder of a run that begins or resumes."""

    def notices(self, last_step: int) -> collections.abc.Iterable[str]:
        """Returns what the user should know before training begins, a line each.

        Args:
            last_step: Step at which training ends.
        """

    def about(self) -> dict[str, Any]:
        """Returns facts worth a note in the log, such as the number of photos."""

    def readable(
        self, place: str, remedy: collections.abc.Callable[[], str]
    ) -> contextlib.AbstractContextManager[None]:
        """Turns errors in reading the data, and those of full disks and memory, into UserErrors.

        Args:
            place: Name of the run, which begins the message.
            remedy: Returns advice to the user, which ends the message.
        """

    def pairs(self, folder: Path) -> collections.abc.Sequence[tuple[np.ndarray, np.ndarray]]:
        """Returns pictures for the report of a finished run.

        Args:
            folder: The folder of the trained model.

        Returns:
            Pairs of a picture before and after, uint8 RGB [H, W, 3] each.
        """

    def advice(self, name: str) -> str:
        """Returns the command that uses the trained model, with a few words before it.

        Args:
            name: Shortest name of the model on the command line.
        """


# Creates a plan from a configuration; a receiver of notices, one line each; whether the run
# resumes; and the user's own batches, or None for the data that the configuration names.
Planner = collections.abc.Callable[
    [config.Config, Say, bool, collections.abc.Iterable[Any] | None], Plan
]
