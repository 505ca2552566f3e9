"""A training run, built from its configuration."""

from __future__ import annotations

import collections.abc
import dataclasses
import logging
from pathlib import Path
from typing import Any

import tensorflow as tf

from fastnst import checkpoint_file, cluster, config, devices, errors, events, files, locks
from fastnst.config import schema
from fastnst.models import descriptions, metrics_log, run_folder, store
from fastnst.training import actions as standard_actions
from fastnst.training import engine as engine_module
from fastnst.training import task as task_module
from fastnst.training.tasks import (
    agreement,
    classification_plan,
    contents,
    plan,
    resumption,
    style_plan,
    translation_plan,
)

# The plans by task.
PLANS: dict[str, plan.Planner] = {
    schema.STYLE: style_plan.StylePlan,
    schema.TRANSLATION: translation_plan.TranslationPlan,
    schema.CLASSIFICATION: classification_plan.ClassificationPlan,
}
# How often a run with `on_nan: rewind` goes back, per command.
_REWINDS = 3
_LOG = logging.getLogger("fastnst")


@dataclasses.dataclass(frozen=True)
class Session:
    """A training run, ready to start or to resume.

    Attributes:
        settings: Its configuration.
        folder: Its folder.
        plan: What it trains, and on what.
        task: The task, as the plan made it.
        engine: The engine, restored.
        start_step: Step to resume from, 0 for a new run.
        last_step: Step at which training ends.
        feed: The batches.
        lock: Keeps other processes from writing to the folder; None if this one does not write.
    """

    settings: config.Config
    folder: run_folder.RunFolder
    plan: plan.Plan
    task: task_module.Task
    engine: engine_module.Engine
    start_step: int
    last_step: int
    feed: engine_module.Feed
    lock: locks.Lock | None

    @property
    def finished(self) -> bool:
        """Whether the run has reached its last step."""
        return self.start_step >= self.last_step

    def train(
        self,
        further: collections.abc.Sequence[events.Action] = (),
        should_stop: collections.abc.Callable[[], bool] = lambda: False,
    ) -> events.Finished:
        """Trains to the last step, or until asked to stop.

        Args:
            further: Actions besides the standard ones.
            should_stop: Called after each step; training stops once it returns True.

        Returns:
            The last event.

        Raises:
            UserError: If the run cannot continue; the message names the checkpoint that the same
                command resumes from.
        """

        def remedy() -> str:
            latest = self.engine.checkpointer.latest or "the beginning"
            return f"run the same command again, which resumes from {latest}"

        with self.plan.readable(str(self.folder.path), remedy):
            return self.engine.train(
                self.feed,
                last_step=self.last_step,
                batch_size=self.settings.data.batch_size,
                actions=[
                    *standard_actions.standard(self.folder, self.settings.intervals),
                    *further,
                ],
                about={"device": devices.describe(), **self.plan.about()},
                should_stop=should_stop,
            )


def train(
    settings: str | Path | collections.abc.Mapping[str, Any] | config.Config,
    *,
    on_event: events.Action | None = None,
    dataset: collections.abc.Iterable[Any] | None = None,
    fresh: bool = False,
) -> Path:
    """Trains with a configuration; see `fastnst.train`."""
    chosen = resolve(settings, fresh=fresh)
    session = open_session(chosen, _LOG.info, fresh=fresh, dataset=dataset)
    if not session.finished:
        session.train([on_event] if on_event else [])
    return session.folder.path


def resolve(
    settings: str | Path | collections.abc.Mapping[str, Any] | config.Config,
    *,
    fresh: bool = False,
    **options: Any,
) -> config.Config:
    """Reads a configuration, and resolves `recipe: auto` from the device and the run to resume.

    Args:
        settings: A conf file or the name of one, a mapping of its keys, or a configuration, which
            is returned unchanged.
        fresh: Whether to ignore an earlier run of the same name, because it will be moved aside.
        **options: Further arguments of `config.load` or `config.from_mapping`.

    Raises:
        UserError: If there are problems; the message lists all of them, one per line.
    """
    if isinstance(settings, config.Config):
        return settings

    def read(**further: Any) -> config.Config:
        if isinstance(settings, str | Path):
            return config.load(settings, **options, **further)
        return config.from_mapping(settings, **options, **further)

    folder = run_folder.RunFolder(read().run_dir)
    begun = None if fresh else resumption.begun_recipe(folder)
    return read(gpu=devices.has_gpu(), begun=begun)


