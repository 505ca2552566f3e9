"""The batches of a run: of the size of each stage, shared among replicas, and there in time."""

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
# Maps a step to the size of the crops from there on, and to the step where it changes, if it does.
SizeAt: TypeAlias = collections.abc.Callable[[int], tuple[int, int | None]]
_Item = TypeVar("_Item")
# Batches that wait for the loop to take them.
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
    """Yields batches without end; they are on their devices before they are asked for.

    Args:
        source: The photos.
        strategy: Shares each batch among its replicas.
        size_at: Tells the sizes.
        batch_size: Photos in a batch, over all replicas.
        augment: "crop" or "none".
        seed: Of order and crops.
        step: The first one's.
        position: How many photos have been taken so far.
        say: Told the name of each photo that had to be skipped, once.

    Raises:
        OutOfRangeError: If no photo could be read for an epoch.

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
        # As TensorFlow says it. Begun again, a stream that ended because no photo can be read would
        # be sought for ever.
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
    """Takes from an endless iterator ahead of need, in a thread.

    A copy to or from a GPU waits for the steps that it was given before. Here the thread waits, and
    meanwhile the loop gives it the next step.
    """
    thread = futures.ThreadPoolExecutor(1)
    try:
        coming = collections.deque(thread.submit(next, items) for _ in range(_AHEAD))
        while True:
            item = coming.popleft().result()
            coming.append(thread.submit(next, items))
            yield item
    finally:
        # Nobody waits for what nobody takes any more.
        thread.shutdown(wait=False, cancel_futures=True)


def _why_skipped(source: data.PhotoSource, name: str) -> str:
    if source.kind == "records":
        return f"{name or 'a record without an image'}: damaged or blank"
    try:
        images.read(name)
    except errors.UserError as error:
        return str(error)
    return f"{name}: blank where it was cropped"
