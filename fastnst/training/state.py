"""The counters of a run, which the engine saves beside the variables of the task."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class State:
    """How far a run has come.

    Attributes:
        step: int64 scalar, steps done.
        position: int64 scalar, items taken from the data, unreadable ones included.
        best_loss: float32 scalar, lowest validation value of the headline metric.
    """

    step: tf.Variable
    position: tf.Variable
    best_loss: tf.Variable

    @classmethod
    def new(cls) -> State:
        """Returns the state before the first step."""
        # The host sets the position after each step; the step is counted where it is computed.
        with tf.device("CPU"):
            position = tf.Variable(0, dtype=tf.int64, trainable=False, name="position")
        return cls(
            step=tf.Variable(0, dtype=tf.int64, trainable=False, name="step"),
            position=position,
            best_loss=tf.Variable(np.inf, dtype=tf.float32, trainable=False, name="best_loss"),
        )

    def kept(self) -> dict[str, tf.Variable]:
        """Returns the counters by name, for a checkpoint."""
        return {"step": self.step, "position": self.position, "best_loss": self.best_loss}