def open_session(
    settings: config.Config,
    say: plan.Say,
    *,
    fresh: bool = False,
    dataset: collections.abc.Iterable[Any] | None = None,
) -> Session:
    """Builds a run, and checks all input before it writes anything.

    Args:
        settings: The configuration.
        say: Receives notices, one line each.
        fresh: Whether to move an earlier run of this name out of the way.
        dataset: Batches of photos, float32 RGB [B, H, W, 3] in [0, 255] of one size; None for the
            data that the configuration names.

    Raises:
        UserError: If a file that the configuration names is missing or invalid, or if the folder
            holds a run that cannot resume with this configuration.
    """
    devices.compute_exactly(settings.computing.deterministic)
    strategy = _connect(settings, say, custom=dataset is not None)
    folder = run_folder.RunFolder(settings.run_dir)
    begun = not fresh and checkpoint_file.newest(folder.checkpoints) is not None
    planned = PLANS[settings.task](settings, say, begun, dataset)
    found = planned.digests()
    with planned.readable(str(folder.path), lambda: "run the same command again"):
        agreement.check(strategy, settings, planned, found)
    batches = planned.feed(strategy)
    last_step = _last_step(settings, planned.count)
    if not begun and not fresh and store.has_weights(folder.path):
        raise errors.UserError(
            f"naming: {folder.path} holds the weights of a network, not a run; choose another "
            "naming, or start over with --fresh, which moves it aside"
        )
    with strategy.scope():
        task = planned.make(last_step)

    # If several processes train one network, only the chief writes files.
    lock = None
    if devices.is_chief(strategy):
        lock = folder.hold()
        if fresh and (retired := files.retire(folder.path)):
            say(f"the earlier {folder.path} is kept as {retired}")
        folder.prepare(settings.intervals.keep_checkpoints)
        folder.sweep()
        metrics_log.read(folder.metrics, say)
    changes = resumption.changes(settings.flat(), folder, found)
    trainer = engine_module.Engine(
        task,
        folder.checkpoints,
        settings.intervals,
        strategy=strategy,
        xla=devices.use_xla(settings.computing.xla, strategy.num_replicas_in_sync),
        rewinds=_REWINDS if settings.training.on_nan == "rewind" else 0,
    )
    with planned.readable(str(folder.path), lambda: "run the same command again"):
        start_step = trainer.restore(say)
    # A finished run stays unchanged, even if its configuration differs now.
    if start_step < last_step:
        for key, (before, now) in changes.items():
            say(f"resuming with a changed {key}: {before} -> {now}")
        for notice in planned.notices(last_step):
            say(notice)
        if devices.is_chief(strategy):
            if resumption.affects_validation(changes) and (
                retired := trainer.checkpointer.forget_best()
            ):
                say(f"the best checkpoint under the earlier settings is kept as {retired}")
            files.write(folder.config, settings.to_yaml())
            files.write(folder.path / descriptions.FILE, planned.description)
            contents.write(folder, found)
            planned.record(folder)
    return Session(
        settings=settings,
        folder=folder,
        plan=planned,
        task=task,
        engine=trainer,
        start_step=start_step,
        last_step=last_step,
        feed=batches,
        lock=lock,
    )


def _connect(settings: config.Config, say: plan.Say, custom: bool) -> tf.distribute.Strategy:
    """Returns the strategy of the devices, or of the cluster that `TF_CONFIG` describes.

    Args:
        settings: The configuration.
        say: Receives notices, one line each.
        custom: Whether the data set is custom, whose batches are not split among devices.

    Raises:
        UserError: If a custom data set would have to be split among the workers of a cluster.
    """
    nodes = cluster.from_environment()
    if custom:
        if nodes:
            raise errors.UserError(
                "dataset: a custom data set cannot be split among the workers of a cluster; unset "
                f"{cluster.VARIABLE}"
            )
        return tf.distribute.get_strategy()
    if nodes and nodes.is_chief:
        others = ", ".join(nodes.addresses[1:])
        say(f"waiting at {nodes.addresses[0]} for the workers at {others}")
    strategy = devices.make_strategy(
        settings.data.batch_size, count=settings.computing.devices, nodes=nodes
    )
    _report_idle_gpus(settings, strategy, say)
    return strategy


def _last_step(settings: config.Config, count: int | None) -> int:
    if settings.training.max_steps:
        return settings.training.max_steps
    if count is None:
        raise errors.UserError(
            "max_steps: the size of a custom data set is unknown; set the number of steps"
        )
    return settings.training.epoch * count // settings.data.batch_size


def _report_idle_gpus(
    settings: config.Config, strategy: tf.distribute.Strategy, say: plan.Say
) -> None:
    gpus = len(tf.config.list_logical_devices("GPU"))
    if isinstance(settings.computing.devices, int):
        gpus = settings.computing.devices
    if strategy.num_replicas_in_sync < gpus:
        say(
            f"batch_size: {settings.data.batch_size} can be split evenly among only "
            f"{strategy.num_replicas_in_sync} of {gpus} GPUs; a multiple of {gpus} uses all of them"
        )
