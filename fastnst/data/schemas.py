"""How a record holds its photo: told from the record itself."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import message

from fastnst import errors
from fastnst.data import tfrecord

# In the order of preference; a record may hold masks and thumbnails beside its photo.
_IMAGE_KEYS = ("image/encoded", "image")
_SHAPE_KEY = "shape"
_NAME_KEYS = ("image/filename", "image_name", "filename", "image/source_id", "id")
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")
# Shorter than any image file, longer than most texts that happen to begin like one.
_SHORTEST = 32
_LOOKED_AT = 16


@dataclasses.dataclass(frozen=True)
class Schema:
    """Where a record keeps what.

    Attributes:
        image: The key of the photo: an image file, or bare pixels where there is a `shape`.
        name: The key of the photo's name, if it has one.
        shape: The key of its (height, width) or (height, width, channels), int32 bytes, if the
            photo is bare uint8 pixels.
    """

    image: str
    name: str | None = None
    shape: str | None = None


def detect(path: Path) -> Schema:
    """Finds the schema of a TFRecord file by its first records.

    Known are TF Object Detection and COCO (`image/encoded`), Kaggle (`image`, `image_name`),
    bare pixels (`image`, `shape`), and any other that holds an image file under some key.

    Raises:
        UserError: If there is no photo in the records, with the keys that there are.
    """
    first = itertools.islice(tfrecord.payloads(path), _LOOKED_AT)
    examples = [_parse(path, payload) for payload in first]
    for features in examples:
        schema = _schema(features)
        if schema is not None:
            return schema
    keys = ", ".join(sorted({key for features in examples for key in features})) or "none"
    raise errors.UserError(
        f"{path}: no image in its records; keys found: {keys}. Wanted: image/encoded or image "
        "(a JPEG or PNG file), or image with shape (uint8 pixels)"
    )


def _parse(path: Path, payload: bytes) -> dict[str, tf.train.Feature]:
    try:
        return dict(tf.train.Example.FromString(payload).features.feature)
    except message.DecodeError:
        raise errors.UserError(
            f"{path}: its records are no tf.train.Example, which is what holds photos"
        ) from None


def _value(features: dict[str, tf.train.Feature], key: str) -> bytes:
    """The one byte string under a key, or none."""
    values = features[key].bytes_list.value if key in features else []
    return values[0] if len(values) == 1 else b""


def _schema(features: dict[str, tf.train.Feature]) -> Schema | None:
    name = next((key for key in _NAME_KEYS if _value(features, key)), None)
    others = sorted(set(features) - set(_IMAGE_KEYS), key=lambda key: -len(_value(features, key)))
    for key in (*_IMAGE_KEYS, *others):
        value = _value(features, key)
        if value.startswith(_MAGIC) and len(value) > _SHORTEST:
            return Schema(image=key, name=name)
    shape = _value(features, _SHAPE_KEY)
    if len(shape) in (8, 12):
        sizes = np.frombuffer(shape, "<i4").tolist()
        for key in _IMAGE_KEYS:
            if _fits(sizes, len(_value(features, key))):
                return Schema(image=key, name=name, shape=_SHAPE_KEY)
    return None


def _fits(shape: list[int], pixels: int) -> bool:
    return math.prod(shape) == pixels and (len(shape) == 2 or shape[2] in (1, 3))


def encoded(payload: bytes, schema: Schema) -> bytes:
    """Takes the image file out of a serialized record, outside the graph; b"" if it has none."""
    try:
        return _value(dict(tf.train.Example.FromString(payload).features.feature), schema.image)
    except message.DecodeError:
        return b""


def image_file(record: tf.Tensor, schema: Schema) -> tf.Tensor:
    """Takes the image file, a string scalar, out of a serialized record."""
    features = {schema.image: tf.io.FixedLenFeature([], tf.string)}
    return tf.io.parse_single_example(record, features)[schema.image]


def pixels(record: tf.Tensor, schema: Schema) -> tf.Tensor:
    """Takes the bare pixels out of a serialized record, as uint8 RGB [H, W, 3]."""
    keys = (schema.image, schema.shape)
    features = {key: tf.io.FixedLenFeature([], tf.string) for key in keys}
    parsed = tf.io.parse_single_example(record, features)
    shape = tf.io.decode_raw(parsed[schema.shape], tf.int32)
    flat = tf.io.decode_raw(parsed[schema.image], tf.uint8)
    image = tf.reshape(flat, [shape[0], shape[1], -1])
    # One channel becomes three; any other number is refused by the concatenation.
    return tf.broadcast_to(image, [shape[0], shape[1], 3])


def name(record: tf.Tensor, schema: Schema) -> tf.Tensor:
    """Takes the photo's name, a string scalar, out of a record; empty where it has none."""
    if schema.name is None:
        return tf.constant("")
    features = {schema.name: tf.io.FixedLenFeature([], tf.string, default_value="")}
    return tf.io.parse_single_example(record, features)[schema.name]
