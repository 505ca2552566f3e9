"""Turning photos upright in a graph, against Pillow."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from fastnst.export import upright

_ORIENTATION = 0x0112


@tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
def decode(data: tf.Tensor) -> tf.Tensor:
    """As in `stylize_encoded`."""
    photo = tf.io.decode_image(data, channels=3, expand_animations=False)
    return upright.turn(photo, upright.orientation(data))


@tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
def orientation(data: tf.Tensor) -> tf.Tensor:
    return upright.orientation(data)


def encode(exif: Image.Exif | bytes, file_format: str = "JPEG", **options: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, [3, 5, 3], np.uint8)
    image = Image.fromarray(np.repeat(np.repeat(pixels, 8, 0), 8, 1))
    file = io.BytesIO()
    image.save(file, file_format, exif=exif, **options)
    return file.getvalue()


def exif_of(turned: int, order: str, *, before: int = 0) -> Image.Exif:
    """An orientation after some other entries, in a byte order of struct."""
    exif = Image.Exif()
    exif.endian = order
    for tag in range(before):
        exif[0x0100 + tag] = 7
    exif[0x010F], exif[_ORIENTATION] = "a camera", turned
    return exif


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("turned", range(1, 9))
def test_a_jpeg_is_turned_as_pillow_turns_it(turned: int, order: str) -> None:
    data = encode(exif_of(turned, order, before=3))
    assert {"<": b"II*\0", ">": b"MM\0*"}[order] in data
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    found = decode(data).numpy()
    assert found.shape == expected.shape == ((24, 40, 3) if turned < 5 else (40, 24, 3))
    assert np.abs(found.astype(int) - expected).max() <= 8  # The decoders differ slightly.


def test_exif_is_found_behind_other_segments() -> None:
    data = encode(exif_of(6, ">"), comment=b"\xff\xe1\0\x08Exif\0\0", dpi=(72, 72))
    assert orientation(data) == 6
    inserted = b"\xff\xe2" + struct.pack(">H", 60_000) + bytes(59_998)
    assert orientation(data[:2] + 3 * inserted + data[2:]) == 6


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\xff\xd8",
        b"not a picture",
        encode(b""),
        encode(exif_of(6, ">"), "PNG"),
        encode(b"Exif\0\0"),
        encode(b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        encode(b"Exif\0\0II*\0\x08\0\0\0\xff\xff"),
        encode(b"Exif\0\0XX*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0"),
        encode(exif_of(9, "<")),
        encode(exif_of(0, "<")),
        # Of no length, and a million of the smallest length.
        b"\xff\xd8\xff\xe0\0\0" + encode(exif_of(6, ">"))[2:],
        b"\xff\xd8" + 1_000_000 * b"\xff\xe0\0\2" + encode(exif_of(6, ">"))[2:],
    ],
    ids=range(14),
)
def test_files_without_a_sound_orientation_stay_as_they_are(data: bytes) -> None:
    assert orientation(data) == 1


def test_no_truncation_of_a_file_is_an_error() -> None:
    data = encode(exif_of(8, "<"))
    end = data.index(b"Exif") + 80
    found = [int(orientation(data[:length])) for length in range(end)]
    assert set(found) == {1, 8} and found == sorted(found)
