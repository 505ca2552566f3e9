"""What a record of a TFRecord file holds."""

from __future__ import annotations

from pathlib import Path

import made
import numpy as np
import pytest

from fastnst import errors
from fastnst.data import inspection

PIXELS = made.noise(0, 4, 5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    raw = {"label": 3, "shape": np.array([4, 5, 3], np.int32).tobytes(), "image": PIXELS.tobytes()}
    encoded = {
        "image/encoded": made.encode(PIXELS),
        "image/class/label": 2,
        "image/class/text": b"dog",
        "scores": [0.5, 1.0],
    }
    empty = {"image/class/label": 1}
    return made.write_records(tmp_path / "a.tfrecord", [raw, encoded, empty])


def test_keys_label_and_pixels_of_a_raw_record(path: Path) -> None:
    found = inspection.inspect(path, 1)
    assert (found.number, found.count, found.label, found.fault) == (1, 3, 3, "")
    assert found.keys == {
        "image": "bytes, 60 bytes",
        "label": "int64 3",
        "shape": "bytes, 12 bytes",
    }
    np.testing.assert_array_equal(found.picture, PIXELS)


def test_texts_and_lists_are_shown_and_an_image_file_is_decoded(path: Path) -> None:
    found = inspection.inspect(path, 2)
    assert found.keys["image/class/text"] == "bytes, 3 bytes: dog"
    assert found.keys["scores"] == "2 float: 0.5, 1"
    assert found.label == 2
    np.testing.assert_array_equal(found.picture, PIXELS)


def test_a_record_without_a_picture_says_so(path: Path) -> None:
    found = inspection.inspect(path, 3)
    assert found.picture is None and found.fault == "holds no picture"


def test_wrong_numbers_and_damage_are_told(path: Path) -> None:
    with pytest.raises(errors.UserError, match="has 3 records, and none of number 4"):
        inspection.inspect(path, 4)
    data = bytearray(path.read_bytes())
    data[20] ^= 255
    path.write_bytes(bytes(data))
    with pytest.raises(errors.UserError, match=r"record 1 of 3 is damaged, or no tf.train.Example"):
        inspection.inspect(path, 1)
