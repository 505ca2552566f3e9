"""The contenders of fastnst: its training step and its painters."""

from __future__ import annotations

import collections.abc
import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks import arithmetic, contest
from fastnst import config, devices, events, files
from fastnst.export import saved_model
from fastnst.models import store, stylizer
from fastnst.training.tasks import session

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
) -> tuple[collections.abc.Callable[[tf.Tensor], events.Metrics], tf.Tensor]:
    settings = config.load(
        CONF,
        image_size=size,
        batch_size=batch,
        precision=precision,
        style_weight=8.0,
        optimizer=optimizer,
        max_steps=100_000,
        start_from=None,
        xla=xla,
    )
    with tempfile.TemporaryDirectory() as folder:
        settings = dataclasses.replace(settings, model_path=folder)
        run = session.open_session(settings, lambda line: None)
    step = run.engine.compile_step()
    return step, tf.constant(contest.photos(size, batch), tf.float32)


def painter(size: int, precision: str = "float32") -> collections.abc.Callable[[], np.ndarray]:
    """Returns a function that stylizes one photo with the network, uint8 in and out."""
    dtype = devices.compute_dtype(precision)
    # One pass, like the networks of others.
    paint = stylizer.load(files.find(BASE), dtype.name, stroke=1)
    photo = contest.photos(size, 1)
    return lambda: paint(photo)


def saved_model_painter(size: int) -> collections.abc.Callable[[], np.ndarray]:
    """Returns a function that stylizes one photo with an exported SavedModel, uint8 in and out."""
    model = store.load(store.find(files.find(BASE)))
    with tempfile.TemporaryDirectory() as folder:
        saved_model.write(model, Path(folder))
        signature = tf.saved_model.load(folder).signatures["serving_uint8"]
    photo = tf.constant(contest.photos(size, 1))
    return lambda: next(iter(signature(photo).values())).numpy()


def train_step_flop(size: int, batch: int) -> float:
    """Counts the FLOP of a training step."""
    step, images = _step(size, batch, "float32", "off", "adam")
    return arithmetic.flop(step, images)


def painter_flop(size: int) -> float:
    """Counts the FLOP of stylizing one photo."""
    net = store.load(store.find(files.find(BASE))).net
    return arithmetic.flop(tf.function(net, autograph=False), tf.TensorSpec([1, size, size, 3]))
