"""The endless stream of batches to train on, in an order that can be taken up anywhere.

A sample is known by its position: its number since the beginning of the training run. Which
photo it is, how it is cut and whether it is flipped are functions of (seed, position) alone, so
a run that starts at position p sees what an unbroken run saw from there on. In each epoch,
which is `source.count` positions, each photo comes once.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.data import preprocess, schemas
from fastnst.data.source import PhotoSource, check_readable

Augment = Literal["crop", "none"]

# What records wait in to be shuffled: so many, but not more bytes than this.
_SHUFFLED_RECORDS = 4096
_SHUFFLED_BYTES = 256 * 2**20
_FILES_AT_ONCE = 16

# Named, so that no other release or machine chooses another and with it another order.
_RANDOM = "philox"


def batches(
    source: PhotoSource,
    *,
    image_size: int,
    batch_size: int,
    augment: Augment = "crop",
    seed: int = 0,
    start: int = 0,
    shuffle: bool = True,
    shard: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Makes the endless stream of batches of a training run.

    A photo that cannot be decoded, or a crop of a single colour, is left out: its position is
    missing (`missing`), the batch is filled with the next one. The stream ends only if at the
    beginning of an epoch no photo at all can be decoded; `user_errors` makes a UserError of that.

    Args:
        source: The photos.
        image_size: Height and width of the images.
        batch_size: Images a batch.
        augment: "crop" for a random crop and flip, "none" for the original program's scaling
            and central crop.
        seed: Decides the order, the crops and the flips.
        start: The position of the first sample: where an earlier run stopped.
        shuffle: Whether the photos of an epoch come in random order, or as they lie.
        shard: Index of this process and number of processes that share the positions: each takes
            those that leave its index when divided by the number.

    Returns:
        A dataset of (images, positions): float32 [batch_size, image_size, image_size, 3] in
        [0, 255], and int64 [batch_size], ascending.

    Raises:
        UserError: If there are fewer photos than a batch needs.
    """
    if source.count < batch_size:
        raise errors.UserError(
            f"{source.root}: {source.count:,} photos are fewer than the {batch_size:,} "
            "of one batch; use a smaller batch_size or more photos"
        )

    def load(position: tf.Tensor, item: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        _, content = item
        image = _load(source, content, image_size, augment, seed, position)
        # Instance norm divides by the deviation: on a crop of a single colour its gradient is
        # infinite. Failing here leaves the sample out, as a damaged photo is.
        varied = tf.reduce_any(image != image[:1, :1])
        with tf.control_dependencies([tf.debugging.Assert(varied, ["a crop of a single colour"])]):
            return tf.identity(image), position

    def to_float(images: tf.Tensor, positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cast(images, tf.float32), positions

    positions = _samples(source, seed=seed, start=start, shuffle=shuffle)
    index, processes = shard
    if processes > 1:
        positions = positions.filter(lambda position, _: position % processes == index)
    samples = (
        positions.map(load, num_parallel_calls=tf.data.AUTOTUNE)
        .ignore_errors()
        .batch(batch_size, drop_remainder=True)
        .map(to_float, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )
    options = tf.data.Options()
    options.deterministic = True
    return samples.with_options(options)


def missing(start: int, positions: Sequence[int]) -> list[int]:
    """Lists the positions left out of a batch because their photos could not be read.

    Args:
        start: The position after the last one of the batch before, or where the stream began.
        positions: Those of the batch.
    """
    there = set(map(int, positions))
    return [position for position in range(start, max(there) + 1) if position not in there]


def names(
    source: PhotoSource, positions: Iterable[int], *, seed: int, shuffle: bool = True
) -> dict[int, str]:
    """Tells which photos the samples at some positions were, without decoding any.

    For records this reads again what lies before them in their epochs: seconds, for gigabytes.

    Returns:
        Position -> file, or for records the name within, or "" where they hold none.
    """
    found: dict[int, str] = {}
    wanted = sorted(set(positions))
    for epoch in sorted({position // source.count for position in wanted}):
        there = [position for position in wanted if position // source.count == epoch]
        begin = epoch * source.count
        for position, (_, content) in (
            tf.data.Dataset.from_tensors(tf.constant(epoch, tf.int64))
            .flat_map(lambda number: _epoch(source, number, seed, shuffle))
            .enumerate(begin)
            .skip(there[0] - begin)
            .take(there[-1] - there[0] + 1)
        ):
            if int(position) in there:
                found[int(position)] = (
                    os.fsdecode(content.numpy())
                    if source.schema is None
                    else schemas.name(content, source.schema).numpy().decode(errors="replace")
                )
    return found


@contextlib.contextmanager
def user_errors(source: PhotoSource) -> Iterator[None]:
    """Makes a UserError of the end of the stream, which comes when no photo can be read."""
    try:
        yield
    except (StopIteration, tf.errors.OutOfRangeError):
        check_readable(source)
        raise errors.UserError(
            f"{source.root}: none of its photos could be read for an epoch"
        ) from None


def _load(
    source: PhotoSource,
    content: tf.Tensor,
    image_size: int,
    augment: Augment,
    seed: int,
    position: tf.Tensor,
) -> tf.Tensor:
    """Makes the image at a position out of a path or a serialized record."""
    random = tf.random.stateless_uniform([4], tf.stack([seed, position]), alg=_RANDOM)
    if source.schema is not None and source.schema.shape is not None:
        pixels = schemas.pixels(content, source.schema)
        if augment == "none":
            return preprocess.original(pixels, image_size)
        return preprocess.crop_pixels(pixels, image_size, random)
    if source.schema is None:
        data = tf.io.read_file(content)
    else:
        data = schemas.image_file(content, source.schema)
    if augment == "none":
        return preprocess.original(preprocess.decode(data), image_size)
    if source.upright_jpegs:
        return preprocess.crop_jpeg(data, image_size, random)
    return preprocess.crop(data, image_size, random)


def _samples(source: PhotoSource, *, seed: int, start: int, shuffle: bool) -> tf.data.Dataset:
    """The stream of (position, item of an epoch) for as long as any can be read."""

    def is_readable(number: tf.Tensor) -> tf.Tensor:
        # Unreadable photos are dropped further down: with no other left, the search for one
        # would go on for ever.
        readable = tf.numpy_function(lambda: _is_readable(source), [], tf.bool)
        return tf.ensure_shape(readable, [])

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        begin = number * source.count
        items = _epoch(source, number, seed, shuffle).enumerate(begin)
        return items.skip(tf.maximum(start - begin, 0))

    epochs = tf.data.Dataset.range(start // source.count, tf.int64.max)
    return epochs.take_while(is_readable).flat_map(epoch)


def _is_readable(source: PhotoSource) -> np.ndarray:
    try:
        check_readable(source)
    except errors.UserError:
        return np.array(False)
    return np.array(True)


def _epoch(source: PhotoSource, number: tf.Tensor, seed: int, shuffle: bool) -> tf.data.Dataset:
    """One epoch's items in its order: (number, path), or (number, serialized record).

    The number is that of the file in the epoch, or of the record in its file.
    """
    # No position is negative: these numbers are never those of a crop.
    seeds = tf.stack([tf.constant(seed, tf.int64), -1 - number])
    # As bytes: a name need not be UTF-8.
    files = tf.constant([os.fsencode(file) for file in source.files])
    if shuffle:
        order = tf.argsort(tf.random.stateless_uniform(tf.shape(files), seeds, alg=_RANDOM))
        files = tf.gather(files, order)
    items = tf.data.Dataset.from_tensor_slices(files)
    if source.kind == "folder":
        return items.enumerate()

    def records(file: tf.Tensor) -> tf.data.Dataset:
        # A damaged record ends its file. A file that cannot be opened would raise errors for
        # ever: the count, which goes on with each, ends it too.
        counted = tf.data.Dataset.range(source.count)
        return tf.data.Dataset.zip((counted, tf.data.TFRecordDataset(file))).ignore_errors()

    items = items.interleave(
        records,
        cycle_length=_FILES_AT_ONCE if shuffle else 1,
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    if not shuffle:
        return items
    # `shuffle` mixes its seed with the program's; in this graph that shall be a constant.
    tf.random.set_seed(1)
    room = min(_SHUFFLED_RECORDS, source.count, _SHUFFLED_BYTES * source.count // source.bytes)
    shuffle_seed = tf.random.stateless_uniform([], seeds, 0, tf.int64.max, tf.int64, alg=_RANDOM)
    return items.shuffle(max(room, 1), seed=shuffle_seed)
