"""Builds a run from its configuration: the one module that sees both."""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import math
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import checkpoint_file, config, data, devices, errors, images
from fastnst.data import feed
from fastnst.features import loss_network
from fastnst.losses import auto_weight, perceptual
from fastnst.models import run_folder, store
from fastnst.nets import transform_net
from fastnst.training import checkpoints, engine, optimizers, resumption
from fastnst.training.actions import actions

_BUNDLED_VALIDATION = config.PROJECT_ROOT / "img" / "photos"
# Photos that the style weight is found with are scaled to this, as style weights are meant.
_STRENGTH_SIDE = 256
# What `start_from: auto` means; made by tools/train_base.py.
_BASE = "pretrained/base.ckpt"


@dataclasses.dataclass
class Run:
    """A training run, ready to go.

    Attributes:
        folder: Where it is kept.
        style_image: uint8 RGB [H, W, 3] at the size trained with.
        validation_paths: The validation photos.
        source: The photos to train on.
        state: The network and all that changes.
        checkpointer: Saves the state.
        last_step: Where training ends.
        start_step: Where it goes on, 0 for a new run.
        precision: What convolutions compute in, for example "bfloat16".
        train: Runs it: takes further actions and a function that says when to stop.
    """

    folder: run_folder.RunFolder
    style_image: np.ndarray
    validation_paths: tuple[Path, ...]
    source: data.PhotoSource
    state: checkpoints.State
    checkpointer: checkpoints.Checkpointer
    last_step: int
    start_step: int
    precision: str
    train: collections.abc.Callable[
        [collections.abc.Sequence[engine.Action], collections.abc.Callable[[], bool]],
        engine.Progress,
    ]


def build(settings: config.Config, say: feed.Say, fresh: bool = False) -> Run:
    """Builds a run; everything given by the user is checked before anything is written.

    Args:
        settings: Its configuration.
        say: Told what is worth knowing, a line at a time.
        fresh: Whether to move an earlier run of this name out of the way.

    Raises:
        UserError: If a file that the configuration names is missing or unfit.
    """
    with _blaming("dataset"):
        source = _open_dataset(settings)
    with _blaming("validation"):
        judges = validation_paths(settings.data.validation)
        photos = [_validation_photo(path, settings.data.image_size) for path in judges]
    (painting,) = settings.styles.values()
    strategy = devices.make_strategy(settings.data.batch_size)
    _check_batch(settings, source)
    gpus = len(tf.config.list_logical_devices("GPU"))
    if strategy.num_replicas_in_sync < gpus:
        say(
            f"batch_size: {settings.data.batch_size} can be shared evenly by "
            f"{strategy.num_replicas_in_sync} of {gpus} GPUs; a multiple of {gpus} takes them all"
        )
    last_step = (
        settings.training.max_steps
        or settings.training.epoch * source.count // settings.data.batch_size
    )
    dtype = devices.compute_dtype(settings.computing.precision)
    objective, style = make_objective(settings, dtype)
    folder = run_folder.RunFolder(settings.run_dir)
    begun = not fresh and bool(checkpoint_file.saved(folder.checkpoints))
    first_weights = {} if begun else _first_weights(settings, say)
    state = make_state(settings, dtype, strategy, last_step, first_weights)

    if fresh and (retired := run_folder.retire(folder.path)):
        say(f"the earlier {folder.path} is kept as {retired}")
    folder.prepare(settings.intervals.keep_checkpoints)
    changes = resumption.changes(settings.flat(), folder)
    checkpointer = checkpoints.Checkpointer(
        folder.checkpoints, state, settings.intervals.keep_checkpoints
    )
    start_step = checkpointer.restore(say)
    # A finished run stays what it was, whatever it is called with.
    if start_step < last_step:
        for key, (before, now) in changes.items():
            say(f"going on with {key} {before} -> {now}")
        if resumption.affects_validation(changes) and (retired := checkpointer.forget_best()):
            say(f"what was best by the earlier settings is kept as {retired}")
        images.write_bytes(folder.config, settings.to_yaml().encode())
        if painting.style_weight == "auto":
            say(f"style_weight: auto, which is {objective.weights.style:.3g}")

    def train(
        further: collections.abc.Sequence[engine.Action],
        should_stop: collections.abc.Callable[[], bool],
    ) -> engine.Progress:
        board = actions.TensorBoard(
            folder.tensorboard, images.to_uint8(style), start_step, settings.intervals.summary_every
        )
        log = actions.MetricsLog(
            folder.metrics,
            start_step,
            settings.intervals.log_every,
            {"photos": source.count, "device": devices.describe(), "precision": dtype.name},
        )
        saving = actions.Checkpoints(checkpointer, state, settings.intervals.checkpoint_every)
        samples = actions.Samples(folder.samples)
        check_every = math.gcd(
            settings.intervals.log_every,
            settings.intervals.checkpoint_every,
            settings.intervals.preview_every,
        )
        check = actions.FiniteCheck(checkpointer, state.net, start_step, check_every)
        validation = actions.Validation(
            state,
            objective,
            photos,
            listeners=[check.judged, log.judged, board.judged, samples.judged, saving.judged],
            every=settings.intervals.preview_every,
        )
        with data.user_errors(source), _exhausted(folder, checkpointer):
            return engine.train(
                engine.make_train_step(
                    state,
                    objective,
                    strategy,
                    devices.use_xla(settings.computing.xla, strategy.num_replicas_in_sync),
                    settings.training.average,
                ),
                state,
                feed.batches(
                    source,
                    strategy,
                    settings.data.size_at,
                    batch_size=settings.data.batch_size,
                    augment=settings.data.augment,
                    seed=settings.data.seed,
                    step=start_step,
                    position=int(state.position),
                    say=say,
                ),
                last_step=last_step,
                batch_size=settings.data.batch_size,
                actions=[check, log, board, validation, saving, *further],
                window=settings.intervals.log_every,
                should_stop=should_stop,
            )

    return Run(
        folder=folder,
        style_image=images.to_uint8(style),
        validation_paths=judges,
        source=source,
        state=state,
        checkpointer=checkpointer,
        last_step=last_step,
        start_step=start_step,
        precision=dtype.name,
        train=train,
    )


