"""The engine: trains any task, step by step, and tells the actions about it.

engine = Engine(task, folder, intervals)
engine.restore(print)
engine.train(feed, last_step=1000, actions=[...])
"""

from __future__ import annotations

import collections
import collections.abc
import math
import queue
import time
from pathlib import Path
from typing import Any, TypeAlias

import tensorflow as tf

from fastnst import devices, errors, events, formatting
from fastnst.config import schema
from fastnst.training import checkpoints, divergence
from fastnst.training import state as state_module
from fastnst.training import task as task_module

# Takes the step and the position in the data to start at, and a function that receives the reason
# for each item that is skipped; yields batches, and the position after each.
Feed: TypeAlias = collections.abc.Callable[
    [int, int, collections.abc.Callable[[str], None]],
    collections.abc.Iterator[tuple[Any, int]],
]
# The metrics of so many steps are kept at most, for means and rates. Each step takes some KiB.
_WINDOW = 1000


class Engine:
    """Runs one task in one folder."""

    def __init__(
        self,
        task: task_module.Task,
        folder: Path,
        intervals: schema.Intervals,
        *,
        strategy: tf.distribute.Strategy | None = None,
        xla: bool = False,
        rewinds: int = 0,
    ) -> None:
        """Prepares to train; no checkpoint is written yet.

        Args:
            task: The task to train, made in the strategy's scope.
            folder: Folder of the run's checkpoints.
            intervals: Steps between validations, checkpoints and log entries.
            strategy: Distribution of each batch; None for one device.
            xla: Whether XLA compiles the step.
            rewinds: How often `train` goes back to the last checkpoint if it diverges, before it
                raises an error.
        """
        self.task = task
        self.intervals = intervals
        self.strategy = strategy or tf.distribute.get_strategy()
        self.state = state_module.State.new()
        self.checkpointer = checkpoints.Checkpointer(
            folder, task, self.state, intervals.keep_checkpoints
        )
        self._xla, self._rewinds = xla, rewinds

    def restore(self, say: collections.abc.Callable[[str], None]) -> int:
        """Restores the newest intact checkpoint; returns the step to resume from.

        Args:
            say: Receives a line for each checkpoint that is damaged.

        Raises:
            UserError: If no checkpoint is intact although there are some.
        """
        if devices.is_chief(self.strategy):
            self.checkpointer.restore(say)
        devices.share(self.strategy, self.checkpointer.variables)
        return int(self.state.step)

    def train(
        self,
        feed: Feed,
        *,
        last_step: int,
        batch_size: int = 1,
        actions: collections.abc.Sequence[events.Action] = (),
        about: collections.abc.Mapping[str, Any] | None = None,
        should_stop: collections.abc.Callable[[], bool] = lambda: False,
    ) -> events.Finished:
        """Steps until `last_step`, or until asked to stop; the state is then saved.

        Args:
            feed: Yields the batches from a step and position on.
            last_step: Step at which to end, counted from the first run; beyond the current one.
            batch_size: Items in one batch, for the rate.
            actions: Receive every event, in turn; one that raises ends the run.
            about: Facts worth a note, besides the task's own.
            should_stop: Called after each step.

        Returns:
            The last event.

        Raises:
            DivergedError: If a metric or a weight becomes NaN or infinite, or if the loss explodes.
            UserError: If a checkpoint cannot be written.
        """
        run = _Run(self, actions, last_step, batch_size)
        facts = {**(about or {}), **self.task.about()}
        run.start(facts)
        take_step = self.compile_step()
        # Inside a graph: a number from here would wait for the device that counts.
        advance = tf.function(lambda: self.state.step.assign_add(1), autograph=False)
        batches = feed(run.step, int(self.state.position), run.skipped.put)
        while run.step < last_step and not run.interrupted:
            # Names the step in a profile.
            with tf.profiler.experimental.Trace("train", step_num=run.step, _r=1):
                batch, position = next(batches)
                metrics = take_step(batch)
            advance()
            self.state.position.assign(position)
            try:
                run.after_step(metrics, devices.agree(self.strategy, should_stop()))
            except errors.DivergedError as error:
                self._rewind(run, error)
                run.start(facts)
                batches = feed(run.step, int(self.state.position), run.skipped.put)
        return run.finish()

    def _rewind(self, run: _Run, error: errors.DivergedError) -> None:
        """Goes back to the last checkpoint, and on to other batches than those that failed."""
        if run.rewound == self._rewinds or self.checkpointer.latest is None:
            raise error
        position = int(self.state.position)
        self.checkpointer.rewind()
        self.state.position.assign(position)
        run.rewind(str(error))

    def compile_step(self) -> collections.abc.Callable[[Any], events.Metrics]:
        """Builds the function that takes one step on a batch, on all devices."""
        task, strategy = self.task, self.strategy
        replica_step = task.step
        if self._xla:
            replica_step = tf.function(task.step, autograph=False, jit_compile=True)

        @tf.function(autograph=False)
        def take_step(batch: Any) -> events.Metrics:
            # Read here: a compiled function may be on a device that the counter is not on.
            step = tf.identity(self.state.step)
            metrics = strategy.run(replica_step, args=(batch, step))
            with strategy.scope():
                task.after_step(step)
            if strategy.num_replicas_in_sync == 1:
                return metrics
            # At once, because each exchange between devices takes a while.
            packed = strategy.run(lambda values: tf.stack(tf.nest.flatten(values)), args=(metrics,))
            means = strategy.reduce(tf.distribute.ReduceOp.MEAN, packed, axis=None)
            return tf.nest.pack_sequence_as(metrics, tf.unstack(means, len(metrics)))

        return take_step


