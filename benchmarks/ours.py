"""The contenders of fastnst: its training step and its painters."""

from __future__ import annotations

import collections.abc
import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks import arithmetic, contest
from fastnst import checkpoint_file, config, devices, events, export, files
from fastnst.export import saved_model
from fastnst.models import descriptions, loading, restore, store
from fastnst.nets import architectures, transform_net
from fastnst.training.tasks import session

CONF = "conf/candy.yml"
# The step and the network that the programs of others have too: those of Johnson et al. 2016.
PAPER = {"scales": 1, "steady": 0.0, "wallpaper": 0.0, "antialias": False, "deep": False}


def train_step(
    size: int,
    batch: int,
    precision: str = "auto",
    xla: str = "auto",
    optimizer: str = "adam",
    paper: bool = True,
) -> collections.abc.Callable[[], float]:
    """Returns a function that runs a training step once.

    Args:
        size: Sides of the photos.
        batch: Number of photos.
        precision: As in a conf file.
        xla: As in a conf file.
        optimizer: As in a conf file.
        paper: Whether network and objective are those of the paper instead of our defaults.
    """
    step, images = _step(size, batch, precision, xla, optimizer, PAPER if paper else {})
    return lambda: float(step(images)["total"])


def _step(
    size: int, batch: int, precision: str, xla: str, optimizer: str, keys: dict[str, Any]
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
        **keys,
    )
    with tempfile.TemporaryDirectory() as folder:
        settings = dataclasses.replace(settings, model_path=folder)
        run = session.open_session(settings, lambda line: None)
    step = run.engine.compile_step()
    return step, tf.constant(contest.photos(size, batch), tf.float32)


def painter(
    size: int, precision: str = "float32", **shapes: Any
) -> collections.abc.Callable[[], np.ndarray]:
    """Returns a function that stylizes one photo, uint8 in and out.

    Args:
        size: Sides of the photo.
        precision: As in a conf file.
        **shapes: Attributes of the network's `architectures.Transform`; by default the paper's.
    """
    dtype = devices.compute_dtype(precision)
    with tempfile.TemporaryDirectory() as folder:
        # One pass, like the networks of others.
        paint = loading.load(random_model(Path(folder), **shapes), dtype.name, stroke=1)
    photo = contest.photos(size, 1)
    return lambda: paint(photo)


def saved_model_painter(size: int) -> collections.abc.Callable[[], np.ndarray]:
    """Returns a function that stylizes one photo with an exported SavedModel, uint8 in and out."""
    with tempfile.TemporaryDirectory() as folder:
        model = restore.load(store.find(random_model(Path(folder) / "model")))
        saved_model.write(model, Path(folder), export.Options("float32"))
        signature = tf.saved_model.load(folder).signatures["serving_uint8"]
    photo = tf.constant(contest.photos(size, 1))
    return lambda: next(iter(signature(photo).values())).numpy()


def train_step_flop(size: int, batch: int) -> float:
    """Counts the FLOP of a training step."""
    step, images = _step(size, batch, "float32", "off", "adam", PAPER)
    return arithmetic.flop(step, images)


def painter_flop(size: int) -> float:
    """Counts the FLOP of stylizing one photo."""
    net = transform_net.TransformNet()
    return arithmetic.flop(tf.function(net, autograph=False), tf.TensorSpec([1, size, size, 3]))


def random_model(folder: Path, **shapes: Any) -> Path:
    """Writes a network with random weights, which is as fast as a trained one.

    Args:
        folder: Its folder.
        **shapes: Attributes of its `architectures.Transform`.
    """
    architecture = architectures.Transform(**shapes)
    description = descriptions.Description(architecture, (descriptions.Style("random"),))
    net = transform_net.TransformNet(architecture)
    checkpoint_file.write_checkpoint(folder / store.WEIGHTS, net.tensors())
    files.write(folder / descriptions.FILE, description.to_json())
    return folder
