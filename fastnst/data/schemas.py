"""Detects how a TFRecord stores its photo, and reads it."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import message

from fastnst import errors, formats, images
from fastnst.data import tfrecord

# In order of preference: a record may hold masks and thumbnails as well as the photo.
_IMAGE_KEYS = ("image/encoded", "image")
_SHAPE_KEY = "shape"
_NAME_KEYS = ("image/filename", "image_name", "filename", "image/source_id", "id")
# Shorter than any image file, longer than most texts that happen to begin like one.
_SHORTEST = 32
_EXAMINED = 16


@dataclasses.dataclass(frozen=True)
class Schema:
    """The keys of a record's features.

    Attributes:
        image: Key of the photo: an image file, or raw pixels if `shape` is set.
        name: Key of the photo's name, if the records store one.
        shape: Key of (height, width) or (height, width, channels) as int32 bytes, if the photo
            is stored as raw uint8 pixels.
    """

    image: str
    name: str | None = None
    shape: str | None = None


def detect(path: Path) -> Schema:
    """Detects the schema of a TFRecord file from its first records.

    Supports TF Object Detection and COCO (`image/encoded`), Kaggle (`image`, `image_name`), raw
    pixels (`image`, `shape`), and any schema that holds an image file under some key.

    Raises:
        UserError: If the records hold no photo; the message lists their keys.
    """
    first = itertools.islice(tfrecord.payloads(path), _EXAMINED)
    examples = [_parse(path, payload) for payload in first]
    for features in examples:
        schema = of_record(features)
        if schema is not None:
            return schema
    keys = ", ".join(sorted({key for features in examples for key in features})) or "none"
    raise errors.UserError(
        f"{path}: no image in its records; keys found: {keys}. Expected: image/encoded or image "
        "(a JPEG or PNG file), or image with shape (uint8 pixels)"
    )


def _parse(path: Path, payload: bytes) -> dict[str, tf.train.Feature]:
    try:
        return dict(tf.train.Example.FromString(payload).features.feature)
    except message.DecodeError:
        raise errors.UserError(
            f"{path}: its records are not tf.train.Example protos; write them with "
            "'fastnst records'"
        ) from None


def _value(features: dict[str, tf.train.Feature], key: str) -> bytes:
    """Returns the byte string under a key, or b"" unless there is exactly one."""
    values = features[key].bytes_list.value if key in features else []
    return values[0] if len(values) == 1 else b""


def of_record(features: dict[str, tf.train.Feature]) -> Schema | None:
    """Detects the schema of a single record; None if it holds no photo."""
    name = next((key for key in _NAME_KEYS if _value(features, key)), None)
    others = sorted(set(features) - set(_IMAGE_KEYS), key=lambda key: -len(_value(features, key)))
    for key in (*_IMAGE_KEYS, *others):
        value = _value(features, key)
        if len(value) > _SHORTEST and formats.sniff(value[: formats.HEAD]):
            return Schema(image=key, name=name)
    shape = _value(features, _SHAPE_KEY)
    if len(shape) in (8, 12):
        sizes = np.frombuffer(shape, "<i4").tolist()
        for key in _IMAGE_KEYS:
            if _fits(sizes, len(_value(features, key))):
                return Schema(image=key, name=name, shape=_SHAPE_KEY)
    return None


def _fits(shape: list[int], pixels: int) -> bool:
    fits = min(shape) > 0 and math.prod(shape) == pixels
    return fits and (len(shape) == 2 or shape[2] in (1, 3))


def features(payload: bytes) -> dict[str, tf.train.Feature]:
    """Returns the features of a serialized record, outside the graph; none if it is damaged."""
    try:
        return dict(tf.train.Example.FromString(payload).features.feature)
    except message.DecodeError:
        return {}


def encoded(payload: bytes, schema: Schema) -> bytes:
    """Returns the image file in a serialized record, outside the graph; b"" if it has none."""
    return _value(features(payload), schema.image)


def named_photo(payload: bytes) -> tuple[str, bytes]:
    """Returns the name and the image file in a serialized record of any schema, outside the graph.

    Both are empty if the record is damaged, or holds no image file.
    """
    found = features(payload)
    schema = of_record(found)
    if schema is None or schema.shape is not None:
        return "", b""
    stored = _value(found, schema.name) if schema.name else b""
    return stored.decode(errors="replace"), _value(found, schema.image)


def has_pixels(payload: bytes, schema: Schema) -> bool:
    """Returns whether a serialized record, outside the graph, holds raw pixels of its shape."""
    assert schema.shape
    found = features(payload)
    shape, flat = _value(found, schema.shape), _value(found, schema.image)
    return len(shape) in (8, 12) and _fits(np.frombuffer(shape, "<i4").tolist(), len(flat))


def picture(payload: bytes, schema: Schema, name: str) -> np.ndarray:
    """Decodes the photo in a serialized record, outside the graph.

    Args:
        payload: The record.
        schema: How it stores the photo.
        name: Name of the photo in error messages.

    Returns:
        uint8 [H, W, 1 or 3].

    Raises:
        UserError: If the record is damaged.
    """
    if schema.shape is None:
        return images.decode(encoded(payload, schema), name)
    if not has_pixels(payload, schema):
        raise errors.UserError(f"{name}: does not hold the pixels that its shape tells")
    found = features(payload)
    sizes = np.frombuffer(_value(found, schema.shape), "<i4")
    flat = np.frombuffer(_value(found, schema.image), np.uint8)
    return flat.reshape(sizes[0], sizes[1], -1)


def image_file(record: tf.Tensor, schema: Schema) -> tf.Tensor:
    """Returns the image file in a serialized record, as a string scalar."""
    features = {schema.image: tf.io.FixedLenFeature([], tf.string)}
    return tf.io.parse_single_example(record, features)[schema.image]


def pixels(record: tf.Tensor, schema: Schema) -> tf.Tensor:
    """Returns the raw pixels in a serialized record, as uint8 RGB [H, W, 3]."""
    keys = (schema.image, schema.shape)
    features = {key: tf.io.FixedLenFeature([], tf.string) for key in keys}
    parsed = tf.io.parse_single_example(record, features)
    shape = tf.io.decode_raw(parsed[schema.shape], tf.int32)
    flat = tf.io.decode_raw(parsed[schema.image], tf.uint8)
    image = tf.reshape(flat, [shape[0], shape[1], -1])
    # Broadcasts one channel to three, and fails for any other number of channels.
    return tf.broadcast_to(image, [shape[0], shape[1], 3])


def name(record: tf.Tensor, schema: Schema) -> tf.Tensor:
    """Returns the photo's name in a record, as a string scalar; empty if it has none."""
    if schema.name is None:
        return tf.constant("")
    features = {schema.name: tf.io.FixedLenFeature([], tf.string, default_value="")}
    return tf.io.parse_single_example(record, features)[schema.name]
