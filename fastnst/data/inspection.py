"""Tells what a record of a TFRecord file holds."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.data import labeled_records, schemas, tfrecord

# Characters of a value that are shown.
_SHOWN = 60


@dataclasses.dataclass(frozen=True)
class Record:
    """One record.

    Attributes:
        number: Its number in the file, from 1.
        count: Number of records in the file.
        keys: What is under each key, in words.
        label: The number of the picture's class, if the record tells it.
        picture: uint8 [H, W, 1 or 3]; None if it holds none.
        fault: Why there is no picture; "" if there is one.
    """

    number: int
    count: int
    keys: dict[str, str]
    label: int | None
    picture: np.ndarray | None
    fault: str


def inspect(path: Path, number: int) -> Record:
    """Reads a record.

    Args:
        path: The TFRecord file.
        number: Number of the record, from 1.

    Raises:
        UserError: If the file cannot be read, is not a TFRecord file, has fewer records, or the
            record is damaged or no tf.train.Example.
    """
    count, place = 0, None
    for found in tfrecord.places(path):
        count += 1
        if count == number:
            place = found
    if place is None:
        raise errors.UserError(f"{path}: has {count:,} records, and none of number {number:,}")
    payload = tfrecord.read(path, place)
    features = schemas.features(payload)
    if not features:
        raise errors.UserError(
            f"{path}: record {number:,} of {count:,} is damaged, or no tf.train.Example"
        )
    name = f"{path}: record {number:,}"
    picture, fault = None, "holds no picture"
    schema = schemas.of_record(features)
    if schema is not None:
        try:
            picture, fault = schemas.picture(payload, schema, name), ""
        except errors.UserError as error:
            fault = str(error)
    keys = {key: _describe(features[key]) for key in sorted(features)}
    return Record(number, count, keys, labeled_records.label(features), picture, fault)


def _describe(feature: tf.train.Feature) -> str:
    """Returns the type and the beginning of the values of a feature."""
    kind = feature.WhichOneof("kind")
    if kind is None:
        return "empty"
    values = getattr(feature, kind).value
    type_name = kind.removesuffix("_list")
    if kind == "bytes_list":
        if len(values) == 1:
            return f"{type_name}, {len(values[0]):,} bytes{_text(values[0])}"
        return f"{len(values):,} {type_name}"
    first = ", ".join(f"{value:g}" if kind == "float_list" else str(value) for value in values[:6])
    more = ", ..." if len(values) > 6 else ""
    if len(values) == 1:
        return f"{type_name} {first}"
    return f"{len(values):,} {type_name}: {first}{more}"


def _text(value: bytes) -> str:
    """Returns a short text as it is, and nothing of other bytes."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    if not text.isprintable() or not text:
        return ""
    return f": {text[:_SHOWN]}{'...' if len(text) > _SHOWN else ''}"
