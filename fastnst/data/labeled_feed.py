"""The batches of labeled pictures of a training run.

The order is a function of the seed and the position alone, so that a run resumes exactly: each pass
over the pictures is a permutation of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent import futures

import numpy as np
import tensorflow as tf

from fastnst import errors, images
from fastnst.data import feed, labeled

# Threads that decode pictures.
_WORKERS = 8


class LabeledFeed:
    """Yields batches: uint8 [batch_size, side, side, channels], and labels, int32 [batch_size].

    Attributes:
        pictures: The pictures.
        side: Their height and width in batches.
        batch_size: Pictures in a batch, over all devices.
        strategy: Distributes each batch.
    """

    def __init__(
        self,
        pictures: labeled.LabeledSet,
        side: int,
        channels: int,
        batch_size: int,
        seed: int,
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        """Reads nothing yet.

        Args:
            pictures: The pictures and their classes.
            side: Height and width of the pictures in batches, in pixels; see `images.square`.
            channels: 1 for gray, 3 for RGB.
            batch_size: Pictures in a batch, over all devices.
            seed: Seed of the order.
            strategy: Distributes each batch over its devices; None for one device.
        """
        self.pictures, self.side, self._channels = pictures, side, channels
        self.batch_size, self._seed = batch_size, seed
        self.strategy = strategy or tf.distribute.get_strategy()

    def __call__(
        self, step: int, position: int, on_skip: feed.OnSkip
    ) -> Iterator[tuple[tuple[tf.Tensor, tf.Tensor], int]]:
        """Yields batches endlessly, read ahead of time.

        Args:
            step: Ignored; the position tells the place.
            position: Pictures taken so far.
            on_skip: Receives the reason for each damaged picture, once per picture, in another
                thread. The picture after it takes its place.

        Yields:
            Pictures and labels, and the position after them.

        Raises:
            UserError: If no picture can be read.
        """
        return feed.ahead(self._batches(position, on_skip))

    def numbers(self, position: int) -> np.ndarray:
        """Returns the numbers of the pictures of the batch at a position, int64 [batch_size]."""
        count = self.pictures.count
        first, last = position // count, (position + self.batch_size - 1) // count
        passes = [
            np.random.default_rng([self._seed, number]).permutation(count)
            for number in range(first, last + 1)
        ]
        return np.concatenate(passes)[position - first * count :][: self.batch_size]

    def _batches(
        self, position: int, on_skip: feed.OnSkip
    ) -> Iterator[tuple[tuple[tf.Tensor, tf.Tensor], int]]:
        damaged: set[int] = set()

        def report(number: int, reason: str) -> None:
            if number not in damaged:
                damaged.add(number)
                on_skip(reason)

        with futures.ThreadPoolExecutor(_WORKERS) as pool:
            while True:
                numbers = self.numbers(position)
                position += self.batch_size

                def part(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
                    read = list(pool.map(lambda number: self.read(number, report), chosen.tolist()))
                    pictures = np.stack([picture for picture, _ in read])
                    return pictures, np.array([label for _, label in read], np.int32)

                yield distribute(self.strategy, numbers, part), position

    def read(self, number: int, report: Callable[[int, str], None]) -> tuple[np.ndarray, int]:
        """Returns a picture and its label; those of the next one that is intact, if need be.

        Args:
            number: Number of the picture.
            report: Receives the number of each damaged picture, and the reason.

        Raises:
            UserError: If no picture is intact.
        """
        count = self.pictures.count
        for each in range(number, number + count):
            try:
                pixels = self.pictures.read(each % count)
            except errors.UserError as error:
                report(each % count, str(error))
                continue
            fitted = images.square(pixels, self.side, self._channels)
            return fitted, int(self.pictures.labels[each % count])
        raise errors.UserError(f"{self.pictures.root}: none of its pictures can be read")


def distribute(
    strategy: tf.distribute.Strategy,
    numbers: np.ndarray,
    part: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> tuple[tf.Tensor, tf.Tensor]:
    """Makes a batch, of which each device holds its part.

    Args:
        strategy: The distribution.
        numbers: Numbers of the items of the whole batch.
        part: Returns the inputs and the labels of some of them.
    """

    def of_device(context: tf.distribute.experimental.ValueContext) -> tuple[tf.Tensor, tf.Tensor]:
        shares = np.array_split(numbers, context.num_replicas_in_sync)
        inputs, labels = part(shares[context.replica_id_in_sync_group])
        return tf.constant(inputs), tf.constant(labels)

    return strategy.experimental_distribute_values_from_function(of_device)


def read_all(
    pictures: labeled.LabeledSet, side: int, channels: int
) -> tuple[np.ndarray, np.ndarray]:
    """Reads all pictures, such as those to validate on.

    Returns:
        uint8 [N, side, side, channels] and labels, int32 [N].

    Raises:
        UserError: If a picture is damaged, or they do not fit into memory.
    """

    def read(number: int) -> np.ndarray:
        return images.square(pictures.read(number), side, channels)

    try:
        whole = np.empty((pictures.count, side, side, channels), np.uint8)
        with futures.ThreadPoolExecutor(_WORKERS) as pool:
            for number, pixels in enumerate(pool.map(read, range(pictures.count))):
                whole[number] = pixels
    except MemoryError:
        raise errors.UserError(
            f"{pictures.root}: {pictures.count:,} pictures of {side} x {side} pixels do not fit "
            "into memory; name fewer pictures to validate on"
        ) from None
    return whole, pictures.labels
