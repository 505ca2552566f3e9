"""The batches of a training run: sized per stage, distributed over devices and prefetched.

A feed is a function of the first step, the position to start at, and a function that receives the
reason for each skipped photo. It yields batches endlessly, each with the position after it.
"""

from __future__ import annotations

import collections.abc
import itertools
import queue
import threading
from typing import Any, TypeAlias, TypeVar

import numpy as np
import tensorflow as tf

from fastnst import errors, images
from fastnst.config import schema
from fastnst.data import pipeline
from fastnst.data import source as source_module

OnSkip: TypeAlias = collections.abc.Callable[[str], None]
_Item = TypeVar("_Item")
# Number of batches fetched in advance.
_AHEAD = 2
# Seconds to wait for a batch that nobody needs any more.
_PATIENCE = 3.0


class PhotoFeed:
    """Yields batches of photos, float32 RGB [batch_size, size, size, 3] in [0, 255]."""

    def __init__(
        self,
        source: source_module.PhotoSource,
        settings: schema.Data,
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        """Reads nothing yet.

        Args:
            source: The photos.
            settings: Crop sizes, batch size over all devices, augmentation and seed.
            strategy: Distributes each batch over its devices; None for one device.
        """
        self._source = source
        self._settings = settings
        self._strategy = strategy or tf.distribute.get_strategy()

    def __call__(
        self, step: int, position: int, on_skip: OnSkip
    ) -> collections.abc.Iterator[tuple[tf.Tensor, int]]:
        """Yields batches endlessly, and copies them to their devices ahead of time.

        Args:
            step: Step of the first batch.
            position: Photos taken so far.
            on_skip: Receives the reason for each skipped photo, once per photo, in another thread.

        Yields:
            Photos, float32 RGB [batch_size, size, size, 3] in [0, 255], and the position after
            them.

        Raises:
            OutOfRangeError: If no photo could be used for an epoch.
        """
        return ahead(self._stages(step, position, on_skip))

    def _stages(
        self, step: int, position: int, on_skip: OnSkip
    ) -> collections.abc.Iterator[tuple[tf.Tensor, int]]:
        skipped: set[str] = set()
        while True:
            size, end = size_at(self._settings, step)
            left = None if end is None else end - step
            for batch, after in itertools.islice(
                self._stage(size, position, skipped, on_skip), left
            ):
                position = after
                yield batch, after
            step += left or 0

    def _stage(
        self, size: int, start: int, skipped: set[str], on_skip: OnSkip
    ) -> collections.abc.Iterator[tuple[tf.Tensor, int]]:
        settings, source, strategy = self._settings, self._source, self._strategy
        shard, behind = (0, 1), 1

        def part(context: tf.distribute.InputContext) -> tf.data.Dataset:
            nonlocal shard, behind
            # Of any batches, the processes together take those of a single one.
            processes = context.num_input_pipelines
            shard = ((start + context.input_pipeline_id) % processes, processes)
            behind = processes - context.input_pipeline_id
            return pipeline.batches(
                source,
                image_size=size,
                batch_size=context.get_per_replica_batch_size(settings.batch_size),
                augment=settings.augment,  # type: ignore[arg-type]  # checked by the schema
                zoom=settings.zoom,
                seed=settings.seed,
                start=start,
                shard=shard,
            )

        for batch, positions in strategy.distribute_datasets_from_function(part):
            local = strategy.experimental_local_results(positions)
            seen = np.concatenate([part.numpy() for part in local])
            lost = [
                position
                for position in pipeline.missing(start, seen.tolist())
                if position % shard[1] == shard[0]
            ]
            if lost:
                names = set(pipeline.names(source, lost, seed=settings.seed).values())
                for name in sorted(names - skipped):
                    on_skip(_why_skipped(source, name))
                skipped.update(names)
            # The same in all processes, as long as every photo can be used.
            start = int(seen.max()) + behind
            yield batch, start
        # Restarting the stream would search forever.
        raise tf.errors.OutOfRangeError(None, None, "no photo could be used for an epoch")


class IterableFeed:
    """Yields the batches of any iterable, such as a `tf.data.Dataset`; the position counts them.

    The iterable is restarted at its end. A resumed run skips its first batches, so it should yield
    the same batches each time.
    """

    def __init__(self, batches: collections.abc.Iterable[Any]) -> None:
        """Wraps an iterable of batches, which must not be an iterator."""
        if isinstance(batches, collections.abc.Iterator):
            raise errors.UserError(
                "dataset: is an iterator, which can be read only once; pass a list, a "
                "tf.data.Dataset, or an object whose __iter__ restarts it"
            )
        self._batches = batches

    def __call__(
        self, step: int, position: int, on_skip: OnSkip
    ) -> collections.abc.Iterator[tuple[Any, int]]:
        """Yields batches endlessly, starting at a position.

        Args:
            step: Ignored.
            position: Number of batches to skip.
            on_skip: Ignored.

        Yields:
            A batch, and the position after it.

        Raises:
            UserError: If the iterable is empty.
        """
        return ahead(self._from(position))

    def _from(self, position: int) -> collections.abc.Iterator[tuple[Any, int]]:
        count = 0
        while True:
            before = count
            for batch in self._batches:
                count += 1
                if count > position:
                    yield batch, count
            if count == before:
                raise errors.UserError("dataset: yields no batches; it should yield at least one")


def ahead(items: collections.abc.Iterator[_Item]) -> collections.abc.Iterator[_Item]:
    """Prefetches from an endless iterator, in a thread.

    A copy to or from a GPU waits for the steps queued before it. Only the thread waits; the engine
    meanwhile queues the next step.

    The thread does not keep the process from ending if it waits for data forever.
    """
    fetched: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
    room = threading.Semaphore(_AHEAD)
    wanted = True

    def fetch() -> None:
        try:
            while room.acquire() and wanted:
                fetched.put((next(items), None))
        except BaseException as error:
            fetched.put((None, error))

    thread = threading.Thread(target=fetch, name="feed", daemon=True)
    thread.start()
    try:
        while True:
            item, error = fetched.get()
            if error is not None:
                raise error
            room.release()
            yield item
    finally:
        wanted = False
        room.release()
        # A thread that is still within TensorFlow when the interpreter ends would abort it.
        thread.join(_PATIENCE)


def size_at(settings: schema.Data, step: int) -> tuple[int, int | None]:
    """Returns the crop size at a step, and the step of its next change, or None."""
    end = 0
    for size, steps in settings.stages.items():
        end += steps
        if step < end:
            return size, end
    return settings.image_size, None


def _why_skipped(source: source_module.PhotoSource, name: str) -> str:
    if source.kind == "records":
        return f"{name}: damaged or of a single color"
    try:
        images.read(name, max_pixels=source.max_pixels)
    except errors.UserError as error:
        return str(error)
    return f"{name}: the crop is of a single color"
