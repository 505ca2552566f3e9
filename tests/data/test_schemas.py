"""Detecting how a record stores its photo."""

from __future__ import annotations

from pathlib import Path

import made
import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors
from fastnst.data import schemas, tfrecord
from fastnst.data.schemas import Schema

PHOTO = made.encode(made.noise(0), "JPEG")
PIXELS = made.noise(1, 4, 5)


def raw(pixels: np.ndarray) -> dict[str, object]:
    """A record of raw pixels, as an early TensorFlow tutorial writes it."""
    shape = np.array(pixels.shape, np.int32).tobytes()
    return {"label": 1, "shape": shape, "image": pixels.tobytes()}


@pytest.mark.parametrize(
    ("record", "schema"),
    [
        (
            {"image/encoded": PHOTO, "image/filename": b"a.jpg", "image/height": 24},
            Schema("image/encoded", "image/filename"),
        ),
        (
            {"image": PHOTO, "image_name": b"98b1d3", "target": b"\x01"},
            Schema("image", "image_name"),
        ),
        ({"image": made.encode(made.noise(0)), "label": 7}, Schema("image")),
        ({"picture": PHOTO, "thumbnail": made.encode(made.noise(0, 2, 2))}, Schema("picture")),
        (raw(PIXELS), Schema("image", shape="shape")),
        (raw(PIXELS[:, :, 0]), Schema("image", shape="shape")),
        (raw(PIXELS[:, :, :1]), Schema("image", shape="shape")),
    ],
)
def test_each_schema_is_detected(tmp_path: Path, record: dict[str, object], schema: Schema) -> None:
    assert schemas.detect(made.write_records(tmp_path / "x.tfrecord", [record])) == schema


def test_a_bad_first_record_does_not_prevent_detection(tmp_path: Path) -> None:
    path = made.write_records(tmp_path / "x.tfrecord", [{"image": b""}, {"image": PHOTO}])
    assert schemas.detect(path) == Schema("image")


@pytest.mark.parametrize(
    "record",
    [
        {"image_floats": [0.5, 0.25], "image_class": 9},
        {"image_class": b"BMW", "image_floats": [0.5]},
        raw(PIXELS) | {"shape": np.array([4, 5, 4], np.int32).tobytes()},
        raw(made.noise(0, 4, 4)) | {"shape": np.array([4, 6, 2], np.int32).tobytes()},
    ],
)
def test_records_without_an_image_raise_an_error_that_lists_their_keys(
    tmp_path: Path, record: dict[str, object]
) -> None:
    path = made.write_records(tmp_path / "x.tfrecord", [record])
    with pytest.raises(errors.UserError) as caught:
        schemas.detect(path)
    keys = ", ".join(sorted(record))
    assert str(caught.value).startswith(f"{path}: no image in its records; keys found: {keys}.")


def test_records_that_are_not_examples_raise_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"\xff\xff\xff")
    with pytest.raises(errors.UserError, match=r"are not tf\.train\.Example"):
        schemas.detect(path)


def test_file_and_name_are_read_inside_and_outside_the_graph(tmp_path: Path) -> None:
    path = made.write_records(tmp_path / "x.tfrecord", [{"image": PHOTO, "id": b"7"}])
    record = next(iter(tf.data.TFRecordDataset(str(path))))
    schema = schemas.detect(path)
    assert schemas.image_file(record, schema).numpy() == PHOTO
    assert schemas.encoded(record.numpy(), schema) == PHOTO
    assert schemas.name(record, schema).numpy() == b"7"
    assert schemas.name(record, Schema("image")).numpy() == b""
    assert schemas.encoded(b"\xff\xff\xff", schema) == b""


def test_raw_pixels_become_rgb(tmp_path: Path) -> None:
    grey = PIXELS[:, :, :1]
    for pixels, rgb in (
        (PIXELS, PIXELS),
        (grey, grey.repeat(3, 2)),
        (grey[..., 0], grey.repeat(3, 2)),
    ):
        path = made.write_records(tmp_path / "x.tfrecord", [raw(pixels)])
        record = next(iter(tf.data.TFRecordDataset(str(path))))
        np.testing.assert_array_equal(schemas.pixels(record, schemas.detect(path)), rgb)


def test_a_picture_is_decoded_outside_of_a_graph_or_its_damage_is_told(tmp_path: Path) -> None:
    gray = raw(PIXELS[:, :, :1])
    path = made.write_records(tmp_path / "x.tfrecord", [gray, gray | {"image": b"short"}])
    whole, short = tfrecord.payloads(path)
    schema = schemas.detect(path)
    np.testing.assert_array_equal(schemas.picture(whole, schema, "one"), PIXELS[:, :, :1])
    with pytest.raises(errors.UserError, match="two: does not hold the pixels that its shape"):
        schemas.picture(short, schema, "two")
