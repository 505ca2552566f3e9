"""Training the last layer on features that are computed once."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import labels_made
import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors, images
from fastnst.data import class_folders, labeled, labeled_feed
from fastnst.features import loss_network
from fastnst.nets import classifier_architecture, classifiers
from fastnst.training.tasks import bottleneck

PICTURES, LABELS = labels_made.bars(6, 16, 3)
WHOLE = labeled.of_arrays("bars", PICTURES, LABELS, labels_made.CLASSES)
NET = classifiers.make(
    classifier_architecture.Architecture(
        "vgg_16", 16, 3, 3, blocks=((1, 64),), mean=(123.68, 116.78, 103.94)
    )
)
WEIGHTS = {name: value for name, value in NET.tensors().items() if name not in classifiers.HEAD}


def feed(pictures: labeled.LabeledSet = WHOLE) -> labeled_feed.LabeledFeed:
    return labeled_feed.LabeledFeed(pictures, 16, 3, batch_size=4, seed=0)


def compute(
    cache: Path, said: list[str], pictures: labeled.LabeledSet = WHOLE
) -> tuple[np.ndarray, np.ndarray]:
    network = loss_network.LossNetwork(WEIGHTS, ())
    return bottleneck.features(feed(pictures), network, cache, said.append, said.append)


def test_features_are_those_of_the_network_and_are_computed_once(tmp_path: Path) -> None:
    said: list[str] = []
    found, labels = compute(tmp_path / "features.npz", said)
    np.testing.assert_allclose(found, NET.features(tf.cast(PICTURES, tf.float32)), atol=1e-3)
    assert labels.tolist() == LABELS.tolist()
    assert said == ["computing the features of 6 pictures, once"]

    def unread(number: int) -> np.ndarray:
        raise AssertionError

    kept, _ = compute(tmp_path / "features.npz", said, dataclasses.replace(WHOLE, read=unread))
    np.testing.assert_array_equal(kept, found)
    assert len(said) == 1


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 and no more"])
def test_a_damaged_file_or_one_of_other_pictures_is_computed_again(
    tmp_path: Path, damage: bytes
) -> None:
    said: list[str] = []
    cache = tmp_path / "features.npz"
    found, _ = compute(cache, said)
    cache.write_bytes(damage)
    np.testing.assert_array_equal(compute(cache, said)[0], found)
    assert compute(cache, said, WHOLE.part([0, 1, 2, 3, 4]))[0].shape == (5, 64)
    assert len(said) == 3


def test_a_picture_that_was_replaced_under_its_name_is_seen_again(tmp_path: Path) -> None:
    for name, level in (("a/1.png", 10), ("b/1.png", 200)):
        images.write(tmp_path / name, np.full((20, 20, 3), level, np.uint8))
    said: list[str] = []
    cache = tmp_path / "features.npz"
    found, _ = compute(cache, said, class_folders.open_folders(tmp_path))
    # Of the same size in bytes.
    images.write(tmp_path / "a" / "1.png", np.full((20, 20, 3), 11, np.uint8))
    again, _ = compute(cache, said, class_folders.open_folders(tmp_path))
    assert len(said) == 2 and not np.array_equal(again[0], found[0])
    np.testing.assert_array_equal(again[1], found[1])
    compute(cache, said, class_folders.open_folders(tmp_path))
    assert len(said) == 2


def test_a_damaged_picture_has_the_features_and_the_label_of_the_next(tmp_path: Path) -> None:
    def read(number: int) -> np.ndarray:
        if number == 1:
            raise errors.UserError("1: damaged")
        return PICTURES[number]

    said: list[str] = []
    found, labels = compute(tmp_path / "a.npz", said, dataclasses.replace(WHOLE, read=read))
    assert labels.tolist() == [0, 2, 2, 0, 1, 2]
    np.testing.assert_array_equal(found[1], found[2])
    assert said[1:] == ["1: damaged"]


def test_batches_of_features_come_first_and_then_pictures_in_the_same_order() -> None:
    features = np.arange(6, dtype=np.float32)[:, np.newaxis]
    both = bottleneck.BottleneckFeed(feed(), 3, lambda skip: (features, LABELS.astype(np.int32)))
    batches = list(itertools.islice(both(0, 0, print), 5))
    assert [after for _, after in batches] == [4, 8, 12, 16, 20]
    for number, ((inputs, labels), _) in enumerate(batches):
        expected = feed().numbers(4 * number)
        np.testing.assert_array_equal(labels, LABELS[expected])
        if number < 3:
            np.testing.assert_array_equal(inputs[:, 0], expected)
        else:
            np.testing.assert_array_equal(inputs, PICTURES[expected])
    resumed = list(itertools.islice(both(2, 8, print), 2))
    np.testing.assert_array_equal(resumed[0][0][0], batches[2][0][0])
    np.testing.assert_array_equal(resumed[1][0][0], batches[3][0][0])
