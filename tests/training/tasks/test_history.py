"""The history of generated pictures."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fastnst.training.tasks import history


def pictures(*levels: float) -> tf.Tensor:
    """Pictures of 2 x 2 pixels of these levels."""
    return tf.constant(np.broadcast_to(np.reshape(levels, (-1, 1, 1, 1)), (len(levels), 2, 2, 3)))


def levels(batch: tf.Tensor) -> list[float]:
    return np.asarray(batch)[:, 0, 0, 0].tolist()


def seed(step: int) -> tf.Tensor:
    return tf.constant([0, step], tf.int64)


def test_a_history_with_room_stores_pictures_and_returns_them() -> None:
    past = history.History(3, 2)
    assert levels(past.exchange(tf.cast(pictures(1.4, 300.0), tf.float32), seed(0))) == (
        np.float32([1.4, 300.0]).tolist()
    )
    assert int(past.count) == 2
    # Rounded and clipped, as a file would hold them.
    assert levels(past.pictures) == [1, 255, 0]


def test_a_full_history_exchanges_about_half_of_the_pictures() -> None:
    past = history.History(4, 2)
    exchange = tf.function(past.exchange)
    exchange(tf.cast(pictures(0, 1, 2, 3), tf.float32), seed(0))
    held, exchanged = [0.0, 1.0, 2.0, 3.0], 0
    places = set()
    for step in range(1, 101):
        latest = float(step + 3)
        (found,) = levels(exchange(tf.cast(pictures(latest), tf.float32), seed(step)))
        if found == latest:
            assert levels(past.pictures) == held
        else:
            # It takes the place of the one that is returned.
            places.add(held.index(found))
            held[held.index(found)] = latest
            assert levels(past.pictures) == held
            exchanged += 1
    assert 35 <= exchanged <= 65 and places == {0, 1, 2, 3}
    assert int(past.count) == 4


def test_equal_seeds_exchange_equal_pictures() -> None:
    pasts = [history.History(2, 2) for _ in range(2)]
    for step in range(10):
        one, other = (
            levels(past.exchange(tf.cast(pictures(step, step + 100), tf.float32), seed(step)))
            for past in pasts
        )
        assert one == other


def test_without_a_history_pictures_are_returned_unchanged() -> None:
    batch = tf.cast(pictures(1, 2), tf.float32)
    assert history.History(0, 2).exchange(batch, seed(0)) is batch
