"""The stream of batches: its order, how it resumes, and which samples it skips."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fastnst import data, errors
from fastnst.data import pipeline, preprocess, tfrecord, writer

COUNT = 7
FOLDER, RECORDS = "folder", "records"


def named(index: int) -> str:
    return f"{index}.png"


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., data.PhotoSource]:
    """Makes a source of seven photos of noise and the given other files."""

    def make(kind: str, others: dict[str, bytes] | None = None) -> data.PhotoSource:
        files = {named(i): made.encode(made.noise(i)) for i in range(COUNT)} | (others or {})
        if kind == FOLDER:
            return data.open_photos(str(made.write_files(tmp_path / "photos", files)))
        for part in range(3):
            records = [
                {"image/encoded": content, "image/filename": name.encode()}
                for name, content in list(files.items())[part::3]
            ]
            made.write_records(tmp_path / f"{part}.tfrecord", records)
        return data.open_photos(str(tmp_path / "*.tfrecord"))

    return make


both = pytest.mark.parametrize("kind", [FOLDER, RECORDS])


def take(source: data.PhotoSource, batches: int, **options: Any) -> tuple[np.ndarray, list[int]]:
    """The images and positions of some batches, concatenated."""
    options = {"image_size": 8, "batch_size": 3} | options
    taken = list(data.batches(source, **options).take(batches))
    images = np.concatenate([image.numpy() for image, _ in taken])
    return images, np.concatenate([positions.numpy() for _, positions in taken]).tolist()


def photo_numbers(source: data.PhotoSource, positions: list[int], **options: Any) -> list[int]:
    names = data.names(source, positions, **options)
    return [int(Path(names[position]).stem) for position in positions]


@both
def test_a_resumed_run_sees_the_samples_of_an_uninterrupted_run(
    photos: Callable[..., data.PhotoSource], kind: str
) -> None:
    source = photos(kind)
    images, positions = take(source, 7, seed=5)  # Three epochs of seven photos.
    assert positions == list(range(21))
    for start in (6, 7, 15):  # Within an epoch, at its end, and later.
        again, later = take(source, 2, seed=5, start=start)
        assert later == list(range(start, start + 6))
        np.testing.assert_array_equal(again, images[start : start + 6])


@pytest.mark.slow
@both
def test_shards_together_give_every_position_once_and_each_its_own_image(
    photos: Callable[..., data.PhotoSource], kind: str
) -> None:
    source = photos(kind)
    images, positions = take(source, 4, seed=5)
    assert positions == list(range(12))
    for start, processes in ((0, 2), (3, 2), (0, 3)):
        found: dict[int, np.ndarray] = {}
        for index in range(processes):
            options = {"batch_size": 1, "start": start, "shard": (index, processes)}
            count = len(range(start, 12)[(index - start) % processes :: processes])
            of_shard, at = take(source, count, seed=5, **options)
            assert all(position % processes == index for position in at)
            assert not found.keys() & set(at)
            found |= dict(zip(at, of_shard, strict=True))
        assert sorted(found) == list(range(start, 12))
        for position, image in found.items():
            np.testing.assert_array_equal(image, images[position])


@both
def test_each_epoch_shows_each_photo_once_in_an_order_of_its_own(
    photos: Callable[..., data.PhotoSource], kind: str
) -> None:
    numbers = photo_numbers(photos(kind), list(range(21)), seed=1)
    epochs = [numbers[:7], numbers[7:14], numbers[14:]]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


@both
def test_names_match_the_photos_at_the_positions(
    photos: Callable[..., data.PhotoSource], kind: str
) -> None:
    source = photos(kind)
    # With "none", a photo whose shorter side fits is only cropped.
    images, positions = take(source, 2, seed=2, augment="none", image_size=24, start=5)
    for image, number in zip(images, photo_numbers(source, positions, seed=2), strict=True):
        np.testing.assert_array_equal(image, made.noise(number)[:, 3:27])


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode elsewhere")
def test_file_names_need_not_be_utf_8(tmp_path: Path) -> None:
    names = {os.fsdecode(b"caf\xe9.png"): 0, "caf\u00e9.png": 1}
    source = data.open_photos(
        str(
            made.write_files(
                tmp_path, {name: made.encode(made.noise(names[name])) for name in names}
            )
        )
    )
    images, positions = take(source, 1, batch_size=2, augment="none", image_size=24)
    for image, file in zip(images, data.names(source, positions, seed=0).values(), strict=True):
        np.testing.assert_array_equal(image, made.noise(names[Path(file).name])[:, 3:27])


@both
def test_without_shuffling_the_photos_keep_their_order(
    photos: Callable[..., data.PhotoSource], kind: str
) -> None:
    source = photos(kind)
    stored = list(range(7)) if kind == FOLDER else [0, 3, 6, 1, 4, 2, 5]
    assert photo_numbers(source, list(range(14)), seed=0, shuffle=False) == stored * 2
    images, _ = take(source, 2, augment="none", image_size=24, shuffle=False)
    np.testing.assert_array_equal(images[1], made.noise(stored[1])[:, 3:27])


@both
def test_another_seed_gives_another_order_and_other_crops(
    photos: Callable[..., data.PhotoSource], kind: str
) -> None:
    source = photos(kind)
    orders = {tuple(photo_numbers(source, list(range(7)), seed=seed)) for seed in range(2)}
    assert len(orders) == 2
    images, _ = take(source, 1, seed=0, shuffle=False)
    others, _ = take(source, 1, seed=1, shuffle=False)
    assert (images != others).any((1, 2, 3)).all()


@both
def test_the_global_seed_has_no_effect_and_is_not_changed(
    photos: Callable[..., data.PhotoSource], kind: str
) -> None:
    source = photos(kind)
    seen = []
    for seed in (0, 1):
        tf.random.set_seed(seed)
        images, _ = take(source, 3, seed=3)
        order = photo_numbers(source, list(range(7)), seed=3)
        seen.append((images.tolist(), order, float(tf.random.uniform([]))))
        tf.random.set_seed(seed)
        assert float(tf.random.uniform([])) == seen[-1][2]
    assert seen[0][:2] == seen[1][:2]
    assert seen[0][2] != seen[1][2]


@both
@pytest.mark.parametrize("augment", ["crop", "none"])
def test_unreadable_photos_are_skipped_and_can_be_named(
    photos: Callable[..., data.PhotoSource], kind: str, augment: str
) -> None:
    source = photos(kind, made.broken_photos())
    assert source.count == 10
    images, positions = take(source, 5, seed=6, augment=augment)
    skipped = data.missing(0, positions)
    names = data.names(source, skipped, seed=6)
    assert set(positions) | set(skipped) == set(range(positions[-1] + 1))
    broken = {Path(name).name for name in names.values()}
    assert broken == set(made.broken_photos())
    assert all(image.std() > 0 for image in images)
    # A run that resumes after the ninth sample continues as the first run did.
    again, resumed = take(source, 2, seed=6, augment=augment, start=positions[8] + 1)
    assert resumed == positions[9:]
    np.testing.assert_array_equal(again, images[9:])


@both
def test_zoom_enlarges_parts_of_the_same_crops(
    photos: Callable[..., data.PhotoSource], kind: str
) -> None:
    plain, positions = take(photos(kind), 4, seed=1)
    zoomed, same = take(photos(kind), 4, seed=1, zoom=3.0)
    assert same == positions
    unchanged = [np.array_equal(*pair) for pair in zip(plain, zoomed, strict=True)]
    assert 0 < sum(unchanged) < len(unchanged)
    again, _ = take(photos(kind), 2, seed=1, zoom=3.0, start=6)
    np.testing.assert_array_equal(again, zoomed[6:])


def test_missing_positions_are_those_that_were_skipped() -> None:
    assert data.missing(4, [5, 6, 9]) == [4, 7, 8]
    assert data.missing(4, [4, 5, 6]) == []
    assert data.missing(0, np.array([1, 2])) == [0]


def test_a_damaged_record_is_skipped_and_the_rest_of_its_file_is_read(
    photos: Callable[..., data.PhotoSource],
) -> None:
    source = photos(RECORDS)
    path = Path(source.files[0])  # Photos 0, 3, 6.
    content = bytearray(path.read_bytes())
    content[content.index(named(3).encode())] ^= 1
    path.write_bytes(content)
    images, positions = take(source, 7, shuffle=False, augment="none", image_size=24)
    # Each epoch of seven lacks the second photo, and the next one begins at the right position.
    expected = [position for position in range(25) if position % 7 != 1][:21]
    assert positions == expected
    again, resumed = take(source, 1, shuffle=False, augment="none", image_size=24, start=8)
    assert resumed == [9, 10, 11]
    np.testing.assert_array_equal(again, images[7:10])
    assert data.names(source, [1], seed=0, shuffle=False) == {1: f"{path}, record 2"}


def test_records_after_a_damaged_length_are_read(photos: Callable[..., data.PhotoSource]) -> None:
    source = photos(RECORDS)
    path = Path(source.files[0])
    first, *_ = tfrecord.places(path)
    assert first.length
    content = bytearray(path.read_bytes())
    content[first.offset + first.length + 4] ^= 1  # The length of the second record.
    path.write_bytes(content)
    _, positions = take(source, 3, shuffle=False, augment="none", image_size=24)
    assert positions == [0, 2, 3, 4, 5, 6, 7, 9, 10]


@pytest.mark.parametrize("augment", ["crop", "none"])
def test_the_stream_ends_if_all_photos_are_of_a_single_color(
    tmp_path: Path, augment: pipeline.Augment
) -> None:
    made.write_files(tmp_path, {f"{name}.png": made.encode(made.flat()) for name in "abc"})
    source = data.open_photos(str(tmp_path))
    stream = data.batches(source, image_size=8, batch_size=2, augment=augment)
    with (
        pytest.raises(errors.UserError, match=r"none of its 3 photos could be used"),
        data.user_errors(source),
    ):
        next(iter(stream))


def test_the_stream_ends_if_all_checksums_are_wrong(
    photos: Callable[..., data.PhotoSource],
) -> None:
    source = photos(RECORDS)
    for file in source.files:
        content = bytearray(Path(file).read_bytes())
        for place in tfrecord.places(Path(file)):
            assert place.length
            content[place.offset + place.length] ^= 1
        Path(file).write_bytes(content)
    with (
        pytest.raises(errors.UserError, match=r"none of its 7 photos could be used"),
        data.user_errors(source),
    ):
        next(iter(data.batches(source, image_size=8, batch_size=2)))


def test_raw_records_with_an_impossible_shape_are_refused(tmp_path: Path) -> None:
    good = {"image": made.noise(0, 8, 8).tobytes(), "shape": np.array([8, 8, 3], "<i4").tobytes()}
    bad = {**good, "shape": np.array([-8, -8, 3], "<i4").tobytes()}
    with pytest.raises(errors.UserError, match="no image in its records"):
        data.open_photos(str(made.write_records(tmp_path / "bad.tfrecord", [bad])))
    source = data.open_photos(str(made.write_records(tmp_path / "a.tfrecord", [bad, good])))
    stream = data.batches(source, image_size=8, batch_size=1, shuffle=False)
    assert [int(positions[0]) for _, positions in stream.take(2)] == [1, 3]


@both
def test_the_stream_ends_with_the_reason_when_no_photo_can_be_read_anymore(
    photos: Callable[..., data.PhotoSource], kind: str
) -> None:
    source = photos(kind)
    stream = iter(data.batches(source, image_size=8, batch_size=7))
    with data.user_errors(source):
        next(stream)
    for file in source.files:
        Path(file).unlink()
    with pytest.raises(errors.UserError, match="none of its 7 photos can be read; first error: "):
        # Prefetched batches still arrive.
        for _ in range(1000):
            with data.user_errors(source):
                next(stream)


def test_fewer_photos_than_one_batch_raise_an_error_with_both_numbers(
    photos: Callable[..., data.PhotoSource],
) -> None:
    source = photos(FOLDER)
    data.batches(source, image_size=8, batch_size=7)
    with pytest.raises(errors.UserError, match="7 photos do not fill one batch of 8;"):
        data.batches(source, image_size=8, batch_size=8)


@both
def test_shapes_are_static(photos: Callable[..., data.PhotoSource], kind: str) -> None:
    for augment in ("crop", "none"):
        images, positions = data.batches(
            photos(kind), image_size=8, batch_size=3, augment=augment
        ).element_spec
        assert (images.shape, images.dtype) == ((3, 8, 8, 3), tf.float32)
        assert (positions.shape, positions.dtype) == ((3,), tf.int64)


@both
def test_augment_none_uses_the_originals_preprocessing(
    photos: Callable[..., data.PhotoSource], kind: str
) -> None:
    images, _ = take(photos(kind), 1, augment="none", image_size=9, shuffle=False)
    expected = preprocess.original(tf.constant(made.noise(0)), 9)
    np.testing.assert_array_equal(images[0], expected)


def test_raw_pixels_are_read(tmp_path: Path) -> None:
    shape = np.array([24, 30, 3], np.int32).tobytes()
    path = made.write_records(
        tmp_path / "raw.tfrecord",
        [{"image": made.noise(i).tobytes(), "shape": shape, "label": 1} for i in range(3)],
    )
    source = data.open_photos(str(path))
    images, _ = take(source, 1, augment="none", image_size=24, shuffle=False)
    np.testing.assert_array_equal(images[2], made.noise(2)[:, 3:27])
    images, _ = take(source, 1, shuffle=False)
    assert images.shape == (3, 8, 8, 3)
    assert data.names(source, [1], seed=0)[1].endswith("raw.tfrecord, record 1")


def test_our_own_records_give_the_same_images_as_the_folder(tmp_path: Path) -> None:
    files = {f"{i}.jpg": made.encode(made.noise(i), "JPEG") for i in range(4)}
    folder = data.open_photos(str(made.write_files(tmp_path / "photos", files)))
    writer.write(tmp_path / "photos", tmp_path / "records")
    records = data.open_photos(str(tmp_path / "records"))
    assert records.upright_jpegs
    for augment in ("crop", "none"):
        ours, _ = take(records, 1, shuffle=False, batch_size=4, augment=augment)
        theirs, _ = take(folder, 1, shuffle=False, batch_size=4, augment=augment)
        np.testing.assert_array_equal(ours, theirs)


def test_crops_cover_all_positions_and_half_of_them_are_flipped(
    tmp_path: Path,
) -> None:
    ramp = np.repeat(np.arange(11, dtype=np.uint8)[np.newaxis, :, np.newaxis], 3, 2).repeat(8, 0)
    source = data.open_photos(str(made.write_files(tmp_path, {"a.png": made.encode(ramp)})))
    images, _ = take(source, 200, batch_size=1)
    rows = [tuple(image[0, :, 0].astype(int)) for image in images]
    forward = [row[0] for row in rows if row[1] > row[0]]
    mirrored = [row[-1] for row in rows if row[1] < row[0]]
    # Four offsets by two directions: 25 each, within four standard deviations of about five.
    for corner, direction in itertools.product(range(4), (forward, mirrored)):
        assert 5 <= direction.count(corner) <= 45


def test_a_crop_of_a_single_color_is_skipped(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        pixels = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    Image.new("RGB", (40, 40), (255, 0, 0)).save(tmp_path / "red.png")
    source = data.open_photos(str(tmp_path))
    positions = [
        int(position)
        for _, chunk in data.batches(source, image_size=32, batch_size=2).take(6)
        for position in chunk
    ]
    lost = data.missing(0, positions)
    assert lost
    assert {Path(name).name for name in data.names(source, lost, seed=0).values()} == {"red.png"}
