"""Checkpoints: all that is needed to go on exactly where a run stopped."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import checkpoint_file, errors, run_folder
from fastnst.nets import transform_net

# For gradients in float16. The objective is so large that from Keras's own 2^15 the first twenty
# steps would overflow and be lost.
FIRST_LOSS_SCALE = 1.0
_PREFIX = "step"
_BEST = "best"
# How `tf.train.Checkpoint` names the entries of a dictionary that it knows as "average".
_NET, _VALUE, _SLASH = "average/", "/.ATTRIBUTES/VARIABLE_VALUE", ".S"


@dataclasses.dataclass
class State:
    """All that a run changes, and so all that a checkpoint holds.

    Attributes:
        net: The network that is trained.
        average: The same network with the moving average of its weights, which judges and paints:
            single steps jump about the goal, their mean is closer to it.
        optimizer: With its moments.
        step: int64 scalar, steps done.
        position: int64 scalar, photos taken from the data, unreadable ones included.
        best_loss: float32 scalar, the lowest validation loss so far.
        loss_scale: float32 scalar, what the optimizer multiplies the loss by where it computes
            in float16; elsewhere nobody looks at it.
    """

    net: transform_net.TransformNet
    average: transform_net.TransformNet
    optimizer: tf.keras.optimizers.Optimizer
    step: tf.Variable
    position: tf.Variable
    best_loss: tf.Variable
    loss_scale: tf.Variable

    @classmethod
    def new(
        cls,
        net: transform_net.TransformNet,
        average: transform_net.TransformNet,
        optimizer: tf.keras.optimizers.Optimizer,
    ) -> State:
        """The state before the first step.

        Args:
            net: The network.
            average: An equal one.
            optimizer: Built for its variables.
        """
        dynamic = getattr(optimizer, "dynamic_scale", None)
        fixed = tf.Variable(FIRST_LOSS_SCALE, trainable=False)
        # On the host, which sets it after each step; the step is counted where it is computed.
        with tf.device("CPU"):
            position = tf.Variable(0, dtype=tf.int64, trainable=False, name="position")
        return cls(
            net=net,
            average=average,
            optimizer=optimizer,
            step=tf.Variable(0, dtype=tf.int64, trainable=False, name="step"),
            position=position,
            best_loss=tf.Variable(np.inf, dtype=tf.float32, trainable=False, name="best_loss"),
            loss_scale=fixed if dynamic is None else dynamic.value,
        )


class Checkpointer:
    """Saves the state of a run; keeps the last few, and the best by validation loss."""

    def __init__(self, folder: Path, state: State, keep: int) -> None:
        """Makes nothing yet.

        Args:
            folder: The run's folder of checkpoints; the best lies in "best" below it.
            state: What to save and restore.
            keep: How many of the last to keep.
        """
        self._state = state
        checkpoint = tf.train.Checkpoint(
            # A variable is saved under the shortest path to it. As a module, the network would
            # lose some of its own to the optimizer, which knows them too.
            net=state.net.named_variables(),
            average=state.average.named_variables(),
            # Without what scales the loss around it, a run can go on in another precision.
            optimizer=getattr(state.optimizer, "inner_optimizer", state.optimizer),
            loss_scale=state.loss_scale,
            step=state.step,
            position=state.position,
            best_loss=state.best_loss,
        )
        self._best_folder = folder / _BEST
        self._last = tf.train.CheckpointManager(
            checkpoint, str(folder), max_to_keep=keep, checkpoint_name=_PREFIX
        )
        self._best = self._manage_best()

    @property
    def latest(self) -> str | None:
        """The newest checkpoint's path, as TensorFlow writes it."""
        return self._last.latest_checkpoint

    def restore(self) -> int:
        """Restores the newest checkpoint, if there is one.

        Returns:
            The step to go on from, 0 for a new run.

        Raises:
            UserError: If the checkpoint is damaged or is of another architecture.
        """
        if self.latest is None:
            return 0
        try:
            self._last.checkpoint.restore(self.latest).assert_consumed()
        # TensorFlow raises IndexError for a file cut short.
        except (AssertionError, IndexError, ValueError, tf.errors.OpError) as error:
            reason = str(error).strip().splitlines()[0]
            raise errors.UserError(
                f"{self.latest}: cannot go on from this checkpoint: it is damaged or of another "
                f"architecture ({reason}); start anew with --fresh, or train under another naming"
            ) from None
        if self._best.latest_checkpoint is None:
            self._state.best_loss.assign(np.inf)
        return int(self._state.step)

    def forget_best(self) -> Path | None:
        """Makes the next validation the best so far, for a run that goes on by other measures.

        Returns:
            Where the best until now is kept, or None if there was none.

        Raises:
            UserError: If it cannot be moved.
        """
        retired = run_folder.retire(self._best_folder)
        self._best = self._manage_best()
        self._state.best_loss.assign(np.inf)
        return retired

    def save(self) -> None:
        """Saves the state as it is, whole or not at all.

        Raises:
            UserError: If it cannot be written.
        """
        self._write(self._last)

    def save_best(self) -> None:
        """Saves the state as the best so far."""
        self._write(self._best)

    def _manage_best(self) -> tf.train.CheckpointManager:
        return tf.train.CheckpointManager(
            self._last.checkpoint, str(self._best_folder), max_to_keep=1, checkpoint_name=_PREFIX
        )

    def _write(self, manager: tf.train.CheckpointManager) -> None:
        try:
            manager.save(checkpoint_number=int(self._state.step))
        except (tf.errors.OpError, OSError) as error:
            reason = str(error).strip().splitlines()[0]
            raise errors.UserError(
                f"{manager.directory}: the checkpoint of step {int(self._state.step)} cannot be "
                f"written ({reason}); make room and run the same command again, which goes on "
                f"from {self.latest or 'the beginning'}"
            ) from None


def newest(folder: Path) -> str | None:
    """Finds the checkpoint to paint with below a run's folder: the best one, else the last."""
    return tf.train.latest_checkpoint(str(folder / _BEST)) or tf.train.latest_checkpoint(
        str(folder)
    )


def read_net(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the weights to paint with, from a checkpoint of a run or from a shipped file.

    Args:
        path: As `newest` returns it.

    Returns:
        float32 arrays, named as `TransformNet.tensors` names them.

    Raises:
        UserError: If there is no checkpoint.
    """
    tensors = checkpoint_file.read_checkpoint(path, _NET)
    if not tensors:
        return checkpoint_file.read_checkpoint(path)
    return {
        name.removeprefix(_NET).removesuffix(_VALUE).replace(_SLASH, "/"): tensor
        for name, tensor in tensors.items()
    }
