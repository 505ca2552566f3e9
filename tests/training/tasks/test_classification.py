"""The task of classification."""

from __future__ import annotations

import itertools
from pathlib import Path

import labels_made
import numpy as np
import pytest
import tensorflow as tf

from fastnst.config import schema
from fastnst.data import labeled, labeled_feed
from fastnst.nets import classifier_architecture, classifiers
from fastnst.training import engine
from fastnst.training.tasks import classification

PICTURES, LABELS = labels_made.bars(48)
WHOLE = labeled.of_arrays("bars", PICTURES, LABELS, labels_made.CLASSES)
SHAPES = classifier_architecture.Architecture("mnist", 12, 1, 3)
INTERVALS = schema.Intervals(log_every=5, preview_every=20, checkpoint_every=10)


def make(**options: object) -> classification.Classification:
    net = classifiers.make(SHAPES)
    average = classifiers.make(SHAPES) if options.get("decay") else None
    return classification.Classification(
        net,
        average,
        tf.keras.optimizers.SGD(0.02, momentum=0.9),
        (PICTURES, LABELS.astype(int)),
        labels_made.CLASSES,
        **options,  # type: ignore[arg-type]
    )


def train(
    folder: Path, task: classification.Classification, last_step: int, **options: object
) -> engine.Engine:
    trainer = engine.Engine(task, folder, INTERVALS)
    trainer.restore(print)
    feed = labeled_feed.LabeledFeed(WHOLE, 12, 1, 8, seed=0)
    trainer.train(feed, last_step=last_step, batch_size=8, **options)  # type: ignore[arg-type]
    return trainer


def test_it_learns_to_tell_the_bars_and_resumes_exactly(tmp_path: Path) -> None:
    # Shifts, so that the random changes have to resume too.
    whole = make(distortion="shift", decay=0.9)
    train(tmp_path / "whole", whole, 20)
    judged = whole.validate()
    assert judged.metrics["error"] == 0.0 and judged.metrics["accuracy"] == 1.0
    assert judged.metrics["loss"] < 0.3
    sheet, matrix = judged.outputs["predictions"]
    assert sheet.dtype == matrix.dtype == np.uint8 and judged.inputs == ()

    steps = itertools.count(1)
    stopped = make(distortion="shift", decay=0.9)
    train(tmp_path / "parts", stopped, 20, should_stop=lambda: next(steps) == 13)
    resumed = make(distortion="shift", decay=0.9)
    assert train(tmp_path / "parts", resumed, 20).checkpointer.latest is not None
    for name, value in whole.net.tensors().items():
        np.testing.assert_array_equal(resumed.net.tensors()[name], value)
    for name, value in whole.average.tensors().items():
        np.testing.assert_array_equal(resumed.average.tensors()[name], value)


def test_a_step_minimizes_the_cross_entropy_and_tells_the_errors() -> None:
    task = make()
    logits = task.net(PICTURES[:8]).numpy()
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = exponents / exponents.sum(axis=1, keepdims=True)
    labels = LABELS[:8].astype(np.int32)
    batch = tf.constant(PICTURES[:8]), tf.constant(labels)
    metrics = task.step(batch, tf.constant(0, tf.int64))
    expected = -np.log(shares[np.arange(8), labels]).mean()
    assert float(metrics["loss"]) == pytest.approx(expected, rel=1e-4)
    wrong = (logits.argmax(axis=1) != labels).mean()
    assert float(metrics["error"]) == pytest.approx(wrong)
    assert float(metrics["accuracy"]) == pytest.approx(1 - wrong)
    assert float(metrics["learning_rate"]) == pytest.approx(0.02)


def test_a_batch_of_features_trains_the_last_layer_only() -> None:
    task = make()
    before = task.net.tensors()
    features = task.net.features(tf.cast(PICTURES[:8], tf.float32))
    task.step((features, tf.constant(LABELS[:8].astype(np.int32))), tf.constant(0, tf.int64))
    changed = {
        name
        for name, value in task.net.tensors().items()
        if not np.array_equal(value, before[name])
    }
    assert changed == set(classifiers.HEAD)


def test_without_an_average_checkpoints_hold_the_network_once() -> None:
    assert set(make().kept()) == {"net", "optimizer"}
    assert set(make(decay=0.5).kept()) == {"net", "average", "optimizer"}


def test_certain_mistakes_have_a_finite_loss() -> None:
    task = make()
    task.net.weights["head/biases"].assign([0.0, 0.0, 1e6])
    metrics = task.validate().metrics
    # A third is right; the others cost -log(1e-12) each.
    assert metrics["error"] == pytest.approx(2 / 3)
    assert metrics["loss"] == pytest.approx(2 / 3 * 12 * np.log(10), rel=1e-3)
