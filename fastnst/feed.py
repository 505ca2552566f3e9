"""The batches of a run: of the size of each stage, and shared among replicas."""

from __future__ import annotations

import collections.abc
import itertools
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from fastnst import data, errors, images

Say: TypeAlias = collections.abc.Callable[[str], None]
# Maps a step to the size of the crops from there on, and to the step where it changes, if it does.
SizeAt: TypeAlias = collections.abc.Callable[[int], tuple[int, int | None]]


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
    """Yields batches without end.

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

    while True:
        size, end = size_at(step)
        left = None if end is None else end - step
        for batch, after in itertools.islice(stage(size, position), left):
            position = after
            yield batch, position
        step += left or 0


def _why_skipped(source: data.PhotoSource, name: str) -> str:
    if source.kind == "records":
        return f"{name or 'a record without an image'}: damaged or blank"
    try:
        images.read(name)
    except errors.UserError as error:
        return str(error)
    return f"{name}: blank where it was cropped"
