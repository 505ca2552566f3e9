"""The endless stream of training batches, resumable at any position.

A sample is identified by its position: its index since the beginning of the training run. The
choice of photo, the crop and the flip depend only on (seed, position), so a run that starts at
position p sees the same samples from there on as an uninterrupted run. Each photo appears once
per epoch of `source.count` positions.
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

# The shuffle buffer for records: at most this many records, and at most this many bytes.
_SHUFFLED_RECORDS = 4096
_SHUFFLED_BYTES = 256 * 2**20
_FILES_AT_ONCE = 16

# Fixed, because the default algorithm, and with it the order, could differ between TensorFlow
# releases and devices.
_RANDOM = "philox"
# Added to the seed, so that the zoom of a photo is independent of its crop.
_OF_ZOOM = 2**32


def batches(
    source: PhotoSource,
    *,
    image_size: int,
    batch_size: int,
    augment: Augment = "crop",
    zoom: float = 1.0,
    seed: int = 0,
    start: int = 0,
    shuffle: bool = True,
    shard: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Returns the endless stream of batches of a training run.

    Photos that cannot be decoded and crops of a single color are skipped: their positions are
    missing from the batch (see `missing`), which is filled with the next samples. The stream ends
    only if no photo at all can be decoded when an epoch begins; `user_errors` turns that into a
    UserError.

    Args:
        source: The photos.
        image_size: Height and width of the images.
        batch_size: Images per batch.
        augment: "crop" for a random crop and flip, "none" for the original program's scaling
            and center crop.
        zoom: The largest factor by which to enlarge a part of a random crop.
        seed: Seed of the order, the crops and the flips.
        start: Position of the first sample, for example where an earlier run stopped.
        shuffle: Whether to shuffle the photos in each epoch; if False, they keep the order of
            `source.files`.
        shard: Index of this process and number of processes that share the positions. A process
            takes the positions that equal its index modulo that number.

    Returns:
        A dataset of (images, positions): float32 [batch_size, image_size, image_size, 3] in
        [0, 255], and int64 [batch_size], ascending.

    Raises:
        UserError: If there are fewer photos than a batch needs.
    """
    if source.count < batch_size:
        raise errors.UserError(
            f"{source.root}: {source.count:,} photos do not fill one batch of {batch_size:,}; use "
            "a smaller batch_size or more photos"
        )

    def load(position: tf.Tensor, item: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        image = sample(
            source,
            item[1],
            position,
            image_size=image_size,
            augment=augment,
            zoom=zoom,
            seed=seed,
        )
        return image, position

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


def sample(
    source: PhotoSource,
    content: tf.Tensor,
    position: tf.Tensor,
    *,
    image_size: int,
    augment: Augment,
    zoom: float,
    seed: int,
) -> tf.Tensor:
    """Returns the crop of a photo, uint8 RGB [image_size, image_size, 3]; for use in a graph.

    Args:
        source: The photos.
        content: The path or the serialized record of one.
        position: Together with `seed`, the seed of the crop, the flip and the zoom.
        image_size: As in `batches`.
        augment: As in `batches`.
        zoom: As in `batches`.
        seed: As in `batches`.

    Raises:
        OpError: When it is run, if the photo cannot be decoded or the crop is of a single color.
    """
    image = _load(source, content, image_size, augment, zoom, seed, position)
    # Instance norm divides by the standard deviation, so its gradient is infinite on a crop
    # of a single color. Failing here skips the sample, like a damaged photo.
    varied = tf.reduce_any(image != image[:1, :1])
    with tf.control_dependencies([tf.debugging.Assert(varied, ["a crop of a single color"])]):
        return tf.identity(image)


def shuffled_files(source: PhotoSource, number: tf.Tensor, seed: int) -> tf.Tensor:
    """Returns the files of a source in the order of an epoch, strings [files]."""
    # Positions are never negative, so these random numbers differ from those of every crop.
    seeds = tf.stack([tf.constant(seed, tf.int64), -1 - number])
    files = _files(source)
    order = tf.argsort(tf.random.stateless_uniform(tf.shape(files), seeds, alg=_RANDOM))
    return tf.gather(files, order)


def missing(start: int, positions: Sequence[int]) -> list[int]:
    """Returns the positions that a batch skipped because their photos could not be used.

    Args:
        start: The position after the previous batch, or the stream's own `start`.
        positions: The positions in the batch.
    """
    there = set(map(int, positions))
    return [position for position in range(start, max(there) + 1) if position not in there]


def names(
    source: PhotoSource, positions: Iterable[int], *, seed: int, shuffle: bool = True
) -> dict[int, str]:
    """Returns the names of the photos at the given positions, without decoding any.

    For records, this rereads each epoch up to the positions, which takes seconds for gigabytes.

    Returns:
        A dict from position to file path; for records, to the name stored in the record, or ""
        if it stores none.
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
    """Turns the end of the stream, which means that no photo can be read, into a UserError."""
    try:
        yield
    except (StopIteration, tf.errors.OutOfRangeError):
        check_readable(source)
        raise errors.UserError(
            f"{source.root}: none of its photos could be read for an entire epoch; check that the "
            "files still exist"
        ) from None


def _load(
    source: PhotoSource,
    content: tf.Tensor,
    image_size: int,
    augment: Augment,
    zoom: float,
    seed: int,
    position: tf.Tensor,
) -> tf.Tensor:
    """Loads the image at a position from a path or a serialized record, scaled and cropped."""
    square = _square(source, content, image_size, augment, seed, position)
    if augment == "none" or zoom == 1.0:
        return square
    seeds = tf.stack([seed + _OF_ZOOM, position])
    return preprocess.enlarge(square, zoom, tf.random.stateless_uniform([3], seeds, alg=_RANDOM))


def _square(
    source: PhotoSource,
    content: tf.Tensor,
    image_size: int,
    augment: Augment,
    seed: int,
    position: tf.Tensor,
) -> tf.Tensor:
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
    """Returns the stream of (position, item of `_epoch`), endless while any photo is readable."""

    def is_readable(number: tf.Tensor) -> tf.Tensor:
        # Unreadable photos are dropped downstream. With no readable one left, the pipeline would
        # search forever.
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
    """Returns the items of one epoch in order: (index, path) or (index, serialized record).

    The index counts files within the epoch, or records within their file.
    """
    files = shuffled_files(source, number, seed) if shuffle else _files(source)
    items = tf.data.Dataset.from_tensor_slices(files)
    if source.kind == "folder":
        return items.enumerate()

    def records(file: tf.Tensor) -> tf.data.Dataset:
        # A damaged record ends its file. A file that cannot be opened would raise errors
        # forever; zipping it with a finite counter ends it as well.
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
    # `shuffle` combines its seed with the global seed, which must be constant in this graph.
    tf.random.set_seed(1)
    buffer = min(_SHUFFLED_RECORDS, source.count, _SHUFFLED_BYTES * source.count // source.bytes)
    seeds = tf.stack([tf.constant(seed, tf.int64), -1 - number])
    shuffle_seed = tf.random.stateless_uniform([], seeds, 0, tf.int64.max, tf.int64, alg=_RANDOM)
    return items.shuffle(max(buffer, 1), seed=shuffle_seed)


def _files(source: PhotoSource) -> tf.Tensor:
    # As bytes, because file names need not be valid UTF-8.
    return tf.constant([os.fsencode(file) for file in source.files])