class _Run:
    """One call of `Engine.train`: decides what is due after each step, in this order.

    Step, check for divergence, validation, best checkpoint, checkpoint.
    """

    def __init__(
        self,
        engine: Engine,
        actions: collections.abc.Sequence[events.Action],
        last_step: int,
        batch_size: int,
    ) -> None:
        self._engine = engine
        # Several processes train one network, and one of them writes.
        self._actions = actions if devices.is_chief(engine.strategy) else ()
        self._last_step, self._batch_size = last_step, batch_size
        self.step = self._checked = self._last_good = int(engine.state.step)
        self._watch = divergence.Watch()
        # Whether a checkpoint is due that waits until it is clear whether the run has diverged.
        self._unsaved = False
        self.interrupted, self.rewound = False, 0
        # Items are skipped in the thread that reads them; actions run in this one.
        self.skipped: queue.SimpleQueue[str] = queue.SimpleQueue()
        window = min(engine.intervals.log_every, _WINDOW)
        self._recent: collections.deque[events.Metrics] = collections.deque(maxlen=window)
        # A step that is only dispatched takes no time; the wait for it shows between the steps.
        self._clock = collections.deque([time.perf_counter()], maxlen=window + 1)

    def start(self, about: collections.abc.Mapping[str, Any]) -> None:
        task = self._engine.task
        self._emit(
            events.Started(
                self.step,
                self._last_step,
                task.metric_names,
                about,
                task.references(),
                task.items,
            )
        )

    def rewind(self, reason: str) -> None:
        """Continues from the restored state."""
        self.rewound += 1
        self.step = self._checked = self._last_good = int(self._engine.state.step)
        self._watch.rewind()
        self._unsaved = False
        self._recent.clear()
        self._clock.clear()
        self._clock.append(time.perf_counter())
        self._emit(events.Rewound(self.step, reason))

    def after_step(self, metrics: events.Metrics, stop: bool) -> None:
        self.step += 1
        self.interrupted = stop and self.step < self._last_step
        self._recent.append(metrics)
        self._clock.append(time.perf_counter())
        seconds = self._clock[-1] - self._clock[0]
        event = events.Step(
            self.step,
            self._last_step,
            self._batch_size * (len(self._clock) - 1) / seconds,
            self.interrupted,
            tuple(self._recent),
        )
        intervals = self._engine.intervals
        judging = event.due(intervals.preview_every)
        ending = self.interrupted or event.finished
        saving = event.due(intervals.checkpoint_every) or self.interrupted or self._unsaved
        if judging or saving or event.due(intervals.log_every):
            # Before anything of this step is logged or saved.
            # Not by name: variables of a task may share one.
            weights = [
                (variable.name, bool(tf.reduce_all(tf.math.is_finite(variable))))
                for variable in self._engine.task.variables
            ]
            self._check([*_finite(event.mean_metrics), *weights])
            self._check_loss()
        while not self.skipped.empty():
            self._emit(events.Skipped(self.skipped.get()))
        self._emit(event)
        if judging:
            self._judge()
        self._unsaved = saving and self._watch.suspects and not ending
        if saving and not self._unsaved and devices.is_chief(self._engine.strategy):
            self._emit(events.Saved(self.step, self._engine.checkpointer.save()))

    def finish(self) -> events.Finished:
        event = events.Finished(self.step, self._last_step)
        self._emit(event)
        return event

    def _judge(self) -> None:
        engine = self._engine
        judgement = engine.task.validate()
        # The validation shows the effect of the last step, which its own loss does not.
        self._check(_finite(judgement.metrics))
        self._emit(
            events.Judged(
                self.step,
                judgement.metrics,
                judgement.inputs,
                judgement.outputs,
                judgement.samples,
            )
        )
        value = judgement.metrics[engine.task.metric_names[0]]
        if value < float(engine.state.best_loss):
            engine.state.best_loss.assign(value)
            if devices.is_chief(engine.strategy):
                self._emit(events.Saved(self.step, engine.checkpointer.save_best(), best=True))

    def _check(self, finite: collections.abc.Iterable[tuple[str, bool]]) -> None:
        broken = [name for name, is_finite in finite if not is_finite]
        if broken:
            raise self._diverged("became NaN or infinite", ", ".join(broken[:3]))

    def _check_loss(self) -> None:
        """Checks the losses of the steps since the last check."""
        task, watch = self._engine.task, self._watch
        unchecked = list(self._recent)[self._checked - self.step :]
        wanted = (*([task.loss] if task.loss else []), *task.metric_names)
        names = [name for name in wanted if name in unchecked[-1]]
        if names:
            watch.see(float(metrics[names[0]]) for metrics in unchecked)
        if watch.diverged:
            now, usual = map(formatting.short, (float(unchecked[-1][names[0]]), watch.usual))
            raise self._diverged("exploded", f"{names[0]} {now}, usually {usual}")
        self._checked = self.step
        if not watch.suspects:
            self._last_good = self.step

    def _diverged(self, how: str, what: str) -> errors.DivergedError:
        last = self._engine.checkpointer.latest or "none yet"
        first = min(self._last_good + 1, self.step)
        return errors.DivergedError(
            f"the loss {how} between steps {first} and {self.step} ({what}); "
            f"the last good checkpoint is {last}. Run again to resume from it, with a lower "
            "learning rate, in float32, or with on_nan: rewind"
        )

    def _emit(self, event: events.Event) -> None:
        for action in self._actions:
            action(event)


def _finite(metrics: collections.abc.Mapping[str, float]) -> list[tuple[str, bool]]:
    return [(name, math.isfinite(value)) for name, value in metrics.items()]
