"""A training run, built from its configuration."""

from __future__ import annotations

import collections.abc
import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from fastnst import (
    checkpoint_file,
    cluster,
    config,
    data,
    devices,
    errors,
    events,
    files,
    images,
    locks,
)
from fastnst.data import feed, service
from fastnst.losses import perceptual
from fastnst.models import descriptions, metrics_log, model, run_folder, store
from fastnst.nets import transform_net
from fastnst.training import actions as standard_actions
from fastnst.training import engine as engine_module
from fastnst.training.tasks import contents, inputs, resumption, start, style_transfer, targets

# Fewer steps give no usable style.
_FEW_STEPS = 300
# How often a run with `on_nan: rewind` goes back, per command.
_REWINDS = 3
_LOG = logging.getLogger("fastnst")
Say = collections.abc.Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Session:
    """A training run, ready to start or to resume.

    Attributes:
        settings: Its configuration.
        folder: Its folder.
        task: The task.
        engine: The engine, restored.
        start_step: Step to resume from, 0 for a new run.
        last_step: Step at which training ends.
        feed: The batches.
        validation: The validation photos' files.
        source: The photos to train on; None for a custom data set.
        lock: Keeps other processes from writing to the folder; None if this one does not write.
    """

    settings: config.Config
    folder: run_folder.RunFolder
    task: style_transfer.StyleTransfer
    engine: engine_module.Engine
    start_step: int
    last_step: int
    feed: engine_module.Feed
    validation: tuple[Path, ...]
    source: data.PhotoSource | None
    lock: locks.Lock | None

    @property
    def data_set(self) -> str:
        """A description of the photos to train on, in a few words."""
        return self.source.description if self.source else "a custom data set"

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
        about: dict[str, Any] = {"device": devices.describe()}
        if self.source:
            about["photos"] = self.source.count

        def remedy() -> str:
            latest = self.engine.checkpointer.latest or "the beginning"
            return f"run the same command again, which resumes from {latest}"

        with inputs.readable(self.source, str(self.folder.path), remedy):
            return self.engine.train(
                self.feed,
                last_step=self.last_step,
                batch_size=self.settings.data.batch_size,
                actions=[
                    *standard_actions.standard(self.folder, self.settings.intervals),
                    *further,
                ],
                about=about,
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
    say: Say,
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
            photos that the configuration names.

    Raises:
        UserError: If a file that the configuration names is missing or invalid, or if the folder
            holds a run that cannot resume with this configuration.
    """
    devices.compute_exactly(settings.computing.deterministic)
    nodes = cluster.from_environment()
    # The batches of a custom data set are not split among devices.
    strategy = tf.distribute.get_strategy()
    source: data.PhotoSource | None = None
    batches: engine_module.Feed
    if dataset is None:
        if nodes and nodes.is_chief:
            others = ", ".join(nodes.addresses[1:])
            say(f"waiting at {nodes.addresses[0]} for the workers at {others}")
        strategy = devices.make_strategy(
            settings.data.batch_size, count=settings.computing.devices, nodes=nodes
        )
        _report_idle_gpus(settings, strategy, say)
        source = inputs.open_dataset(settings.data)
        if settings.data.data_service is None:
            batches = feed.PhotoFeed(source, settings.data, strategy)
        else:
            service.check(settings.data.data_service, settings.data, source)
            batches = service.ServiceFeed(source, settings.data, strategy)
    elif nodes:
        raise errors.UserError(
            "dataset: a custom data set cannot be split among the workers of a cluster; unset "
            f"{cluster.VARIABLE}"
        )
    else:
        batches = feed.IterableFeed(dataset)
    validation, photos = inputs.read_validation(settings.data)
    last_step = _last_step(settings, source)
    if not settings.training.max_steps and last_step < _FEW_STEPS:
        say(
            f"epoch: {settings.training.epoch} passes over {source.count if source else 0} photos "
            f"are only {last_step} steps, which give no usable style; set max_steps, such as 1000, "
            "or use more photos"
        )
    dtype = devices.compute_dtype(settings.computing.precision)
    objectives, paintings = inputs.make_objectives(settings, dtype)
    folder = run_folder.RunFolder(settings.run_dir)
    begun = not fresh and checkpoint_file.newest(folder.checkpoints) is not None
    if not begun and not fresh and store.has_weights(folder.path):
        raise errors.UserError(
            f"naming: {folder.path} holds the weights of a network, not a run; choose another "
            "naming, or start over with --fresh, which moves it aside"
        )
    first = None if begun else start.first_model(settings, say)
    with strategy.scope():
        task = _make_task(settings, dtype, last_step, first, objectives, paintings, photos)

    # If several processes train one network, only the chief writes files.
    lock = None
    if devices.is_chief(strategy):
        lock = folder.hold()
        if fresh and (retired := files.retire(folder.path)):
            say(f"the earlier {folder.path} is kept as {retired}")
        folder.prepare(settings.intervals.keep_checkpoints)
        folder.sweep()
        metrics_log.read(folder.metrics, say)
    found = contents.digests(settings)
    changes = resumption.changes(settings.flat(), folder, found)
    trainer = engine_module.Engine(
        task,
        folder.checkpoints,
        settings.intervals,
        strategy=strategy,
        xla=devices.use_xla(settings.computing.xla, strategy.num_replicas_in_sync),
        rewinds=_REWINDS if settings.training.on_nan == "rewind" else 0,
    )
    with inputs.readable(source, str(folder.path), lambda: "run the same command again"):
        start_step = trainer.restore(say)
    # A finished run stays unchanged, even if its configuration differs now.
    if start_step < last_step:
        _report_settings(settings, changes, objectives, say)
        if devices.is_chief(strategy):
            _record(settings, folder, trainer, changes, say)
            contents.write(folder, found)
            targets.write(folder, paintings)
    return Session(
        settings=settings,
        folder=folder,
        task=task,
        engine=trainer,
        start_step=start_step,
        last_step=last_step,
        feed=batches,
        validation=validation,
        source=source,
        lock=lock,
    )


def _report_settings(
    settings: config.Config,
    changes: collections.abc.Mapping[str, tuple[Any, Any]],
    objectives: collections.abc.Mapping[str, perceptual.PerceptualLoss],
    say: Say,
) -> None:
    """Reports the settings that have changed, and the weights that `style_weight: auto` gives."""
    for key, (before, now) in changes.items():
        say(f"resuming with a changed {key}: {before} -> {now}")
    for name, style in settings.styles.items():
        if style.style_weight == "auto":
            which = f"{name}: " if len(settings.styles) > 1 else ""
            say(f"{which}style_weight: auto, computed as {objectives[name].weights.style:.3g}")


def _record(
    settings: config.Config,
    folder: run_folder.RunFolder,
    trainer: engine_module.Engine,
    changes: collections.abc.Mapping[str, tuple[Any, Any]],
    say: Say,
) -> None:
    """Writes the configuration and the description of the model into the run's folder."""
    if resumption.affects_validation(changes) and (retired := trainer.checkpointer.forget_best()):
        say(f"the best checkpoint under the earlier settings is kept as {retired}")
    files.write(folder.config, settings.to_yaml())
    files.write(folder.path / descriptions.FILE, start.describe(settings).to_json())


def _make_task(
    settings: config.Config,
    dtype: tf.DType,
    last_step: int,
    first: model.Model | None,
    objectives: dict[str, perceptual.PerceptualLoss],
    paintings: dict[str, list[np.ndarray]],
    photos: list[np.ndarray],
) -> style_transfer.StyleTransfer:
    described = start.describe(settings)
    net, average = (
        transform_net.TransformNet(
            start.architecture(settings),
            dtype,
            settings.data.seed,
            styles=described.rows,
            fused_norms=not devices.has_gpu(),
        )
        for _ in range(2)
    )
    if first is not None:
        with inputs.blaming("start_from"):
            tensors = start.adopt(
                first, described, lambda name: start.best_row(first, objectives[name], photos)
            )
            net.assign(tensors)
            average.assign(tensors)
    return style_transfer.StyleTransfer(
        net,
        average,
        style_transfer.make_optimizer(settings.training, last_step, described.rows, dtype),
        objectives,
        photos,
        identity=described.identity,
        decay=settings.training.average,
        scales=settings.training.scales,
        steady=settings.training.steady,
        wallpaper=settings.training.wallpaper,
        paintings={name: images.to_uint8(pictures[0]) for name, pictures in paintings.items()},
    )


def _last_step(settings: config.Config, source: data.PhotoSource | None) -> int:
    if settings.training.max_steps:
        return settings.training.max_steps
    if source is None:
        raise errors.UserError(
            "max_steps: the size of a custom data set is unknown; set the number of steps"
        )
    return settings.training.epoch * source.count // settings.data.batch_size


def _report_idle_gpus(settings: config.Config, strategy: tf.distribute.Strategy, say: Say) -> None:
    gpus = len(tf.config.list_logical_devices("GPU"))
    if isinstance(settings.computing.devices, int):
        gpus = settings.computing.devices
    if strategy.num_replicas_in_sync < gpus:
        say(
            f"batch_size: {settings.data.batch_size} can be split evenly among only "
            f"{strategy.num_replicas_in_sync} of {gpus} GPUs; a multiple of {gpus} uses all of them"
        )
