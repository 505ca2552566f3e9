"""The pictures in the repository, and the scripts that collect them from packages."""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fastnst import photo_files
from tools import build_paintings, build_photos, rcc

IMG = Path(__file__).parent.parent / "img"
LICENCES = {"Public domain", "CC0 1.0", "CC BY 2.0", "CC BY 3.0", "CC BY 4.0"} | {
    "CC BY-SA 3.0",
    "CC BY-SA 4.0",
}


def bundled_records() -> dict[str, bytes]:
    """Returns the encoded training photos by file name."""
    shards = sorted(str(path) for path in (IMG / "bundled").glob("*.tfrecord"))
    photos = {}
    for record in tf.data.TFRecordDataset(shards).as_numpy_iterator():
        feature = tf.train.Example.FromString(record).features.feature
        name = feature["image/filename"].bytes_list.value[0].decode()
        photos[name] = feature["image/encoded"].bytes_list.value[0]
    return photos


def credited() -> set[str]:
    """Returns the first cell of each line of a table in CREDITS.md."""
    return set(re.findall(r"^\| (\S+\.jpg) \|", (IMG / "CREDITS.md").read_text("utf-8"), re.M))


def make_rcc(version: int) -> bytes:
    """Builds a resource with an uncompressed file a/x and a compressed file a/y."""
    names = b""
    for name in ("a", "x", "y"):
        names += struct.pack(">HI", 1, 0) + name.encode("utf-16-be")  # 8 bytes each
    packed = struct.pack(">I", 5) + zlib.compress(b"hello")
    data = struct.pack(">I", 3) + b"raw" + struct.pack(">I", len(packed)) + packed
    time = b"" if version == 1 else struct.pack(">Q", 0)
    tree = struct.pack(">IHII", 0, 2, 1, 1) + time  # the root: 1 child, which is node 1
    tree += struct.pack(">IHII", 0, 2, 2, 2) + time  # a: 2 children from node 2 on
    tree += struct.pack(">IHHHI", 8, 0, 0, 0, 0) + time  # x, uncompressed
    tree += struct.pack(">IHHHI", 16, 1, 0, 0, 7) + time  # y, compressed
    head = 20 if version < 3 else 24
    offsets = (head, head + len(tree), head + len(tree) + len(data))
    return b"qres" + struct.pack(">4I", version, *offsets) + bytes(head - 20) + tree + data + names


@pytest.mark.parametrize("version", [1, 2, 3])
def test_compressed_and_uncompressed_files_are_read(tmp_path: Path, version: int) -> None:
    path = tmp_path / "tiny.rcc"
    path.write_bytes(make_rcc(version))
    assert rcc.read_rcc(path) == {"a/x": b"raw", "a/y": b"hello"}


@pytest.mark.parametrize(
    "contents", [b"", b"PNG" * 20, make_rcc(2).replace(b"\x00\x02", b"\x00\x09", 1)]
)
def test_a_file_that_is_not_a_resource_raises_an_error(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "wrong.rcc"
    path.write_bytes(contents)
    with pytest.raises(ValueError, match=r"wrong\.rcc"):
        rcc.read_rcc(path)


def test_a_puzzle_is_assembled_despite_inexact_positions() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (160, 200, 4), np.int16)
    picture[..., 3] = 255
    pieces = [
        build_paintings.Piece(picture[top : top + 81, left : left + 101], top + off, left - off)
        for top, left, off in [(0, 0, 0.0), (0, 99, 1.2), (79, 0, -2.1), (79, 99, 0.6)]
    ]
    rim = slice(3, -3)
    np.testing.assert_array_equal(build_paintings.assemble(pieces), picture[rim, rim, :3])


def test_photos_are_shrunk_to_the_shorter_side_and_never_enlarged() -> None:
    assert build_photos.shrink(Image.new("RGB", (1920, 1080)), 320).size == (569, 320)
    assert build_photos.shrink(Image.new("RGB", (480, 960)), 320).size == (320, 640)
    assert build_photos.shrink(Image.new("L", (320, 240)), 320).size == (320, 240)
    assert build_photos.shrink(Image.new("L", (320, 240)), 320).mode == "RGB"


def test_every_picture_is_credited_and_opens() -> None:
    pictures = [*IMG.glob("*.jpg"), *photo_files.bundled()]
    assert len(pictures) >= 11
    for path in pictures:
        with Image.open(path) as image:
            image.load()
            assert image.format == "JPEG", path
            assert image.mode == "RGB", path
        assert path.name in credited(), f"img/CREDITS.md does not list {path.name}"


def test_the_listed_photos_are_bundled_and_credited() -> None:
    photos = build_photos.read_list()
    training = {photo.file for photo in photos if photo.use == "train"}
    validation = {photo.file for photo in photos if photo.use == "validation"}
    assert training == set(bundled_records())
    assert validation == {path.name for path in photo_files.bundled()}
    assert len(validation) == 6
    assert training | validation <= credited()
    for photo in photos:
        assert photo.licence in LICENCES, photo
        assert photo.author, photo
        assert photo.link.startswith("https://"), photo


def test_no_photo_is_used_twice() -> None:
    sources = [(photo.package, photo.source) for photo in build_photos.read_list()]
    assert len(set(sources)) == len(sources)


def test_the_bundled_photos_are_many_and_small() -> None:
    photos = bundled_records()
    assert len(photos) >= 60
    assert sum(path.stat().st_size for path in (IMG / "bundled").iterdir()) <= 4_000_000
    for name, encoded in photos.items():
        with Image.open(io.BytesIO(encoded)) as image:
            image.load()
            assert 230 <= min(image.size) <= 320, name
