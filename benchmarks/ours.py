"""What fastnst brings to the benchmarks: its training step and its ways to paint."""

from __future__ import annotations

import collections.abc
import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks import arithmetic, contest
from fastnst import config, devices, files
from fastnst.export import exporters
from fastnst.models import store, stylizer
from fastnst.training import engine
from fastnst.training.tasks import factory

CONF = "conf/candy.yml"
BASE = "pretrained/base.ckpt"


def train_step(
    size: int, batch: int, precision: str = "auto", xla: str = "auto", optimizer: str = "adam"
) -> collections.abc.Callable[[], float]:
    """Builds a training step, and returns what runs it once."""
    step, images = _step(size, batch, precision, xla, optimizer)
    return lambda: float(step(images)["total"])


def _step(
    size: int, batch: int, precision: str, xla: str, optimizer: str
) -> tuple[engine.StepFunction, tf.Tensor]:
    settings = dataclasses.replace(
        config.load(files.find(CONF)),
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
    """Loads the live network, and returns what paints one photo, uint8 in and out."""
    dtype = devices.compute_dtype(precision)
    paint = stylizer.load(files.find(BASE), dtype.name)
    photo = contest.photos(size, 1)
    return lambda: paint(photo)


def saved_model_painter(size: int) -> collections.abc.Callable[[], np.ndarray]:
    """Exports a SavedModel, loads it, and returns what paints one photo with it."""
    net = store.load_net(files.find(BASE))
    with tempfile.TemporaryDirectory() as folder:
        exporters.export_saved_model(net, Path(folder))
        signature = tf.saved_model.load(folder).signatures["serving_uint8"]
    photo = tf.constant(contest.photos(size, 1))
    return lambda: next(iter(signature(photo).values())).numpy()


def train_step_flop(size: int, batch: int) -> float:
    """Counts a training step's arithmetic."""
    step, images = _step(size, batch, "float32", "off", "adam")
    return arithmetic.flop(step, images)


def painter_flop(size: int) -> float:
    """Counts a painting's arithmetic."""
    net = store.load_net(files.find(BASE))
    return arithmetic.flop(tf.function(net, autograph=False), tf.TensorSpec([1, size, size, 3]))
