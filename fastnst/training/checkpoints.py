"""Checkpoints: all that is needed to go on exactly where a run stopped."""

from __future__ import annotations

import collections.abc
import dataclasses
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import checkpoint_file, errors, files
from fastnst.nets import transform_net

# For gradients in float16. The objective is so large that from Keras's own 2^15 the first twenty
# steps would overflow and be lost.
FIRST_LOSS_SCALE = 1.0


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
        self._folder, self._keep = folder, keep
        self._checkpoint = tf.train.Checkpoint(
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
        self._last = self._manage(folder, keep)
        self._best = self._manage(folder / checkpoint_file.BEST, 1)

    @property
    def latest(self) -> str | None:
        """The newest checkpoint's path, as TensorFlow writes it."""
        return self._last.latest_checkpoint

    def restore(self, say: collections.abc.Callable[[str], None]) -> int:
        """Restores the newest checkpoint that is whole, if there is one.

        Args:
            say: Told of newer ones that are damaged. They are forgotten.

        Returns:
            The step to go on from, 0 for a new run.

        Raises:
            UserError: If all are damaged or of another architecture.
        """
        refused: dict[str, str] = {}
        found = checkpoint_file.saved(self._folder)
        for path in reversed(found):
            try:
                self._checkpoint.restore(path).assert_consumed()
                break
            # TensorFlow raises IndexError for a file cut short.
            except (AssertionError, IndexError, ValueError, tf.errors.OpError) as error:
                refused[path] = str(error).strip().splitlines()[0]
        else:
            if not refused:
                return 0
            path, reason = next(iter(refused.items()))
            raise errors.UserError(
                f"{path}: cannot go on from this checkpoint, nor from one before: damaged, or of "
                f"another architecture ({reason}); start anew with --fresh, or train under another "
                "naming"
            )
        if refused:
            for damaged, reason in refused.items():
                say(f"{damaged}: is damaged ({reason}); going on from the one before it")
            checkpoint_file.note(self._folder, [path for path in found if path not in refused])
            self._last = self._manage(self._folder, self._keep)
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
        retired = files.retire(self._folder / checkpoint_file.BEST)
        self._best = self._manage(self._folder / checkpoint_file.BEST, 1)
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

    def _manage(self, folder: Path, keep: int) -> tf.train.CheckpointManager:
        if checkpoint_file.noted(folder) is None and (there := checkpoint_file.saved(folder)):
            checkpoint_file.note(folder, there)
        return tf.train.CheckpointManager(
            self._checkpoint, str(folder), max_to_keep=keep, checkpoint_name=checkpoint_file.PREFIX
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
