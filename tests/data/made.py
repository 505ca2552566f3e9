"""Inputs for the tests in this folder: small photos of every odd kind, and records."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

ORANGE = (240, 140, 20)


def encode(pixels: np.ndarray, file_format: str = "PNG", **options: object) -> bytes:
    """Encodes uint8 pixels with Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, file_format, **options)
    return buffer.getvalue()


def noise(seed: int, height: int = 24, width: int = 30) -> np.ndarray:
    """Noise, so that every crop of every photo differs from every other."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def flat(height: int = 40, width: int = 60, color: Sequence[int] = ORANGE) -> np.ndarray:
    """An image of a single color."""
    return np.full((height, width, 3), color, np.uint8)


def turned_jpeg(pixels: np.ndarray, orientation: int, endian: str = ">") -> bytes:
    """A JPEG with an Exif orientation."""
    exif = Image.Exif()
    exif.endian = endian
    exif[0x0112] = orientation
    return encode(pixels, "JPEG", quality=100, subsampling=0, exif=exif)


def odd_photos() -> dict[str, tuple[bytes, tuple[int, int, int]]]:
    """Name -> (image file of a single color, its expected RGB)."""
    orange = Image.fromarray(flat())
    grey = Image.new("L", (60, 40), 90)
    clear = Image.new("RGBA", (60, 40), (0, 0, 255, 0))
    palette = Image.new("P", (60, 40), 1)
    palette.putpalette([0, 0, 0, *ORANGE])
    deep = Image.fromarray(np.full((40, 60), 90 * 257, np.uint16))

    def save(image: Image.Image, file_format: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, file_format, **options)
        return buffer.getvalue()

    cmyk = Image.new("CMYK", (60, 40), (0, 255, 255, 0))
    return {
        "plain.jpg": (save(orange, "JPEG", quality=95), ORANGE),
        "progressive.jpg": (save(orange, "JPEG", quality=95, progressive=True), ORANGE),
        "grey.jpg": (save(grey, "JPEG"), (90, 90, 90)),
        "cmyk.jpg": (save(cmyk, "JPEG", quality=95), (255, 0, 0)),
        "turned.jpg": (turned_jpeg(flat(), 6), ORANGE),
        "plain.png": (save(orange, "PNG"), ORANGE),
        "clear.png": (save(clear, "PNG"), (255, 255, 255)),
        "palette.png": (save(palette, "PNG", transparency=0), ORANGE),
        "deep.png": (save(deep, "PNG"), (90, 90, 90)),
        "photo.webp": (save(orange, "WEBP", lossless=True), ORANGE),
        "photo.gif": (save(palette, "GIF"), ORANGE),
        "photo.bmp": (save(orange, "BMP"), ORANGE),
    }


def broken_photos() -> dict[str, bytes]:
    """Name -> a file that is not a photo, or only half of one."""
    whole = encode(noise(0, 64, 64), "JPEG")
    return {
        "half.jpg": whole[: len(whole) // 2],
        "text.jpg": b"this is no photo",
        "empty.png": b"",
    }


def write_files(root: Path, files: Mapping[str, bytes]) -> Path:
    """Writes files below a folder and returns it."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def write_records(path: Path, records: Sequence[Mapping[str, object]]) -> Path:
    """Writes a TFRecord file; a value is bytes, an int, or a list of floats."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            feature = {key: _feature(value) for key, value in record.items()}
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())
    return path


def _feature(value: object) -> tf.train.Feature:
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    if isinstance(value, int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    return tf.train.Feature(float_list=tf.train.FloatList(value=value))


def png_of(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header tells any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + checksum

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")
