"""Pictures with a class each, whatever they are stored in."""

from __future__ import annotations

import numpy as np
import pytest

from fastnst import errors
from fastnst.data import labeled

PICTURES = np.arange(10 * 4, dtype=np.uint8).reshape(10, 2, 2)
LABELS = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1])


def whole() -> labeled.LabeledSet:
    return labeled.of_arrays("here", PICTURES, LABELS, ("cat", "dog"))


def test_arrays_become_pictures_with_a_channel_and_classes() -> None:
    found = whole()
    assert found.description == "10 pictures of 2 classes in here"
    np.testing.assert_array_equal(found.read(3)[..., 0], PICTURES[3])
    assert found.labels.tolist() == LABELS.tolist()


def test_a_split_holds_out_a_share_of_each_class_and_loses_nothing() -> None:
    rest, held = whole().split(0.25, seed=3)
    # Of six and four pictures, 1.5 (to even: 2) and 1.
    assert np.bincount(held.labels).tolist() == [2, 1]
    firsts = [each.read(number)[0, 0, 0] for each in (rest, held) for number in range(each.count)]
    assert sorted(firsts) == PICTURES[:, 0, 0].tolist()
    again = whole().split(0.25, seed=3)[1]
    assert [again.read(n)[0, 0, 0] for n in range(3)] == firsts[-3:]
    seeds = {tuple(whole().split(0.25, seed)[1].read(0).flatten()) for seed in range(8)}
    assert len(seeds) > 1


def test_a_class_of_a_single_picture_cannot_be_split() -> None:
    lonely = labeled.of_arrays("here", PICTURES[:3], np.array([0, 0, 1]), ("cat", "dog"))
    with pytest.raises(errors.UserError, match="the class dog has a single picture"):
        lonely.split(0.5, 0)


def test_labels_are_renumbered_by_the_classes_of_another_set() -> None:
    renumbered = whole().with_classes(("bird", "dog", "cat"))
    assert renumbered.labels.tolist() == [2] * 6 + [1] * 4
    with pytest.raises(errors.UserError, match="has pictures of cat, which are no classes"):
        whole().with_classes(("bird", "dog"))


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        (LABELS[:9], "10 pictures but 9 labels"),
        (LABELS * 2, "label 2, but only the classes 0 to 1"),
    ],
)
def test_labels_that_do_not_match_are_refused(labels: np.ndarray, fault: str) -> None:
    with pytest.raises(errors.UserError, match=fault):
        labeled.of_arrays("here", PICTURES, labels, ("cat", "dog"))
    with pytest.raises(errors.UserError, match="holds no pictures"):
        labeled.of_arrays("here", PICTURES[:0], LABELS[:0], ("cat",))
