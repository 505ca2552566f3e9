"""Builds a run from its configuration: the one module that sees both."""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import math
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import checkpoint_file, config, data, devices, errors, files, images
from fastnst.data import feed
from fastnst.features import loss_network
from fastnst.losses import auto_weight, perceptual
from fastnst.models import run_folder, store
from fastnst.nets import transform_net
from fastnst.training import checkpoints, engine, optimizers, resumption
from fastnst.training.actions import actions

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
        judges = validation_paths(settings.validation)
        photos = [_validation_photo(path, settings.image_size) for path in judges]
    strategy = devices.make_strategy(settings.batch_size)
    _check_batch(settings, source)
    gpus = len(tf.config.list_logical_devices("GPU"))
    if strategy.num_replicas_in_sync < gpus:
        say(
            f"batch_size: {settings.batch_size} can be shared evenly by "
            f"{strategy.num_replicas_in_sync} of {gpus} GPUs; a multiple of {gpus} takes them all"
        )
    last_step = settings.max_steps or settings.epoch * source.count // settings.batch_size
    dtype = devices.compute_dtype(settings.precision)
    objective, style = make_objective(settings, dtype)
    folder = run_folder.RunFolder(settings.run_dir)
    begun = not fresh and bool(checkpoint_file.saved(folder.checkpoints))
    first_weights = {} if begun else _first_weights(settings, say)
    state = make_state(settings, dtype, strategy, last_step, first_weights)

    if fresh and (retired := files.retire(folder.path)):
        say(f"the earlier {folder.path} is kept as {retired}")
    folder.prepare(settings.keep_checkpoints)
    changes = resumption.changes(dataclasses.asdict(settings), folder)
    checkpointer = checkpoints.Checkpointer(folder.checkpoints, state, settings.keep_checkpoints)
    start_step = checkpointer.restore(say)
    # A finished run stays what it was, whatever it is called with.
    if start_step < last_step:
        for key, before in changes.items():
            say(f"going on with {key} {before} -> {getattr(settings, key)}")
        if not resumption.JUDGING_KEYS.isdisjoint(changes) and (
            retired := checkpointer.forget_best()
        ):
            say(f"what was best by the earlier settings is kept as {retired}")
        files.write(folder.config, settings.to_yaml())
        if settings.style_weight == "auto":
            say(f"style_weight: auto, which is {objective.weights.style:.3g}")

    def train(
        further: collections.abc.Sequence[engine.Action],
        should_stop: collections.abc.Callable[[], bool],
    ) -> engine.Progress:
        board = actions.TensorBoard(
            folder.tensorboard, images.to_uint8(style), start_step, settings.summary_every
        )
        log = actions.MetricsLog(
            folder.metrics,
            start_step,
            settings.log_every,
            {"photos": source.count, "device": devices.describe(), "precision": dtype.name},
        )
        saving = actions.Checkpoints(checkpointer, state, settings.checkpoint_every)
        samples = actions.Samples(folder.samples)
        check_every = math.gcd(
            settings.log_every, settings.checkpoint_every, settings.preview_every
        )
        check = actions.FiniteCheck(checkpointer, state.net, start_step, check_every)
        validation = actions.Validation(
            state,
            objective,
            photos,
            listeners=[check.judged, log.judged, board.judged, samples.judged, saving.judged],
            every=settings.preview_every,
        )
        with data.user_errors(source), _exhausted(folder, checkpointer):
            return engine.train(
                engine.make_train_step(
                    state,
                    objective,
                    strategy,
                    devices.use_xla(settings.xla, strategy.num_replicas_in_sync),
                    settings.average,
                ),
                state,
                feed.batches(
                    source,
                    strategy,
                    settings.size_at,
                    batch_size=settings.batch_size,
                    augment=settings.augment,
                    seed=settings.seed,
                    step=start_step,
                    position=int(state.position),
                    say=say,
                ),
                last_step=last_step,
                batch_size=settings.batch_size,
                actions=[check, log, board, validation, saving, *further],
                window=settings.log_every,
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
            transform_net.TransformNet(architecture(settings), dtype, settings.seed)
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
    with _blaming("style_image"):
        style = images.read(files.find(settings.style_image), settings.style_side)
    with _blaming("loss_model_file"):
        weights = loss_network.load_weights(files.find(settings.loss_model_file))
    layers = (*settings.content_layers, *settings.style_layers)
    network = loss_network.LossNetwork(weights, layers, dtype)
    return perceptual.PerceptualLoss(network, style, _weights(settings, network, style)), style


def architecture(settings: config.Config) -> transform_net.Architecture:
    """The shapes that a configuration asks for."""
    keys = [field.name for field in dataclasses.fields(transform_net.Architecture)]
    shapes = transform_net.Architecture(**{key: getattr(settings, key) for key in keys})
    # Half the size alone is some 3 times as fast, half the channels too 7.8: docs/benchmarks.md.
    return dataclasses.replace(shapes, width=shapes.width // 2) if shapes.lite else shapes


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
    settings: config.Config, network: loss_network.LossNetwork, style: np.ndarray
) -> perceptual.Weights:
    weights = perceptual.Weights(
        content=settings.content_weight,
        style=1.0,
        tv=settings.tv_weight,
        content_layers=settings.content_layers,
        style_layers=settings.style_layers,
    )
    if isinstance(settings.style_weight, float):
        weight = settings.style_weight
    else:
        paths = validation_paths(data.BUNDLED)
        photos = [images.read(path, _STRENGTH_SIDE) for path in paths]
        weight = auto_weight.style_weight(network, style, photos, weights)
    return dataclasses.replace(weights, style=weight * settings.strength)


def _first_weights(settings: config.Config, say: feed.Say) -> dict[str, np.ndarray]:
    if settings.start_from is None:
        return {}
    automatic = settings.start_from == "auto"
    with _blaming("start_from"):
        path = store.find(files.find(_BASE if automatic else settings.start_from))
        net = store.load_net(path)
    if automatic and net.architecture != architecture(settings):
        return {}
    say(f"beginning with the weights of {path}")
    return net.tensors()


def _optimizer(
    settings: config.Config, last_step: int, dtype: tf.DType
) -> tf.keras.optimizers.Optimizer:
    constant = settings.schedule == "constant"
    schedule = tf.keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if settings.warmup_steps else settings.learning_rate,
        decay_steps=max(last_step - settings.warmup_steps, 1),
        # Decaying to the whole of itself, it stays.
        alpha=1.0 if constant else 0.0,
        warmup_target=settings.learning_rate if settings.warmup_steps else None,
        warmup_steps=settings.warmup_steps,
    )
    kinds = {"adam": tf.keras.optimizers.Adam, "muon": optimizers.Muon}
    optimizer = kinds[settings.optimizer](schedule)
    if dtype == tf.float16:
        optimizer = tf.keras.optimizers.LossScaleOptimizer(optimizer, checkpoints.FIRST_LOSS_SCALE)
    return optimizer


def _open_dataset(settings: config.Config) -> data.PhotoSource:
    if settings.dataset == data.BUNDLED:
        return data.open_photos(settings.dataset)
    return data.open_photos(str(files.find(settings.dataset)))


def validation_paths(spec: str) -> tuple[Path, ...]:
    """Lists the photos to judge by.

    Args:
        spec: As the key `validation` has it: bundled, or a folder of photos.

    Raises:
        UserError: If there are none.
    """
    bundled = spec == data.BUNDLED
    folder = files.asset("img/photos") if bundled else files.find(spec)
    source = data.open_photos(str(folder))
    if source.kind != "folder":
        raise errors.UserError(f"{folder} holds records; name a folder of photos")
    return tuple(Path(path) for path in source.files)


def _validation_photo(path: Path, image_size: int) -> np.ndarray:
    return images.to_uint8(images.read(path, image_size))


def _check_batch(settings: config.Config, source: data.PhotoSource) -> None:
    if source.count < settings.batch_size:
        raise errors.UserError(
            f"batch_size: {settings.batch_size} is more than the {source.count:,} photos of "
            f"{source.root}; use a smaller batch_size or more photos"
        )
