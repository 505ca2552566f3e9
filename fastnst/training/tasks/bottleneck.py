"""Trains the last layer of a retrained network on features that are computed once.

As long as the convolutions stay the same, so do the features of a picture. The first steps of a
retraining train the last layer on these, which takes no time; the steps after them train the last
blocks too, on pictures.
"""

from __future__ import annotations

import collections.abc
import hashlib
import io
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import files
from fastnst.data import feed, labeled_feed
from fastnst.features import loss_network
from fastnst.nets import classifiers

# Pixels that the network sees at once.
_PIXELS = 2**20


class BottleneckFeed:
    """Yields batches of features at first, and of pictures from a step on."""

    def __init__(
        self,
        pictures: labeled_feed.LabeledFeed,
        steps: int,
        features: collections.abc.Callable[[feed.OnSkip], tuple[np.ndarray, np.ndarray]],
    ) -> None:
        """Computes nothing yet.

        Args:
            pictures: Yields the batches of pictures.
            steps: Number of steps on features.
            features: Returns the features of all pictures, float32 [N, F], and their labels,
                int32 [N].
        """
        self._pictures, self._steps, self._features = pictures, steps, features

    def __call__(
        self, step: int, position: int, on_skip: feed.OnSkip
    ) -> collections.abc.Iterator[tuple[tuple[tf.Tensor, tf.Tensor], int]]:
        """Yields batches endlessly: features or pictures, and labels; see `LabeledFeed`."""
        batch_size = self._pictures.batch_size
        if step < self._steps:
            features, labels = self._features(on_skip)
            for _ in range(step, self._steps):
                numbers = self._pictures.numbers(position)
                position += batch_size
                batch = labeled_feed.distribute(
                    self._pictures.strategy,
                    numbers,
                    lambda chosen: (features[chosen], labels[chosen]),
                )
                yield batch, position
        yield from self._pictures(step, position, on_skip)


def features(
    pictures: labeled_feed.LabeledFeed,
    network: loss_network.LossNetwork,
    cache: Path,
    on_skip: feed.OnSkip,
    say: collections.abc.Callable[[str], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Computes the features of all pictures, or reads them from an earlier run.

    Args:
        pictures: The pictures, and the size at which the network sees them.
        network: The network, whose last layer is used.
        cache: File that keeps the features.
        on_skip: Receives the reason for each damaged picture.
        say: Receives a line before they are computed.

    Returns:
        float32 [N, F], and the labels, int32 [N].

    Raises:
        UserError: If no picture can be read, or the file cannot be written.
    """
    key = _key(pictures, network)
    if (kept := _read(cache, key)) is not None:
        return kept
    count = pictures.pictures.count
    say(f"computing the features of {count:,} pictures, once")
    *_, layer = network.layers

    @tf.function(autograph=False, reduce_retracing=True)
    def compute(batch: tf.Tensor) -> tf.Tensor:
        return classifiers.bottleneck(network(tf.cast(batch, tf.float32), [layer])[layer])

    at_once = max(1, _PIXELS // pictures.side**2)
    reported: set[int] = set()

    def report(number: int, reason: str) -> None:
        if number not in reported:
            reported.add(number)
            on_skip(reason)

    found, labels = [], []
    for start in range(0, count, at_once):
        read = [
            pictures.read(number, report) for number in range(start, min(start + at_once, count))
        ]
        found.append(compute(tf.constant(np.stack([picture for picture, _ in read]))).numpy())
        labels += [label for _, label in read]
    whole, numbers = np.concatenate(found), np.array(labels, np.int32)
    buffer = io.BytesIO()
    np.savez(buffer, key=np.array(key), features=whole, labels=numbers)
    files.write(cache, buffer.getvalue())
    return whole, numbers


def _key(pictures: labeled_feed.LabeledFeed, network: loss_network.LossNetwork) -> str:
    """Returns a checksum of what the features depend on: of the pictures, what their files tell."""
    given = pictures.pictures
    whole = hashlib.sha256(f"{pictures.side} {given.root} {files.state(given.files)}".encode())
    whole.update(given.labels.tobytes())
    # Other weights have other features.
    probe = tf.random.stateless_uniform([1, 16, 16, 3], [0, 0], 0.0, 255.0)
    *_, layer = network.layers
    whole.update(network(probe, [layer])[layer].numpy().tobytes())
    return whole.hexdigest()


def _read(cache: Path, key: str) -> tuple[np.ndarray, np.ndarray] | None:
    # A damaged file is computed again.
    try:
        with files.opened(cache) as file, np.load(file, allow_pickle=False) as kept:
            if str(kept["key"]) != key:
                return None
            whole, labels = kept["features"], kept["labels"]
    except Exception:
        return None
    usable = whole.ndim == 2 and len(whole) == len(labels) and whole.dtype == np.float32
    return (whole, labels) if usable else None
