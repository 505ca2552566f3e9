"""The batches of labeled pictures."""

from __future__ import annotations

import itertools

import labels_made
import numpy as np
import pytest

from fastnst import errors
from fastnst.data import labeled, labeled_feed

PICTURES, LABELS = labels_made.bars(7)
WHOLE = labeled.of_arrays("here", PICTURES, LABELS, labels_made.CLASSES)


def make(pictures: labeled.LabeledSet = WHOLE, seed: int = 0) -> labeled_feed.LabeledFeed:
    return labeled_feed.LabeledFeed(pictures, 12, 1, batch_size=3, seed=seed)


def test_each_pass_is_a_permutation_of_its_own() -> None:
    numbers = np.concatenate([make().numbers(3 * step) for step in range(7)]).reshape(3, 7)
    for one_pass in numbers:
        assert sorted(one_pass) == list(range(7))
    assert len({tuple(one_pass) for one_pass in numbers}) == 3
    assert make(seed=1).numbers(0).tolist() != make().numbers(0).tolist()


def test_a_batch_may_be_larger_than_the_set() -> None:
    feed = labeled_feed.LabeledFeed(WHOLE, 12, 1, batch_size=17, seed=0)
    assert np.bincount(feed.numbers(4)).tolist().count(0) == 0


def test_a_resumed_feed_yields_the_batches_of_one_that_went_on() -> None:
    whole = list(itertools.islice(make()(0, 0, print), 6))
    resumed = list(itertools.islice(make()(2, 6, print), 4))
    for ((pictures, labels), after), ((again, its_labels), later) in zip(
        whole[2:], resumed, strict=True
    ):
        assert after == later
        np.testing.assert_array_equal(pictures, again)
        np.testing.assert_array_equal(labels, its_labels)
    pictures, labels = whole[0][0]
    assert pictures.shape == (3, 12, 12, 1) and pictures.dtype == "uint8"
    np.testing.assert_array_equal(labels, LABELS[make().numbers(0)])


def damaged(*numbers: int) -> labeled.LabeledSet:
    def read(number: int) -> np.ndarray:
        if number in numbers:
            raise errors.UserError(f"{number}: damaged")
        return PICTURES[number]

    return labeled.LabeledSet("here", labels_made.CLASSES, LABELS.astype(np.int32), read)


def test_a_damaged_picture_is_told_once_and_replaced_by_the_next() -> None:
    skipped: list[str] = []
    batches = list(itertools.islice(make(damaged(2, 3))(0, 0, skipped.append), 7))
    assert sorted(skipped) == ["2: damaged", "3: damaged"]
    labels = np.concatenate([labels for (_, labels), _ in batches])
    # Three passes, in each of which pictures 2 and 3 are replaced by picture 4.
    kept = LABELS[[0, 1, 4, 4, 4, 5, 6]]
    assert sorted(labels.tolist()) == sorted([*kept] * 3)


def test_without_an_intact_picture_there_is_one_error() -> None:
    with pytest.raises(errors.UserError, match="here: none of its pictures can be read"):
        next(make(damaged(*range(7)))(0, 0, lambda reason: None))


def test_all_pictures_are_read_in_order_at_the_size_of_the_network() -> None:
    pictures, labels = labeled_feed.read_all(WHOLE, 6, 3)
    assert pictures.shape == (7, 6, 6, 3) and labels.tolist() == LABELS.tolist()
    # The left half of the first is bright.
    assert pictures[0, :, :2].mean() > pictures[0, :, -2:].mean() + 100
