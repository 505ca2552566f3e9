"""The history of generated pictures that a discriminator is trained on."""

from __future__ import annotations

import tensorflow as tf


class History(tf.Module):
    """Pictures of earlier generators (Shrivastava et al. 2017).

    A discriminator that only sees the latest pictures forgets the mistakes of earlier ones, and the
    generator returns to them. Of each batch, about half of the pictures are therefore exchanged for
    earlier ones. The history is part of a checkpoint, so that a run resumes exactly.

    Attributes:
        pictures: uint8 RGB [capacity, H, W, 3].
        count: Pictures that it holds, an int64 scalar.
    """

    def __init__(self, capacity: int, size: int) -> None:
        """Creates an empty history, within the scope of the strategy.

        Args:
            capacity: Number of pictures; 0 for none, so that each batch is returned unchanged.
            size: Height and width of the pictures.
        """
        super().__init__()
        # On several devices, each remembers the pictures of the first, so that all hold the same.
        options = {
            "trainable": False,
            "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA,
        }
        shape = [capacity, size, size, 3]
        self.pictures = tf.Variable(tf.zeros(shape, tf.uint8), name="pictures", **options)
        self.count = tf.Variable(0, dtype=tf.int64, name="count", **options)

    def exchange(self, latest: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Adds pictures, and returns as many to train the discriminator on.

        While the history has room, pictures are added and returned. Later, each of them is, with a
        probability of 1/2, exchanged for one of the history, which it replaces.

        Args:
            latest: float32 RGB [B, H, W, 3] in [0, 255], of the latest generator.
            seed: int64 [2]; equal seeds exchange equal pictures.

        Returns:
            float32, of the same shape.
        """
        capacity, batch = self.pictures.shape[0], latest.shape[0]
        if not capacity:
            return latest
        random = tf.random.stateless_uniform([batch, 2], seed, alg="philox")
        pictures, count, returned = self.pictures.value(), self.count.value(), []
        for picture, (chance, choice) in zip(
            tf.unstack(latest), [tf.unstack(each) for each in tf.unstack(random)], strict=True
        ):
            has_room = count < capacity
            chosen = tf.minimum(tf.cast(choice * capacity, tf.int64), capacity - 1)
            place = tf.where(has_room, count, chosen)
            exchanged = ~has_room & (chance < 0.5)
            # A mask instead of an assignment by index, which variables of several devices lack.
            there = tf.range(capacity, dtype=tf.int64) == place
            earlier = tf.cast(tf.gather(pictures, place), tf.float32)
            returned.append(tf.where(exchanged, earlier, picture))
            stored = tf.cast(tf.clip_by_value(tf.round(picture), 0.0, 255.0), tf.uint8)
            replaced = (there & (has_room | exchanged))[:, tf.newaxis, tf.newaxis, tf.newaxis]
            pictures = tf.where(replaced, stored, pictures)
            count += tf.cast(has_room, tf.int64)
        self.pictures.assign(pictures)
        self.count.assign(count)
        return tf.stack(returned)
