"""Batches whose photos are read by a tf.data service, on as many machines as reading needs.

The workers of the service read, decode and crop the records; the training processes only receive
the crops. Each file of records is read by one worker an epoch, whichever is free, so the order of
the photos differs from run to run.
"""

from __future__ import annotations

import collections.abc
import itertools
import re
import socket

import tensorflow as tf

from fastnst import errors
from fastnst.config import schema
from fastnst.data import feed, pipeline
from fastnst.data import source as source_module

_ADDRESS = re.compile(r"grpc://([^\s/:]+|\[[0-9a-fA-F:]+\]):(\d{1,5})")
# Seconds to wait for the dispatcher.
_TIMEOUT = 10.0
# Records that a worker of the service shuffles, besides the order of the files.
_SHUFFLED = 1024


def check(service: str, settings: schema.Data, source: source_module.PhotoSource) -> None:
    """Checks the key `data_service` before anything is read.

    Raises:
        UserError: If the address is malformed, nothing answers there, or the photos are not records
            that TensorFlow decodes without the help of Python, which the workers lack.
    """
    found = _ADDRESS.fullmatch(service)
    if not found:
        raise errors.UserError(f"data_service: {service!r} is no address such as grpc://host:5050")
    if settings.augment != "crop":
        raise errors.UserError(
            f"data_service: has no augment: {settings.augment}; set augment: crop, or "
            "data_service: null"
        )
    if not source.upright_jpegs:
        raise errors.UserError(
            f"data_service: {source.root} holds no records by `fastnst records`; convert the "
            "photos with it, or set data_service: null"
        )
    try:
        socket.create_connection((found[1].strip("[]"), int(found[2])), _TIMEOUT).close()
    except (OSError, OverflowError) as error:
        raise errors.UserError(
            f"data_service: no dispatcher answers at {service} ({error}); start it first"
        ) from None


class ServiceFeed:
    """Yields batches of photos, float32 RGB [batch_size, size, size, 3] in [0, 255].

    Photos that cannot be decoded are left out, without a notice.
    """

    def __init__(
        self,
        source: source_module.PhotoSource,
        settings: schema.Data,
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        """Reads nothing yet.

        Args:
            source: The photos, which the workers of the service find under the same paths.
            settings: The service, crop sizes, batch size over all devices, augmentation and seed.
            strategy: Distributes each batch over its devices; None for one device.
        """
        self._source, self._settings = source, settings
        self._strategy = strategy or tf.distribute.get_strategy()

    def __call__(
        self, step: int, position: int, on_skip: feed.OnSkip
    ) -> collections.abc.Iterator[tuple[tf.Tensor, int]]:
        """Yields batches endlessly, and copies them to their devices ahead of time.

        Args:
            step: Step of the first batch.
            position: Photos taken so far. Their epoch resumes at the next file.
            on_skip: Ignored.

        Yields:
            Photos, and the position after them.

        Raises:
            UserError: If the service could not read a batch in an epoch.
        """
        return feed.ahead(self._stages(step, position))

    def _stages(self, step: int, position: int) -> collections.abc.Iterator[tuple[tf.Tensor, int]]:
        while True:
            size, end = feed.size_at(self._settings, step)
            left = None if end is None else end - step
            for batch in itertools.islice(self._epochs(size, position), left):
                position += self._settings.batch_size
                yield batch, position
            step += left or 0

    def _epochs(self, size: int, start: int) -> collections.abc.Iterator[tf.Tensor]:
        source = self._source
        number, taken = divmod(start, source.count)
        first = taken * len(source.files) // source.count
        while True:
            parts = self._strategy.distribute_datasets_from_function(
                lambda context, number=number, first=first: self._part(context, size, number, first)
            )
            some = False
            for batch in parts:
                some = True
                yield batch
            if not some and not first:
                raise errors.UserError(
                    f"data_service: in an entire epoch, the workers of "
                    f"{self._settings.data_service} read less than one batch from {source.root}; "
                    "they need the files under the same paths"
                )
            number, first = number + 1, 0

    def _part(
        self, context: tf.distribute.InputContext, size: int, number: int, first: int
    ) -> tf.data.Dataset:
        """Returns this process's batches of the epoch `number`, from the file `first` on."""
        settings, source = self._settings, self._source
        files = pipeline.shuffled_files(source, tf.constant(number, tf.int64), settings.seed)
        many = len(source.files)

        def records(index: tf.Tensor) -> tf.data.Dataset:
            # Of any two samples the numbers differ, as if each file held all the records.
            begin = (number * many + index) * source.count
            counted = tf.data.Dataset.range(begin, begin + source.count)
            # A damaged record ends its file, and so does a file that cannot be opened.
            return tf.data.Dataset.zip(
                (counted, tf.data.TFRecordDataset(files[index]))
            ).ignore_errors()

        def load(position: tf.Tensor, content: tf.Tensor) -> tf.Tensor:
            return pipeline.sample(
                source,
                content,
                position,
                image_size=size,
                augment=settings.augment,  # type: ignore[arg-type]  # checked by the schema
                zoom=settings.zoom,
                seed=settings.seed,
            )

        # Of the files of a single service, each training process asks for its own.
        mine = tf.data.Dataset.range(
            first + context.input_pipeline_id, many, context.num_input_pipelines
        )
        return (
            mine.flat_map(records)
            .shuffle(_SHUFFLED)
            .map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False)
            .ignore_errors()
            .apply(
                tf.data.experimental.service.distribute(
                    tf.data.experimental.service.ShardingPolicy.DYNAMIC, settings.data_service
                )
            )
            .batch(context.get_per_replica_batch_size(settings.batch_size), drop_remainder=True)
            .map(lambda images: tf.cast(images, tf.float32), num_parallel_calls=tf.data.AUTOTUNE)
            .prefetch(tf.data.AUTOTUNE)
        )