def make_state(
    settings: config.Config,
    dtype: tf.DType,
    strategy: tf.distribute.Strategy,
    last_step: int,
    first_weights: collections.abc.Mapping[str, np.ndarray],
) -> checkpoints.State:
    """Makes a network and its optimizer.

    Args:
        settings: Their configuration.
        dtype: What convolutions compute in.
        strategy: Where they are mirrored.
        last_step: Where the learning rate's schedule ends.
        first_weights: What to begin with; empty for random weights.

    Raises:
        UserError: If those weights are of another architecture.
    """
    with strategy.scope():
        net, average = (
            transform_net.TransformNet(architecture(settings), dtype, settings.data.seed)
            for _ in range(2)
        )
        if first_weights:
            with _blaming("start_from"):
                net.assign(first_weights)
                average.assign(first_weights)
        optimizer = _optimizer(settings, last_step, dtype)
        optimizer.build(net.trainable_variables)
    # Outside of the scope: counters are not mirrored.
    return checkpoints.State.new(net, average, optimizer)


def make_objective(
    settings: config.Config, dtype: tf.DType = tf.float32
) -> tuple[perceptual.PerceptualLoss, np.ndarray]:
    """Makes what a run is trained for.

    Args:
        settings: Its configuration.
        dtype: What the loss network computes in.

    Returns:
        The objective, and the style image, float32 RGB [H, W, 3] in [0, 255].

    Raises:
        UserError: If the style image or the loss network's file is missing or unfit.
    """
    (painting,) = settings.styles.values()
    with _blaming("style_image"):
        side = painting.side(settings.data.image_size)
        style = images.read(config.find_file(painting.style_image), side)
    with _blaming("loss_model_file"):
        weights = loss_network.load_weights(config.find_file(settings.loss_network.loss_model_file))
    layers = (*painting.content_layers, *painting.style_layers)
    network = loss_network.LossNetwork(weights, layers, dtype)
    return perceptual.PerceptualLoss(network, style, _weights(painting, network, style)), style


def architecture(settings: config.Config) -> transform_net.Architecture:
    """The shapes that a configuration asks for."""
    keys = [field.name for field in dataclasses.fields(transform_net.Architecture)]
    return transform_net.Architecture(**{key: getattr(settings.network, key) for key in keys})


