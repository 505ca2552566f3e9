"""The batches of a training run: sized per stage, distributed over replicas and prefetched."""

from __future__ import annotations

import collections
import collections.abc
import itertools
from concurrent import futures
from typing import TypeAlias, TypeVar

import numpy as np
import tensorflow as tf

from fastnst import data, errors, images

Say: TypeAlias = collections.abc.Callable[[str], None]
# Maps a step to the crop size from there on, and to the step at which the size changes next, or
# None if it never does.
SizeAt: TypeAlias = collections.abc.Callable[[int], tuple[int, int | None]]
_Item = TypeVar("_Item")
# Number of batches fetched in advance.
_AHEAD = 2


def batches(
    source: data.PhotoSource,
    strategy: tf.distribute.Strategy,
    size_at: SizeAt,
    *,
    batch_size: int,
    augment: str,
    seed: int,
    step: int,
    position: int,
    say: Say,
) -> collections.abc.Iterator[tuple[tf.Tensor, int]]:
    """Yields batches endlessly, copied to their devices in advance.

    Args:
        source: The photos.
        strategy: Distributes each batch over its replicas.
        size_at: Returns the crop size at a step.
        batch_size: Global batch size, over all replicas.
        augment: "crop" or "none".
        seed: Seed of the order and the crops.
        step: The first step.
        position: Position of the first sample: the number of samples used or skipped so far.
        say: Called with a message for each skipped photo, once per photo.

    Raises:
        OutOfRangeError: If no photo could be read for a whole epoch.

    Yields:
        Photos, float32 RGB [batch_size, size, size, 3] in [0, 255], and the position after them.
    """
    skipped: set[str] = set()

    def stage(size: int, start: int) -> collections.abc.Iterator[tuple[tf.Tensor, int]]:
        def part(context: tf.distribute.InputContext) -> tf.data.Dataset:
            return data.batches(
                source,
                image_size=size,
                batch_size=context.get_per_replica_batch_size(batch_size),
                augment=augment,  # type: ignore[arg-type]  # the two that it takes
                seed=seed,
                start=start,
            )

        for batch, positions in strategy.distribute_datasets_from_function(part):
            local = strategy.experimental_local_results(positions)
            seen = np.concatenate([part.numpy() for part in local])
            if lost := data.missing(start, seen.tolist()):
                names = set(data.names(source, lost, seed=seed).values())
                for name in sorted(names - skipped):
                    say(f"skipped {_why_skipped(source, name)}")
                skipped.update(names)
            start = int(seen.max()) + 1
            yield batch, start
        # The stream ends only if no photo can be read; restarting it would search forever.
        raise tf.errors.OutOfRangeError(None, None, "no photo could be read for an epoch")

    def stages() -> collections.abc.Iterator[tuple[tf.Tensor, int]]:
        begin, start = step, position
        while True:
            size, end = size_at(begin)
            left = None if end is None else end - begin
            for batch, after in itertools.islice(stage(size, start), left):
                start = after
                yield batch, after
            begin += left or 0

    return _ahead(stages())


def _ahead(items: collections.abc.Iterator[_Item]) -> collections.abc.Iterator[_Item]:
    """Prefetches from an endless iterator, in a thread.

    A copy to or from a GPU waits for the steps queued before it. Only the thread waits; the
    training loop meanwhile queues the next step.
    """
    thread = futures.ThreadPoolExecutor(1)
    try:
        coming = collections.deque(thread.submit(next, items) for _ in range(_AHEAD))
        while True:
            item = coming.popleft().result()
            coming.append(thread.submit(next, items))
            yield item
    finally:
        # The consumer is gone, so do not wait for the pending batches.
        thread.shutdown(wait=False, cancel_futures=True)


def _why_skipped(source: data.PhotoSource, name: str) -> str:
    if source.kind == "records":
        return f"{name or 'a record without a name'}: damaged or of a single color"
    try:
        images.read(name)
    except errors.UserError as error:
        return str(error)
    return f"{name}: the crop is of a single color"
