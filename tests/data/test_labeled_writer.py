"""Writing class folders as labeled TFRecords."""

from __future__ import annotations

from pathlib import Path

import labels_made
import made
import numpy as np
import pytest
import tensorflow as tf

from fastnst import data, errors
from fastnst.data import labeled_sources, labeled_writer, schemas, tfrecord

PICTURES, LABELS = labels_made.bars(6, channels=3)


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, labeled_writer.Part]:
    train = labels_made.write_folders(tmp_path / "a", PICTURES, LABELS)
    validation = labels_made.write_folders(tmp_path / "b", PICTURES[:2], LABELS[:2])
    return {
        "train": labeled_writer.Part(train, shards=2),
        "validation": labeled_writer.Part(validation),
    }


def test_both_parts_have_the_keys_of_build_image_data(
    tmp_path: Path, parts: dict[str, labeled_writer.Part]
) -> None:
    out = tmp_path / "out"
    written = labeled_writer.write(parts, out)
    assert {name: result.photos for name, result in written.items()} == {
        "train": 6,
        "validation": 2,
    }
    assert (out / "labels.txt").read_text() == "left\nright\nwhole\n"
    shards = sorted(path.name for path in (out / "train").glob("*.tfrecord"))
    assert shards == ["train-00000-of-00002.tfrecord", "train-00001-of-00002.tfrecord"]
    (payload, *_) = tfrecord.payloads(out / "train" / shards[1])
    record = schemas.features(payload)
    # The second file in the order of names is the second of the first class, which has number 1.
    assert record["image/filename"].bytes_list.value == [b"left/003.png"]
    assert record["image/class/label"].int64_list.value == [1]
    assert record["image/class/text"].bytes_list.value == [b"left"]
    # Those that the tutorials' build_image_data.py writes.
    names = "height width colorspace channels class/label class/text format filename encoded"
    assert {f"image/{key}" for key in names.split()} <= {*record}
    assert record["image/colorspace"].bytes_list.value == [b"RGB"]
    assert record["image/channels"].int64_list.value == [3]
    found = labeled_sources.open_labeled(str(out), validation=True)
    assert [found.classes[label] for label in found.labels] == ["left", "right"]
    # They are photos to train a style on too.
    assert data.open_photos(str(out / "train")).count == 6


def test_raw_records_hold_the_exact_pixels(
    tmp_path: Path, parts: dict[str, labeled_writer.Part]
) -> None:
    labeled_writer.write({"train": parts["train"]}, tmp_path / "out", schema="raw")
    paths = sorted((tmp_path / "out" / "train").glob("*.tfrecord"))
    dataset = tf.data.TFRecordDataset([str(paths[0])])
    # As the course that defines the schema reads it.
    keys = {
        "label": tf.io.FixedLenFeature([], tf.int64),
        "shape": tf.io.FixedLenFeature([], tf.string),
        "image": tf.io.FixedLenFeature([], tf.string),
    }
    (first, *_) = [tf.io.parse_single_example(each, keys) for each in dataset]
    shape = tf.io.decode_raw(first["shape"], tf.int32)
    pixels = tf.reshape(tf.io.decode_raw(first["image"], tf.uint8), shape)
    np.testing.assert_array_equal(pixels, PICTURES[0])
    assert first["label"].numpy() == 0
    small = labeled_writer.write(
        {"train": parts["train"]}, tmp_path / "small", schema="raw", max_side=6
    )
    assert small["train"].photos == 6
    found = labeled_sources.open_labeled(str(tmp_path / "small" / "train"))
    assert found.read(0).shape == (6, 6, 3)


def test_a_list_of_labels_chooses_the_classes_and_their_numbers(
    tmp_path: Path, parts: dict[str, labeled_writer.Part]
) -> None:
    (tmp_path / "labels.txt").write_text("whole\nleft\n")
    written = labeled_writer.write(
        parts, tmp_path / "out", labels_file=tmp_path / "labels.txt", schema="raw"
    )
    assert written["train"].photos == 4
    reasons = {skipped.reason for skipped in written["train"].skipped}
    assert reasons == {
        "right/001.png: is not in the folder of a class",
        "right/004.png: is not in the folder of a class",
    }
    found = labeled_sources.open_labeled(str(tmp_path / "out"))
    assert np.bincount(found.labels).tolist() == [2, 2]


def test_other_classes_and_other_schemas_do_not_mix(
    tmp_path: Path, parts: dict[str, labeled_writer.Part]
) -> None:
    odd = made.write_files(tmp_path / "odd", {"lefd/a.png": made.encode(PICTURES[0])})
    with pytest.raises(errors.UserError, match=r"odd: has folders that .*a lacks: lefd"):
        labeled_writer.write({**parts, "odd": labeled_writer.Part(odd)}, tmp_path / "out")
    labeled_writer.write(parts, tmp_path / "out")
    with pytest.raises(errors.UserError, match="contains records of other photos or options"):
        labeled_writer.write(parts, tmp_path / "out", schema="raw")
    flat = labeled_writer.Part(parts["train"].source / "left")
    with pytest.raises(errors.UserError, match="holds no folders of pictures"):
        labeled_writer.write({"train": flat}, tmp_path / "flat")
