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
        """Prepares to save; nothing is written yet.

        Args:
            folder: The run's folder of checkpoints; the best one lies in "best" below it.
            task: Everything that it keeps is saved.
            state: The counters, saved too.
            keep: How many of the last checkpoints to keep.
        """
        self._task, self._state = task, state
        self._folder, self._best = folder, folder / checkpoint_file.BEST
        self._keep = {self._folder: keep, self._best: 1}
        self._checkpoint = tf.train.Checkpoint(**task.kept(), **state.kept())
        # Checkpoints of earlier releases hold it, so it is saved and restored.
        assert self._checkpoint.save_counter is not None
        # Those that this process has read or written: no others are replaced or deleted.
        self._known: set[str] = set()

    @property
    def latest(self) -> str | None:
        """Path of the newest checkpoint, as TensorFlow writes it."""
        return next(reversed(checkpoint_file.saved(self._folder)), None)

    @property
    def variables(self) -> list[tf.Variable]:
        """Everything that a checkpoint holds, in an order that depends on the task only."""
        kept = tf.nest.flatten({**self._task.kept(), **self._state.kept()})
        # An optimizer has several, which Keras wraps.
        found = [variable for each in kept for variable in getattr(each, "variables", [each])]
        return [each.value if isinstance(each, tf.keras.Variable) else each for each in found]

    def restore(self, say: collections.abc.Callable[[str], None]) -> int:
        """Restores the newest intact checkpoint, if there is one; without any, the best one.

        Args:
            say: Receives a line for each newer one that is damaged. These are renamed.

        Returns:
            The step to resume from, 0 for a new run.

        Raises:
            UserError: If all are damaged or of another architecture.
        """
        last, best = checkpoint_file.saved(self._folder), checkpoint_file.saved(self._best)
        refused: dict[str, str] = {}
        for path in (*reversed(last), *reversed(best)):
            try:
                self._restore(path)
                break
            # TensorFlow raises IndexError for a truncated file.
            except (AssertionError, IndexError, ValueError, tf.errors.OpError) as error:
                refused[path] = errors.reason(error)
        else:
            if not refused:
                return 0
            path, reason = next(iter(refused.items()))
            raise errors.UserError(
                f"{path}: cannot resume from this checkpoint, nor from an earlier one: damaged, or "
                f"of another architecture ({reason}); start over with --fresh, or train under "
                "another naming"
            )
        for damaged, reason in refused.items():
            say(f"{damaged}: is damaged ({reason}) and kept aside; resuming from an earlier one")
            _retire(damaged)
        self._known = {*last, *best} - refused.keys()
        if not checkpoint_file.saved(self._best):
            self._state.best_loss.assign(np.inf)
        return int(self._state.step)

    def rewind(self) -> None:
        """Restores the newest checkpoint, which this run has read or written."""
        *_, newest = checkpoint_file.saved(self._folder)
        self._restore(newest)

    def forget_best(self) -> Path | None:
        """Makes the next validation the best so far, for a run whose objective has changed.

        Returns:
            The folder that keeps the best checkpoint until now, or None if there was none.

        Raises:
            UserError: If it cannot be moved.
        """
        retired = files.retire(self._best)
        self._state.best_loss.assign(np.inf)
        return retired

    def save(self) -> str:
        """Saves the task as it is, whole or not at all; returns the checkpoint's path.

        Raises:
            UserError: If it cannot be written.
        """
        return self._write(self._folder)

    def save_best(self) -> str:
        """Saves the task as the best so far; returns the checkpoint's path."""
        return self._write(self._best)

    def _restore(self, path: str) -> None:
        # TensorFlow writes to any path, but takes brackets for wildcards when it reads.
        with files.plain(Path(path).parent) as folder:
            plain = str(folder / Path(path).name)
            if self._task.restore_older(plain):
                counters = tf.train.Checkpoint(**self._state.kept())
                counters.restore(plain).assert_existing_objects_matched().expect_partial()
            else:
                self._checkpoint.restore(plain).assert_consumed()

    def _write(self, folder: Path) -> str:
        step = int(self._state.step)
        path = str(folder / f"{checkpoint_file.PREFIX}-{step}")
        try:
            if path not in self._known:
                _retire(path)
            folder.mkdir(parents=True, exist_ok=True)
            self._checkpoint.write(path)
            self._known.add(path)
            kept = [each for each in checkpoint_file.saved(folder) if each in self._known]
            for old in kept[: -self._keep[folder]]:
                for part in checkpoint_file.parts(old):
                    part.unlink(missing_ok=True)
            checkpoint_file.note(folder, kept[-self._keep[folder] :])
        except (tf.errors.OpError, OSError) as error:
            place = self.latest or "the beginning"
            raise errors.UserError(
                f"{folder}: the checkpoint of step {step} cannot be written "
                f"({errors.reason(error)}); make room and run the same command again, which "
                f"resumes from {place}"
            ) from None
        return path


def _retire(path: str) -> None:
    """Renames the files of a checkpoint, so that it counts no more and nothing is lost."""
    for part in checkpoint_file.parts(path):
        files.retire(part)
