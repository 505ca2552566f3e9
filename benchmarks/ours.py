"""The contenders of fastnst: its training step and its painters."""

from __future__ import annotations

import collections.abc
import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks import arithmetic, contest
from fastnst import config, devices
from fastnst.export import exporters
from fastnst.models import store, stylizer
from fastnst.training import engine
from fastnst.training.tasks import factory

CONF = "conf/candy.yml"
BASE = "pretrained/base.ckpt"


def train_step(
    size: int, batch: int, precision: str = "auto", xla: str = "auto", optimizer: str = "adam"
) -> collections.abc.Callable[[], float]:
    """Returns a function that runs a training step once."""
    step, images = _step(size, batch, precision, xla, optimizer)
    return lambda: float(step(images)["total"])


def _step(
    size: int, batch: int, precision: str, xla: str, optimizer: str
) -> tuple[engine.StepFunction, tf.Tensor]:
    settings = dataclasses.replace(
        config.load(config.find_file(CONF)),
        image_size=size,
        batch_size=batch,
        precision=precision,
        style_weight=8.0,
        optimizer=optimizer,
    )
    dtype = devices.compute_dtype(precision)
    objective, _ = factory.make_objective(settings, dtype)
    strategy = devices.make_strategy(batch)
    state = factory.make_state(settings, dtype, strategy, last_step=100_000, first_weights={})
    step = engine.make_train_step(
        state, objective, strategy, devices.use_xla(xla, 1), settings.average
    )
    return step, tf.constant(contest.photos(size, batch), tf.float32)


def painter(size: int, precision: str = "float32") -> collections.abc.Callable[[], np.ndarray]:
    """Returns a function that paints one photo with the network, uint8 in and out."""
    dtype = devices.compute_dtype(precision)
    paint = stylizer.load(config.find_file(BASE), dtype.name)
    photo = contest.photos(size, 1)
    return lambda: paint(photo)


def saved_model_painter(size: int) -> collections.abc.Callable[[], np.ndarray]:
    """Returns a function that paints one photo with an exported SavedModel, uint8 in and out."""
    net = store.load_net(config.find_file(BASE))
    with tempfile.TemporaryDirectory() as folder:
        exporters.export_saved_model(net, Path(folder))
        signature = tf.saved_model.load(folder).signatures["serving_uint8"]
    photo = tf.constant(contest.photos(size, 1))
    return lambda: next(iter(signature(photo).values())).numpy()


def train_step_flop(size: int, batch: int) -> float:
    """Counts the FLOP of a training step."""
    step, images = _step(size, batch, "float32", "off", "adam")
    return arithmetic.flop(step, images)


def painter_flop(size: int) -> float:
    """Counts the FLOP of painting one photo."""
    net = store.load_net(config.find_file(BASE))
    return arithmetic.flop(tf.function(net, autograph=False), tf.TensorSpec([1, size, size, 3]))
