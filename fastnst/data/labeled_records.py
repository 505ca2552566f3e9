"""Labeled pictures in TFRecord files, with the keys of `fastnst records --labels` or similar ones.

The class of a picture is the integer under `image/class/label` (as in build_image_data of the
Inception tutorials) or `label`; its name is the text under `image/class/text`, if there is one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.data import labeled, schemas, tfrecord

_LABELS = ("image/class/label", "label")
_TEXT = "image/class/text"
# As many classes as a network can have outputs.
_MOST = 100_000


def open_records(root: str, paths: list[Path]) -> labeled.LabeledSet:
    """Reads the labels of all records; no picture is decoded yet.

    The classes are sorted by number. Records that are damaged, or lack a label, are left out.

    Args:
        root: What to call the files.
        paths: The TFRecord files.

    Raises:
        UserError: If a file cannot be read, the records are not labeled, or hold no pictures.
    """
    places: list[tuple[Path, tfrecord.Place]] = []
    numbers: list[int] = []
    texts: dict[int, str] = {}
    found = {path: schemas.detect(path) for path in paths}
    lost = 0
    keys: set[str] = set()
    for path in paths:
        for place in tfrecord.places(path):
            record = schemas.features(tfrecord.payload(path, place))
            number = label(record)
            if number is None:
                lost += 1
                keys.update(record)
                continue
            places.append((path, place))
            numbers.append(number)
            if (text := _text(record)) and number not in texts:
                texts[number] = text
    if not places:
        raise errors.UserError(
            f"{root}: its records have no label of the whole picture ({' or '.join(_LABELS)}, an "
            f"integer); keys found: {', '.join(sorted(keys)[:20]) or 'none'}"
        )
    ordered, labels = np.unique(np.array(numbers, np.int64), return_inverse=True)
    if len(ordered) > _MOST:
        raise errors.UserError(f"{root}: has {len(ordered):,} classes, should be at most {_MOST:,}")
    classes = tuple(texts.get(number, str(number)) for number in ordered.tolist())
    if len(set(classes)) < len(classes):
        raise errors.UserError(f"{root}: two numbers stand for the same class; write them again")

    def read(number: int) -> np.ndarray:
        path, place = places[number]
        name = f"{path}, record at byte {place.offset:,}"
        return schemas.picture(tfrecord.payload(path, place), found[path], name)

    left_out = f"{lost:,} records without a label left out" if lost else ""
    return labeled.LabeledSet(root, classes, labels.astype(np.int32), read, left_out)


def label(record: dict[str, tf.train.Feature]) -> int | None:
    """Returns the number of a picture's class, or None if the record does not tell it."""
    for key in _LABELS:
        values = list(record[key].int64_list.value) if key in record else []
        if len(values) == 1:
            return int(values[0])
    return None


def _text(record: dict[str, tf.train.Feature]) -> str:
    values = list(record[_TEXT].bytes_list.value) if _TEXT in record else []
    text = values[0][:200].decode(errors="replace") if len(values) == 1 else ""
    # Control characters would spoil every message.
    return "".join(filter(str.isprintable, text)).strip()