@contextlib.contextmanager
def _blaming(key: str) -> collections.abc.Iterator[None]:
    """Names the key of the configuration whose file turns out to be unfit."""
    try:
        yield
    except errors.UserError as error:
        raise errors.UserError(f"{key}: {error}") from None


@contextlib.contextmanager
def _exhausted(
    folder: run_folder.RunFolder, checkpointer: checkpoints.Checkpointer
) -> collections.abc.Iterator[None]:
    """Makes a UserError of a disk or a memory that became full, whatever it was needed for."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        if "No space left" in str(error):
            what, remedy = "no space left on the disk", "make room and run the same command again"
        elif isinstance(error, tf.errors.ResourceExhaustedError):
            what = "not enough memory for a step"
            remedy = "run again with a smaller batch_size or image_size"
        else:
            raise
        raise errors.UserError(
            f"{folder.path}: {what}; {remedy}, which goes on from "
            f"{checkpointer.latest or 'the beginning'}"
        ) from None


def _weights(
    painting: config.Style, network: loss_network.LossNetwork, style: np.ndarray
) -> perceptual.Weights:
    weights = perceptual.Weights(
        content=painting.content_weight,
        style=1.0,
        tv=painting.tv_weight,
        content_layers=painting.content_layers,
        style_layers=painting.style_layers,
    )
    if isinstance(painting.style_weight, float):
        weight = painting.style_weight
    else:
        paths = validation_paths(data.BUNDLED)
        photos = [images.read(path, _STRENGTH_SIDE) for path in paths]
        weight = auto_weight.style_weight(network, style, photos, weights)
    return dataclasses.replace(weights, style=weight * painting.strength)


def _first_weights(settings: config.Config, say: feed.Say) -> dict[str, np.ndarray]:
    if settings.training.start_from is None:
        return {}
    automatic = settings.training.start_from == "auto"
    with _blaming("start_from"):
        path = store.find(config.find_file(_BASE if automatic else settings.training.start_from))
        net = store.load_net(path)
    if automatic and net.architecture != architecture(settings):
        return {}
    say(f"beginning with the weights of {path}")
    return net.tensors()


def _optimizer(
    settings: config.Config, last_step: int, dtype: tf.DType
) -> tf.keras.optimizers.Optimizer:
    constant = settings.training.schedule == "constant"
    schedule = tf.keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0
        if settings.training.warmup_steps
        else settings.training.learning_rate,
        decay_steps=max(last_step - settings.training.warmup_steps, 1),
        # Decaying to the whole of itself, it stays.
        alpha=1.0 if constant else 0.0,
        warmup_target=settings.training.learning_rate if settings.training.warmup_steps else None,
        warmup_steps=settings.training.warmup_steps,
    )
    kinds = {"adam": tf.keras.optimizers.Adam, "muon": optimizers.Muon}
    optimizer = kinds[settings.training.optimizer](schedule)
    if dtype == tf.float16:
        optimizer = tf.keras.optimizers.LossScaleOptimizer(optimizer, checkpoints.FIRST_LOSS_SCALE)
    return optimizer


def _open_dataset(settings: config.Config) -> data.PhotoSource:
    if settings.data.dataset == data.BUNDLED:
        return data.open_photos(settings.data.dataset)
    return data.open_photos(str(config.find_file(settings.data.dataset)))


def validation_paths(spec: str) -> tuple[Path, ...]:
    """Lists the photos to judge by.

    Args:
        spec: As the key `validation` has it: bundled, or a folder of photos.

    Raises:
        UserError: If there are none.
    """
    bundled = spec == data.BUNDLED
    folder = _BUNDLED_VALIDATION if bundled else config.find_file(spec)
    source = data.open_photos(str(folder))
    if source.kind != "folder":
        raise errors.UserError(f"{folder} holds records; name a folder of photos")
    return tuple(Path(path) for path in source.files)


def _validation_photo(path: Path, image_size: int) -> np.ndarray:
    return images.to_uint8(images.read(path, image_size))


def _check_batch(settings: config.Config, source: data.PhotoSource) -> None:
    if source.count < settings.data.batch_size:
        raise errors.UserError(
            f"batch_size: {settings.data.batch_size} is more than the {source.count:,} photos of "
            f"{source.root}; use a smaller batch_size or more photos"
        )
