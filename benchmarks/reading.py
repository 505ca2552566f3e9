"""The readers in the benchmark of the input pipeline."""

from __future__ import annotations

import collections.abc
from pathlib import Path

import tensorflow as tf

from fastnst import data

BATCH = 4
SIZE = 256


def reader(spec: str, count: int) -> collections.abc.Callable[[], None]:
    """Returns a function that reads photos through the pipeline: 256 px crops in batches of 4."""
    source = data.open_photos(spec)
    batches = data.batches(
        source, image_size=SIZE, batch_size=BATCH, augment="crop", seed=0, start=0
    ).take(count // BATCH)

    def read() -> None:
        # Restarted each time, like the decoder, so that nothing is prefetched in others' turns.
        for _ in batches:
            pass

    return read


def decoder(folder: str) -> collections.abc.Callable[[], None]:
    """Returns a function that decodes all photos of a folder on all cores and discards them."""
    paths = [str(path) for path in sorted(Path(folder).iterdir())]

    def decode(path: tf.Tensor) -> tf.Tensor:
        return tf.shape(tf.io.decode_jpeg(tf.io.read_file(path), channels=3))

    dataset = tf.data.Dataset.from_tensor_slices(paths).map(
        decode, num_parallel_calls=tf.data.AUTOTUNE
    )

    def read() -> None:
        for _ in dataset:
            pass

    return read
