"""The endless stream of training batches, resumable at any position.

A sample is identified by its position: its index since the beginning of the training run. The
choice of photo, the crop and the flip depend only on (seed, position), so a run that starts at
position p sees the same samples from there on as an uninterrupted run. Each photo appears once
per epoch of `source.count` positions.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import tensorflow as tf

from fastnst import errors
from fastnst.data import preprocess, schemas, tfrecord
from fastnst.data.source import PhotoSource, check_readable

Augment = Literal["crop", "none"]

# The shuffle buffer for records: at most this many records, and at most this many bytes.
_SHUFFLED_RECORDS = 4096
_SHUFFLED_BYTES = 256 * 2**20
_FILES_AT_ONCE = 16
# Samples of a process without a usable one among them, after which an epoch's end ends the stream.
_PATIENCE = 256

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
    only if an epoch, or a few of a small source, yields no sample at all; `user_errors` turns that
    into a UserError.

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
        def taken() -> tuple[tf.Tensor, tf.Tensor]:
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

        dtype = tf.float32 if augment == "none" else tf.uint8
        nothing = tf.zeros([image_size, image_size, 3], dtype)
        is_end = position < 0
        return tf.cond(is_end, lambda: (nothing, position), taken)

    def to_float(images: tf.Tensor, positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cast(images, tf.float32), positions

    positions = _samples(source, seed=seed, start=start, shuffle=shuffle)
    index, processes = shard
    if processes > 1:
        positions = positions.filter(
            lambda position, _: (position < 0) | (position % processes == index)
        )
    loaded = positions.map(load, num_parallel_calls=tf.data.AUTOTUNE).ignore_errors()
    patience = max(source.count, _PATIENCE * processes)
    samples = (
        _while_fruitful(loaded, start, patience)
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
    return tf.gather(_files(source), _order(source, number, seed))


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
        A dict from position to file path; for records, to the name stored in the record, or else
        the path of its file and its number.
    """
    found: dict[int, str] = {}
    wanted = sorted(set(positions))
    for epoch in sorted({position // source.count for position in wanted}):
        there = [position for position in wanted if position // source.count == epoch]
        begin = epoch * source.count
        for position, (origin, content) in (
            tf.data.Dataset.from_tensors(tf.constant(epoch, tf.int64))
            .flat_map(lambda number: _epoch(source, number, seed, shuffle))
            .enumerate(begin)
            .skip(there[0] - begin)
            .take(there[-1] - there[0] + 1)
        ):
            if int(position) in there:
                name = os.fsdecode(origin.numpy())
                if source.schema is not None:
                    stored = schemas.name(content, source.schema).numpy()
                    name = stored.decode(errors="replace") or name
                found[int(position)] = name
    return found


@contextlib.contextmanager
def user_errors(source: PhotoSource) -> Iterator[None]:
    """Turns the end of the stream, which means that no photo can be read, into a UserError."""
    try:
        yield
    except (StopIteration, tf.errors.OutOfRangeError):
        check_readable(source)
        raise errors.UserError(
            f"{source.root}: none of its {source.count:,} photos could be used for a whole epoch; "
            "all were damaged, missing, or of a single color; check the files"
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
        return preprocess.original(preprocess.decode(data, source.max_pixels), image_size)
    if source.upright_jpegs:
        return preprocess.crop_jpeg(data, image_size, random)
    return preprocess.crop(data, image_size, random, source.max_pixels)


def _samples(source: PhotoSource, *, seed: int, start: int, shuffle: bool) -> tf.data.Dataset:
    """Returns the endless stream of (position, item of `_epoch`).

    The last item of an epoch has, as a negative position, that of the first one of the next.
    """

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        begin = number * source.count
        items = _epoch(source, number, seed, shuffle).enumerate(begin)
        end = tf.data.Dataset.from_tensors((-begin - source.count, ("", "")))
        return items.skip(tf.maximum(start - begin, 0)).concatenate(end)

    return tf.data.Dataset.range(start // source.count, tf.int64.max).flat_map(epoch)


def _while_fruitful(samples: tf.data.Dataset, start: int, patience: int) -> tf.data.Dataset:
    """Removes the ends of epochs, and ends the stream at one that is too far from any sample.

    Args:
        samples: (image, position), from which those that cannot be used are missing. The last of
            an epoch is as in `_samples`.
        start: Position of the first sample.
        patience: Positions without a sample that end the stream. Otherwise the search for a sample
            would never end if none can be used.
    """

    def look(
        last: tf.Tensor, sample: tuple[tf.Tensor, tf.Tensor]
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        image, position = sample
        is_end = position < 0
        goes_on = ~is_end | (-position - last < patience)
        return tf.where(is_end, last, position), (image, position, goes_on)

    return (
        samples.scan(tf.constant(start, tf.int64), look)
        .take_while(lambda image, position, goes_on: goes_on)
        .filter(lambda image, position, goes_on: position >= 0)
        .map(lambda image, position, goes_on: (image, position))
    )


def _epoch(source: PhotoSource, number: tf.Tensor, seed: int, shuffle: bool) -> tf.data.Dataset:
    """Returns the items of one epoch in order: (origin, path) or (origin, serialized record).

    The origin is a name for people: the path, or the path of the file and the number of the record.
    A record that is damaged is empty.
    """
    files, counts = _files(source), tf.constant(source.counts or [1] * len(source.files), tf.int64)
    if shuffle:
        order = _order(source, number, seed)
        files, counts = tf.gather(files, order), tf.gather(counts, order)
    if source.kind == "folder":
        return tf.data.Dataset.from_tensor_slices((files, files))
    items = tf.data.Dataset.from_tensor_slices((files, counts)).interleave(
        _records,
        cycle_length=_FILES_AT_ONCE if shuffle else 1,
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    if not shuffle:
        return items
    # `shuffle` combines its seed with the global seed, which must be constant in this graph.
    tf.random.set_seed(1)
    buffer = min(_SHUFFLED_RECORDS, source.count, _SHUFFLED_BYTES * source.count // source.bytes)
    shuffle_seed = tf.random.stateless_uniform(
        [], _seeds(seed, number), 0, tf.int64.max, tf.int64, alg=_RANDOM
    )
    return items.shuffle(max(buffer, 1), seed=shuffle_seed)


def _order(source: PhotoSource, number: tf.Tensor, seed: int) -> tf.Tensor:
    """Returns the indices of a source's files in the order of an epoch, int32 [files]."""
    random = tf.random.stateless_uniform([len(source.files)], _seeds(seed, number), alg=_RANDOM)
    return tf.argsort(random)


def _seeds(seed: int, epoch: tf.Tensor) -> tf.Tensor:
    # Positions are never negative, so these random numbers differ from those of every crop.
    return tf.stack([tf.constant(seed, tf.int64), -1 - epoch])


def _files(source: PhotoSource) -> tf.Tensor:
    # As bytes, because file names need not be valid UTF-8.
    return tf.constant([os.fsencode(file) for file in source.files])


def _records(file: tf.Tensor, count: tf.Tensor) -> tf.data.Dataset:
    """Returns the records of a file in order, as in `_epoch`."""
    # TensorFlow raises errors forever at a damaged record, or for a file that cannot be opened, so
    # the file is zipped with a finite counter. The end tells how many records there were before.
    numbers = tf.data.Dataset.range(count)
    intact = tf.data.Dataset.zip((numbers, tf.data.TFRecordDataset(file))).ignore_errors()
    end = tf.data.Dataset.from_tensors((count, ""))

    def expand(number: tf.Tensor, payload: tf.Tensor, before: tf.Tensor) -> tf.data.Dataset:
        # The rest of a damaged file is slower to read.
        is_end = number == count
        first, stop = tf.where(is_end, before, number), tf.where(is_end, count, number + 1)

        def item(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            def read() -> tf.Tensor:
                found = tf.numpy_function(_read_record, [file, number], tf.string, stateful=False)
                return tf.ensure_shape(found, [])

            origin = tf.strings.join([file, ", record ", tf.strings.as_string(number + 1)])
            return origin, tf.cond(is_end, read, lambda: payload)

        return tf.data.Dataset.range(first, stop).map(item)

    def look(
        before: tf.Tensor, record: tuple[tf.Tensor, tf.Tensor]
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        number, payload = record
        after = tf.where(number < count, number + 1, before)
        return after, (number, payload, after)

    return intact.concatenate(end).scan(tf.constant(0, tf.int64), look).flat_map(expand)


def _read_record(file: bytes, number: int) -> bytes:
    path = Path(os.fsdecode(file))
    with contextlib.suppress(errors.UserError):
        for place in itertools.islice(tfrecord.places(path), int(number), int(number) + 1):
            return tfrecord.read(path, place)
    return b""
