"""Checkpoints: everything needed to resume a run exactly."""

from __future__ import annotations

import collections.abc
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import checkpoint_file, errors, files
from fastnst.training import state as state_module
from fastnst.training import task as task_module


class Checkpointer:
    """Saves a task and its counters; keeps the last few checkpoints, and the best one."""

    def __init__(
        self, folder: Path, task: task_module.Task, state: state_module.State, keep: int
    ) -> None:
        """Prepares to save; no checkpoint is written yet.

        Args:
            folder: The run's folder of checkpoints; the best one lies in "best" below it.
            task: Everything that it keeps is saved.
            state: The counters, saved too.
            keep: How many of the last checkpoints to keep.
        """
        self._task, self._state = task, state
        self._folder, self._keep = folder, keep
        self._checkpoint = tf.train.Checkpoint(**task.kept(), **state.kept())
        self._last = self._manage(folder, keep)
        self._best = self._manage(folder / checkpoint_file.BEST, 1)

    @property
    def latest(self) -> str | None:
        """Path of the newest checkpoint, as TensorFlow writes it."""
        return self._last.latest_checkpoint

    @property
    def variables(self) -> list[tf.Variable]:
        """Everything that a checkpoint holds, in an order that depends on the task only."""
        kept = tf.nest.flatten({**self._task.kept(), **self._state.kept()})
        # An optimizer has several, which Keras wraps.
        found = [variable for each in kept for variable in getattr(each, "variables", [each])]
        return [each.value if isinstance(each, tf.keras.Variable) else each for each in found]

    def restore(self, say: collections.abc.Callable[[str], None]) -> int:
        """Restores the newest intact checkpoint, if there is one.

        Args:
            say: Receives a line for each newer one that is damaged. These are forgotten.

        Returns:
            The step to resume from, 0 for a new run.

        Raises:
            UserError: If all are damaged or of another architecture.
        """
        refused: dict[str, str] = {}
        found = checkpoint_file.saved(self._folder)
        for path in reversed(found):
            try:
                self._restore(path)
                break
            # TensorFlow raises IndexError for a truncated file.
            except (AssertionError, IndexError, ValueError, tf.errors.OpError) as error:
                refused[path] = str(error).strip().splitlines()[0]
        else:
            if not refused:
                return 0
            path, reason = next(iter(refused.items()))
            raise errors.UserError(
                f"{path}: cannot resume from this checkpoint, nor from an earlier one: damaged, or "
                f"of another architecture ({reason}); start over with --fresh, or train under "
                "another naming"
            )
        if refused:
            for damaged, reason in refused.items():
                say(f"{damaged}: is damaged ({reason}); resuming from the one before it")
            checkpoint_file.note(self._folder, [path for path in found if path not in refused])
            self._last = self._manage(self._folder, self._keep)
        if self._best.latest_checkpoint is None:
            self._state.best_loss.assign(np.inf)
        return int(self._state.step)

    def forget_best(self) -> Path | None:
        """Makes the next validation the best so far, for a run whose objective has changed.

        Returns:
            The folder that keeps the best checkpoint until now, or None if there was none.

        Raises:
            UserError: If it cannot be moved.
        """
        retired = files.retire(self._folder / checkpoint_file.BEST)
        self._best = self._manage(self._folder / checkpoint_file.BEST, 1)
        self._state.best_loss.assign(np.inf)
        return retired

    def save(self) -> str:
        """Saves the task as it is, whole or not at all; returns the checkpoint's path.

        Raises:
            UserError: If it cannot be written.
        """
        return self._write(self._last)

    def save_best(self) -> str:
        """Saves the task as the best so far; returns the checkpoint's path."""
        return self._write(self._best)

    def _restore(self, path: str) -> None:
        if self._task.restore_older(path):
            counters = tf.train.Checkpoint(**self._state.kept())
            counters.restore(path).assert_existing_objects_matched().expect_partial()
        else:
            self._checkpoint.restore(path).assert_consumed()

    def _manage(self, folder: Path, keep: int) -> tf.train.CheckpointManager:
        unnoted = checkpoint_file.noted(folder) is None
        if unnoted and (there := checkpoint_file.saved(folder)):
            checkpoint_file.note(folder, there)
        return tf.train.CheckpointManager(
            self._checkpoint,
            str(folder),
            max_to_keep=keep,
            checkpoint_name=checkpoint_file.PREFIX,
        )

    def _write(self, manager: tf.train.CheckpointManager) -> str:
        try:
            return manager.save(checkpoint_number=int(self._state.step))
        except (tf.errors.OpError, OSError) as error:
            reason = str(error).strip().splitlines()[0]
            raise errors.UserError(
                f"{manager.directory}: the checkpoint of step {int(self._state.step)} cannot be "
                f"written ({reason}); make room and run the same command again, which resumes "
                f"from {self.latest or 'the beginning'}"
            ) from None
