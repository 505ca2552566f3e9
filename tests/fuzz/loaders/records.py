"""TFRecords to train on: in our schema, in Kaggle's, of raw pixels, and with gzip."""

from __future__ import annotations

import gzip
import random
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from fastnst import data, errors
from fastnst.config import schema
from fastnst.data import feed, writer
from tests.fuzz import cases
from tests.fuzz.loaders import photos


def seeds() -> dict[str, bytes]:
    """Three photos in each schema."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 24, 32, 3), np.uint8)
    jpegs = [photos.encoded(Image.fromarray(each), "JPEG") for each in noise]
    shape = np.array(noise.shape[1:], np.int32).tobytes()
    ours = _written([writer.record(f"{index}.jpg", each) for index, each in enumerate(jpegs)])
    return {
        "ours.tfrecord": ours,
        "ours.tfrecord.gz": gzip.compress(ours, mtime=0),
        "kaggle.tfrec": _written([_example(image=each, target=b"x") for each in jpegs]),
        "raw.tfrecord": _written([_example(image=each.tobytes(), shape=shape) for each in noise]),
    }


def _example(**features: bytes) -> bytes:
    lists = {name: tf.train.BytesList(value=[value]) for name, value in features.items()}
    feature = {name: tf.train.Feature(bytes_list=value) for name, value in lists.items()}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def _written(records: list[bytes]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "records"))
        with tf.io.TFRecordWriter(path) as file:
            for record in records:
                file.write(record)
        return Path(path).read_bytes()


def mutate(chance: random.Random, data: bytes) -> bytes:
    """Changes bytes; of compressed files, often those below the compression."""
    if data.startswith(b"\x1f\x8b") and chance.random() < 0.5:
        return gzip.compress(cases.mutate(chance, gzip.decompress(data)), mtime=0)
    return cases.mutate(chance, data)


def load(path: Path, output: Path) -> None:
    """Takes two batches."""
    settings = schema.Data(image_size=16, batch_size=2)
    try:
        source = data.open_photos(str(path))
    except errors.UserError as error:
        # Compressed records are always refused.
        if "compressed with gzip" in str(error):
            return
        raise
    with data.user_errors(source):
        batches = feed.PhotoFeed(source, settings)(0, 0, lambda reason: None)
        for _ in range(2):
            next(batches)
        batches.close()
