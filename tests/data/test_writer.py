"""Writing photos as TFRecord shards."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from pathlib import Path

import made
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fastnst import errors, events
from fastnst.data import manifest, writer

JPEG = made.encode(made.noise(0), "JPEG")
PHOTOS = {f"{i}.jpg": made.encode(made.noise(i), "JPEG") for i in range(5)}


def examples(path: Path) -> list[dict[str, object]]:
    """The records of a shard, each as a dict from key to value."""
    found = []
    for record in tf.data.TFRecordDataset(str(path)):
        features = tf.train.Example.FromString(record.numpy()).features.feature
        found.append(
            {
                key: getattr(value, value.WhichOneof("kind")).value[0]
                for key, value in features.items()
            }
        )
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return made.write_files(tmp_path / "photos", PHOTOS)


def test_an_upright_rgb_jpeg_keeps_its_bytes() -> None:
    grey = made.encode(made.noise(0)[:, :, 0], "JPEG")
    turned_by_nothing = made.turned_jpeg(made.noise(0), 1)
    for data in (JPEG, grey, turned_by_nothing):
        assert writer.prepare(data, max_side=30) == writer.Photo(data, 24, 30)


@pytest.mark.parametrize("name", made.odd_photos())
def test_every_other_photo_becomes_an_upright_rgb_jpeg(name: str) -> None:
    data, color = made.odd_photos()[name]
    photo = writer.prepare(data, name)
    image = Image.open(io.BytesIO(photo.encoded))
    size = (60, 40) if name == "turned.jpg" else (40, 60)
    assert (photo.height, photo.width) == (image.height, image.width) == size
    assert image.format == "JPEG"
    assert 0x0112 not in image.getexif()
    assert np.abs(np.asarray(image.convert("RGB"), float) - color).max() <= 4


def test_the_longer_side_is_limited_and_the_aspect_ratio_kept() -> None:
    for shape, expected in (((50, 100), (20, 40)), ((100, 50), (40, 20)), ((30, 40), (30, 40))):
        for file_format in ("PNG", "JPEG"):
            photo = writer.prepare(made.encode(made.noise(0, *shape), file_format), max_side=40)
            assert (photo.height, photo.width) == expected


@pytest.mark.parametrize("name", made.broken_photos())
def test_a_file_that_is_not_a_photo_raises_an_error_with_its_name(name: str) -> None:
    with pytest.raises(errors.UserError, match=rf"^{name}: "):
        writer.prepare(made.broken_photos()[name], name)


def test_records_have_the_keys_of_coco(tmp_path: Path) -> None:
    source = made.write_files(tmp_path / "photos", {"a/000000000790.jpg": JPEG})
    result = writer.write(source, tmp_path / "out")
    assert [shard.file for shard in result.shards] == ["photos-00000-of-00001.tfrecord"]
    assert examples(tmp_path / "out" / result.shards[0].file) == [
        {
            "image/encoded": JPEG,
            "image/format": b"jpeg",
            "image/height": 24,
            "image/width": 30,
            "image/filename": b"a/000000000790.jpg",
            "image/source_id": b"000000000790",
            "image/key/sha256": hashlib.sha256(JPEG).hexdigest().encode(),
        }
    ]


def test_the_manifest_describes_the_shards(photos: Path, tmp_path: Path) -> None:
    made.write_files(photos, made.broken_photos())
    seen: list[events.Event] = []
    result = writer.write(photos, tmp_path / "out", shards=3, on_event=seen.append)
    assert result == manifest.load(tmp_path / "out")
    assert result.complete
    assert (result.photos, len(result.shards)) == (5, 3)
    assert [skipped.file for skipped in result.skipped] == ["empty.png", "half.jpg", "text.jpg"]
    assert result.skipped[2].reason.startswith("text.jpg: not an image")
    for shard in result.shards:
        assert manifest.is_whole(shard, tmp_path / "out")
        assert len(examples(tmp_path / "out" / shard.file)) == shard.photos
    assert seen[0] == events.Started(0, 8, items="photos") and seen[-1] == events.Finished(8, 8)
    steps = [event for event in seen if isinstance(event, events.Step)]
    assert [(step.step, step.last_step) for step in steps] == [(i, 8) for i in range(1, 9)]
    skipped = [event.reason for event in seen if isinstance(event, events.Skipped)]
    assert skipped == [each.reason for each in result.skipped]


def test_shards_are_the_same_for_zip_and_folder_and_any_number_of_workers(
    photos: Path, tmp_path: Path
) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "all"), "zip", photos))
    writer.write(photos, tmp_path / "a", shards=2, workers=1)
    writer.write(archive, tmp_path / "b", shards=2, workers=3)
    assert len(contents(tmp_path / "a")) == 3
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_an_interrupted_run_resumes_with_the_unfinished_shard(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    writer.write(photos, out, shards=3)
    whole = contents(out)
    shutil.rmtree(out)

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 3:
            # The second shard has photos 1 and 4, so it is half written.
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        writer.write(photos, out, shards=3, on_event=stop)
    assert set(contents(out)) == {"manifest.json", "photos-00000-of-00003.tfrecord"}
    state = manifest.load(out)
    assert state is not None
    assert not state.complete
    first = out / "photos-00000-of-00003.tfrecord"
    before = first.stat().st_mtime_ns
    writer.write(photos, out, shards=3)
    assert contents(out) == whole
    assert first.stat().st_mtime_ns == before


def test_a_damaged_shard_is_written_again(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    writer.write(photos, out, shards=3)
    whole = contents(out)
    for name in ("photos-00000-of-00003.tfrecord", "photos-00002-of-00003.tfrecord"):
        (out / name).write_bytes(whole[name][:-1] + b"?")
    writer.write(photos, out, shards=3)
    assert contents(out) == whole


def test_records_of_other_photos_or_options_are_never_overwritten(
    photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    writer.write(photos, out)
    whole = contents(out)
    with pytest.raises(errors.UserError, match="contains records of other photos or options"):
        writer.write(photos, out, max_side=10)
    (photos / "0.jpg").unlink()
    with pytest.raises(errors.UserError, match="contains records of other photos or options"):
        writer.write(photos, out)
    assert contents(out) == whole
    made.write_files(tmp_path / "theirs", {"train.tfrecord": b""})
    with pytest.raises(errors.UserError, match="that this command did not write"):
        writer.write(photos, tmp_path / "theirs")


def test_a_source_without_readable_photos_leaves_no_files(tmp_path: Path) -> None:
    source = made.write_files(tmp_path / "photos", made.broken_photos())
    with pytest.raises(errors.UserError, match=r"none of its 3 photos .* error: empty\.png: "):
        writer.write(source, tmp_path / "out", shards=2)
    assert contents(tmp_path / "out") == {}


def test_there_are_at_most_as_many_shards_as_photos(photos: Path, tmp_path: Path) -> None:
    assert len(writer.write(photos, tmp_path / "out", shards=100).shards) == 5


def test_too_little_space_raises_an_error_before_writing(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(errors.UserError, match="but only 0 MB are free"):
        writer.write(photos, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.tfrecord"))


def test_a_folder_that_cannot_be_written_raises_a_user_error(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(errors.UserError, match=r"file: cannot be written \(File exists\)"):
        writer.write(photos, tmp_path / "file")
    with pytest.raises(errors.UserError, match=r"cannot be written \(Not a directory\)"):
        writer.write(photos, tmp_path / "file" / "below")


def test_a_damaged_entry_of_an_archive_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", JPEG)
        archive.writestr("b.jpg", PHOTOS["1.jpg"])
    data = bytearray(path.read_bytes())
    data[data.index(JPEG) + 200] ^= 1
    path.write_bytes(data)
    result = writer.write(path, tmp_path / "out")
    assert result.photos == 1
    assert [skipped.file for skipped in result.skipped] == ["a.jpg"]
    assert "CRC" in result.skipped[0].reason
