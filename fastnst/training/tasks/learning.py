"""Adds a style to a trained model by training its row; the kernels stay unchanged."""

from __future__ import annotations

import collections.abc
import dataclasses
import tempfile
from pathlib import Path

from fastnst import cluster, config, devices, errors, events, files, images
from fastnst.data import feed
from fastnst.models import descriptions, learned, restore, store
from fastnst.training import engine
from fastnst.training.tasks import inputs, start, style_transfer


@dataclasses.dataclass(frozen=True)
class Learned:
    """The result of learning a style.

    Attributes:
        folder: Folder of the model that it was learned for.
        finished: The last event.
        added: Whether the style was added; an interrupted run does not replace an earlier style.
    """

    folder: Path
    finished: events.Finished
    added: bool = True


def learn(
    settings: config.Config,
    into: store.Reference,
    *,
    actions: collections.abc.Sequence[events.Action] = (),
    should_stop: collections.abc.Callable[[], bool] = lambda: False,
) -> Learned:
    """Learns the row of one style, and adds it to a model's folder.

    Training starts from the row of the model that suits the painting best. All other styles of the
    model stay unchanged, bit for bit. A model that comes with the package is first copied to
    ./models, where it takes precedence.

    Args:
        settings: The configuration of a model of this one style, named after it; the network's
            section is ignored.
        into: The model to add the style to.
        actions: Receive all events.
        should_stop: Called after each step; training stops once it returns True.

    Returns:
        The result. If training was stopped early, the row is still added, unless the model has an
        earlier one of that name.

    Raises:
        UserError: If a file is missing or invalid, or the model was itself trained in a style of
            that name; or if `TF_CONFIG` names several processes.
    """
    (name,) = settings.styles
    if cluster.from_environment():
        raise errors.UserError(
            "fastnst learn trains a row in one process; unset "
            f"{cluster.VARIABLE}, which names several"
        )
    if not into.path.is_dir():
        raise errors.UserError(f"{into.path}: is a file; name the folder of a model")
    steps = settings.training.max_steps
    if steps is None:
        raise errors.UserError("max_steps: has no value; set the number of steps")
    dtype = devices.compute_dtype(settings.computing.precision)
    restored = restore.load(into, dtype, fused_norms=not devices.has_gpu())
    if name in restored.description.names and name not in store.learned_names(into.folder):
        raise errors.UserError(
            f"--name {name}: {into.folder} already has a style of that name; choose another"
        )
    folder = _own_folder(into)
    source = inputs.open_dataset(settings.data)
    _, photos = inputs.read_validation(settings.data)
    objectives, paintings = inputs.make_objectives(settings, dtype)
    row = start.best_row(restored, objectives[name], photos)
    strategy = devices.make_strategy(settings.data.batch_size)
    with strategy.scope():
        net, average = (restored.net.with_frozen_kernels(row) for _ in range(2))
        task = style_transfer.StyleTransfer(
            net,
            average,
            style_transfer.make_optimizer(settings.training, steps, 1, dtype),
            objectives,
            photos,
            decay=settings.training.average,
            scales=settings.transfer.scales,
            steady=settings.transfer.steady,
            wallpaper=settings.transfer.wallpaper,
            paintings={name: images.to_uint8(paintings[name][0])},
        )
    with (
        tempfile.TemporaryDirectory() as scratch,
        inputs.readable(source, name, lambda: "run the same command again"),
    ):
        trainer = engine.Engine(
            task,
            Path(scratch),
            settings.intervals,
            strategy=strategy,
            xla=devices.use_xla(settings.computing.xla, strategy.num_replicas_in_sync),
        )
        finished = trainer.train(
            feed.PhotoFeed(source, settings.data, strategy),
            last_step=steps,
            batch_size=settings.data.batch_size,
            actions=actions,
            about={"photos": source.count, "device": devices.describe()},
            should_stop=should_stop,
        )
    if finished.interrupted and name in store.learned_names(folder):
        return Learned(folder, finished, added=False)
    if folder != into.folder:
        _copy(into.folder, folder)
    style = descriptions.Style(name, settings.styles[name].style_image)
    learned.add(folder, style, average.table.numpy()[0], restored.net)
    return Learned(folder, finished)


def _own_folder(into: store.Reference) -> Path:
    """Returns the folder to add a row to: the model's, or one in ./models for a shipped model.

    Raises:
        UserError: If that folder in ./models exists already.
    """
    if into.folder.parent != store.SHIPPED.resolve():
        return into.folder
    folder = Path("models") / into.folder.name
    if folder.exists():
        raise errors.UserError(
            f"{folder}: exists already, so {into.folder} cannot be copied to it; move it away, or "
            "name another model with --into"
        )
    return folder


def _copy(shipped: Path, folder: Path) -> None:
    """Copies a model that comes with the package, without its card, which shows its own styles."""
    for path in sorted(shipped.iterdir()):
        if path.is_file() and path.suffix != ".md":
            files.write(folder / path.name, files.read(path))
