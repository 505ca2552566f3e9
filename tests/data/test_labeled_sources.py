"""The values of the key `dataset` of a classification."""

from __future__ import annotations

from pathlib import Path

import labels_made
import made
import numpy as np
import pytest

from fastnst import errors
from fastnst.data import keras_sets, labeled_sources

PICTURES, LABELS = labels_made.bars(6)
BIG, BIG_LABELS = labels_made.bars(4, 32, 3)


def test_a_folder_of_idx_files_has_both_parts(tmp_path: Path) -> None:
    labels_made.write_idx(tmp_path, PICTURES, LABELS)
    labels_made.write_idx(tmp_path, PICTURES[:2], LABELS[:2], "t10k")
    assert labeled_sources.open_labeled(str(tmp_path)).count == 6
    assert labeled_sources.open_labeled(str(tmp_path), validation=True).count == 2


def test_a_folder_of_a_single_part_is_that_part(tmp_path: Path) -> None:
    labels_made.write_idx(tmp_path, PICTURES, LABELS, "t10k")
    assert labeled_sources.open_labeled(str(tmp_path)).count == 6


def test_binary_files_are_found_by_folder_and_glob(tmp_path: Path) -> None:
    for name in ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"):
        (tmp_path / name).write_bytes(labels_made.cifar(BIG, BIG_LABELS))
    assert labeled_sources.open_labeled(str(tmp_path)).count == 8
    assert labeled_sources.open_labeled(str(tmp_path), validation=True).count == 4
    whole = labeled_sources.open_labeled(str(tmp_path / "*.bin"))
    assert whole.count == 12 and whole.files == tuple(sorted(tmp_path.iterdir()))


def test_class_folders_may_be_in_folders_for_the_parts(tmp_path: Path) -> None:
    labels_made.write_folders(tmp_path / "train", BIG, BIG_LABELS)
    labels_made.write_folders(tmp_path / "validation", BIG[:3], BIG_LABELS[:3])
    assert labeled_sources.open_labeled(str(tmp_path)).count == 4
    found = labeled_sources.open_labeled(str(tmp_path), validation=True, classes=("whole", "left"))
    assert found.count == 2 and found.classes == ("whole", "left")
    assert {path.parent.name for path in found.files} == {"whole", "left"}


def test_records_of_build_image_data_are_found_without_an_extension(tmp_path: Path) -> None:
    record = {"image/encoded": made.encode(BIG[0]), "image/class/label": 1}
    made.write_records(tmp_path / "train-00000-of-00001", [record] * 3)
    made.write_records(tmp_path / "validation-00000-of-00001", [record])
    assert labeled_sources.open_labeled(str(tmp_path)).count == 3
    assert labeled_sources.open_labeled(str(tmp_path), validation=True).count == 1


def test_a_name_is_one_of_keras_s_sets_unless_something_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr(keras_sets, "load", lambda name, validation: asked.append(name))
    labeled_sources.open_labeled("mnist")
    labels_made.write_idx(tmp_path / "mnist", PICTURES, LABELS)
    assert labeled_sources.open_labeled("mnist").count == 6
    assert asked == ["mnist"]


def test_without_parts_a_share_is_held_out(tmp_path: Path) -> None:
    labels_made.write_idx(tmp_path, PICTURES, LABELS, "t10k")
    training, held = labeled_sources.open_both(str(tmp_path), None, 0.5, 0)
    assert (training.count, held.count) == (3, 3) and held.labels.tolist() == [0, 1, 2]
    labels_made.write_idx(tmp_path, PICTURES, LABELS)
    training, test = labeled_sources.open_both(str(tmp_path), None, 0.5, 0)
    assert (training.count, test.count) == (6, 6)


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("cifar1", r"nor one of Keras's data sets \(mnist.*did you mean cifar10"),
        ("*.bin", "no file matches"),
        ("two", "separate sets; name one"),
    ],
)
def test_what_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, fault: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for part in ("digits", "letters"):
        labels_made.write_idx(tmp_path / "two", PICTURES, LABELS, part)
    with pytest.raises(errors.UserError, match=fault):
        labeled_sources.open_labeled(spec)


def test_the_bars_of_the_other_tests_differ_by_class() -> None:
    means = [PICTURES[label == LABELS].mean() for label in range(3)]
    assert means[2] > means[0] + 60 and np.ptp(means[:2]) < 20
