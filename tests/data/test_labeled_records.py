"""Labeled pictures in TFRecord files."""

from __future__ import annotations

from pathlib import Path

import made
import numpy as np
import pytest

from fastnst import errors
from fastnst.data import labeled_records

PIXELS = [made.noise(seed, 4, 5) for seed in range(3)]
PNGS = [made.encode(pixels) for pixels in PIXELS]


def test_encoded_pictures_have_the_names_of_their_labels(tmp_path: Path) -> None:
    records = [
        {"image/encoded": png, "image/class/label": label, "image/class/text": text}
        for png, label, text in zip(PNGS, (7, 2, 7), (b"dog", b"cat", b"dog"), strict=True)
    ]
    path = made.write_records(tmp_path / "a.tfrecord", records)
    found = labeled_records.open_records("here", [path])
    assert found.classes == ("cat", "dog") and found.labels.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(found.read(1), PIXELS[1])


def test_raw_pixels_have_numbers_for_classes_and_several_files_are_one_set(tmp_path: Path) -> None:
    paths = [
        made.write_records(
            tmp_path / f"{number}.tfrecord",
            [
                {
                    "label": 10 - number,
                    "shape": np.array(pixels.shape, np.int32).tobytes(),
                    "image": pixels.tobytes(),
                }
            ],
        )
        for number, pixels in enumerate(PIXELS[:2])
    ]
    found = labeled_records.open_records("here", paths)
    assert found.classes == ("9", "10") and found.labels.tolist() == [1, 0]
    np.testing.assert_array_equal(found.read(0), PIXELS[0])


def test_records_without_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    records = [{"image": PNGS[0], "label": 1}, {"image": PNGS[1]}, {"image": PNGS[2], "label": 0}]
    path = made.write_records(tmp_path / "a.tfrecord", records)
    found = labeled_records.open_records("here", [path])
    assert found.labels.tolist() == [1, 0]
    assert found.left_out == "1 records without a label left out"
    np.testing.assert_array_equal(found.read(1), PIXELS[2])


def test_records_without_any_label_list_their_keys(tmp_path: Path) -> None:
    path = made.write_records(tmp_path / "a.tfrecord", [{"image": PNGS[0], "boxes": [0.5, 1.0]}])
    with pytest.raises(errors.UserError, match=r"no label of the whole picture.*: boxes, image"):
        labeled_records.open_records("here", [path])


def test_a_damaged_picture_is_told_when_it_is_read(tmp_path: Path) -> None:
    records = [
        {"image": PNGS[0], "label": 0},
        {"image": PNGS[1][:40], "label": 1},
    ]
    path = made.write_records(tmp_path / "a.tfrecord", records)
    found = labeled_records.open_records("here", [path])
    with pytest.raises(errors.UserError, match=r"a.tfrecord, record at byte \d+"):
        found.read(1)
