"""Counting and reading the records of TFRecord files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import tensorflow as tf

from fastnst import errors
from fastnst.data import tfrecord


@pytest.fixture
def three(tmp_path: Path) -> Path:
    path = tmp_path / "three.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for payload in (b"one", b"", b"three" * 1000):
            writer.write(payload)
    return path


def test_records_are_counted_and_read(three: Path) -> None:
    assert tfrecord.count(three) == 3
    assert list(tfrecord.payloads(three)) == [b"one", b"", b"three" * 1000]


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    (tmp_path / "empty.tfrecord").touch()
    assert tfrecord.count(tmp_path / "empty.tfrecord") == 0


def test_a_truncated_file_raises_an_error_that_names_the_record(three: Path) -> None:
    data = three.read_bytes()
    # Records are 16 bytes longer than their payloads: the third begins at 19 + 16 = 35.
    for length, record in ((len(data) - 1, 3), (40, 3), (34, 2), (18, 1)):
        three.write_bytes(data[:length])
        with pytest.raises(errors.UserError, match=rf"ends within record {record};"):
            tfrecord.count(three)


def test_files_of_other_formats_raise_an_error(tmp_path: Path) -> None:
    for content, reason in (
        (b"hello", "not a TFRecord file"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "not a TFRecord file"),
        (gzip.compress(b"records"), "compressed with gzip; decompress it"),
    ):
        path = tmp_path / "other.tfrecord"
        path.write_bytes(content)
        with pytest.raises(errors.UserError, match=reason):
            tfrecord.count(path)


def test_a_file_that_cannot_be_opened_raises_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(errors.UserError, match=r"none: cannot be read \(No such file"):
        tfrecord.count(tmp_path / "none")


def test_a_payload_is_found_by_its_place_without_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for payload in (b"one", b"two"):
            writer.write(payload)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    places = list(tfrecord.places(path))
    assert [tfrecord.payload(path, place) for place in places] == [b"one", b"two"]
    assert tfrecord.read(path, places[1]) == b""
    assert tfrecord.payload(path, tfrecord.Place(12, None)) == b""
