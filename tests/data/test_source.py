"""Finding the photos that `dataset` names."""

from __future__ import annotations

import os
import re
from pathlib import Path

import made
import pytest

from fastnst import data, errors, files
from fastnst.data import schemas, writer

PHOTOS = {f"{i}.png": made.encode(made.noise(i)) for i in range(4)}
RECORDS = [{"image/encoded": PHOTOS["0.png"], "image/filename": b"0.png"}]


def refused(spec: object) -> str:
    with pytest.raises(errors.UserError) as caught:
        data.open_photos(str(spec))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_is_read_with_all_below_it(tmp_path: Path) -> None:
    root = made.write_files(tmp_path / "photos", PHOTOS | {"deep/er/5.JPG": b"?", "a.txt": b"?"})
    source = data.open_photos(str(root))
    assert (source.kind, source.count) == ("folder", 5)
    assert source.files == tuple(
        str(root / name) for name in ("0.png", "1.png", "2.png", "3.png", "deep/er/5.JPG")
    )
    assert source.description == f"5 photos in {root}"


def test_a_glob_or_a_path_names_photos_too(tmp_path: Path) -> None:
    root = made.write_files(tmp_path / "photos", PHOTOS | {"deep/4.png": PHOTOS["0.png"]})
    assert data.open_photos(f"{root}/[01].png").count == 2
    assert data.open_photos(f"{root}/**/*.png").count == 5
    assert data.open_photos(f"{root}/1.png").count == 1


@pytest.mark.parametrize(
    "name", ["a.tfrecord", "a.record", "a.tfrec", "a.tfrecord-00000-of-00001", "a.tfrecords"]
)
def test_records_are_found_by_path_glob_and_folder(tmp_path: Path, name: str) -> None:
    made.write_records(tmp_path / "set" / name, RECORDS * 3)
    made.write_records(tmp_path / "set" / f"b{name}", RECORDS * 2)
    made.write_records(tmp_path / "set" / f"empty{name}", [])
    for spec, count, shards in (("set", 5, 2), ("set/*a.*", 5, 2), (f"set/{name}", 3, 1)):
        source = data.open_photos(str(tmp_path / spec))
        assert (source.kind, source.count, len(source.files)) == ("records", count, shards)
        assert source.schema == schemas.Schema("image/encoded", "image/filename")
        assert not source.upright_jpegs
        assert source.description.startswith(f"{count} photos in {shards} TFRecord files of ")


def test_records_go_before_photos_and_photos_before_records_below(tmp_path: Path) -> None:
    root = made.write_files(tmp_path / "set", PHOTOS)
    made.write_records(root / "deep" / "a.tfrecord", RECORDS)
    assert data.open_photos(str(root)).kind == "folder"
    made.write_records(root / "a.tfrecord", RECORDS)
    assert data.open_photos(str(root)).files == (str(root / "a.tfrecord"),)
    only = tmp_path / "only"
    made.write_records(only / "deep" / "a.tfrecord", RECORDS)
    assert data.open_photos(str(only)).kind == "records"


def test_our_own_records_are_counted_by_their_manifest(tmp_path: Path) -> None:
    root = made.write_files(tmp_path / "photos", PHOTOS)
    writer.write(root, tmp_path / "set", shards=2)
    source = data.open_photos(str(tmp_path / "set"))
    assert (source.count, source.upright_jpegs) == (4, True)
    assert data.open_photos(str(tmp_path / "set" / "*-00001-*")).count == 2
    shard = tmp_path / "set" / "photos-00000-of-00002.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-1])
    assert refused(tmp_path / "set").startswith(f"{shard}: not there, or not as its manifest")
    shard.unlink()
    assert refused(tmp_path / "set").startswith(f"{shard}: not there, or not as its manifest")


def test_records_that_are_still_being_written_are_refused(tmp_path: Path) -> None:
    root = made.write_files(tmp_path / "photos", PHOTOS)
    writer.write(root, tmp_path / "set", shards=2)
    path = tmp_path / "set" / "manifest.json"
    path.write_text(path.read_text().replace('"complete": true', '"complete": false'))
    assert "its records are not complete; run the command" in refused(tmp_path / "set")
    assert "its records are not complete" in refused(tmp_path / "set" / "*.tfrecord")
    path.write_text(re.sub(r'"shards": \[.*\]', '"shards": []', path.read_text(), flags=re.S))
    assert "its records are not complete" in refused(tmp_path / "set")


def test_the_bundled_photos_are_assets_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "asset", tmp_path.joinpath)
    assert refused("bundled").startswith(f"dataset bundled: {tmp_path}/img/bundled is missing")
    made.write_files(tmp_path / "img" / "bundled", PHOTOS)
    assert data.open_photos("bundled").count == 4


def test_what_is_not_there_is_named_with_what_may_be_meant(tmp_path: Path) -> None:
    made.write_files(tmp_path / "photos", PHOTOS)
    photos = tmp_path / "photos"
    assert refused(tmp_path / "photo") == (
        f"{tmp_path}/photo: no such file or folder; did you mean {photos}?"
    )
    assert refused(photos / "00.png").endswith(f"did you mean {photos}/0.png?")
    assert refused(tmp_path / "zzz").endswith("no such file or folder; name one, or 'bundled'")
    assert refused("bundeld").endswith("did you mean bundled?")
    assert refused(tmp_path / "x" / "y").endswith(f"there is no {tmp_path}/x either")


def test_what_holds_nothing_is_refused(tmp_path: Path) -> None:
    made.write_files(tmp_path / "texts", {"a.txt": b""})
    made.write_records(tmp_path / "empty.tfrecord", [])
    assert "no photo (.bmp .gif" in refused(tmp_path / "texts")
    assert refused(tmp_path / "*.jpg").endswith("no file matches; check the folder and the pattern")
    assert "no records in its 1 TFRecord files" in refused(tmp_path / "empty.tfrecord")
    assert "not a TFRecord file" in refused(
        made.write_files(tmp_path, {"a.bin": b"0" * 99}) / "a.bin"
    )


def test_a_zip_archive_is_answered_with_the_command_that_makes_records_of_it(
    tmp_path: Path,
) -> None:
    made.write_files(tmp_path, {"train.zip": b"PK"})
    assert refused(tmp_path / "train.zip").endswith(
        f"fastnst records --images {tmp_path}/train.zip --out {tmp_path}/train"
    )


def test_mixtures_are_refused(tmp_path: Path) -> None:
    made.write_records(tmp_path / "a.tfrecord", RECORDS)
    made.write_records(tmp_path / "b.tfrecord", [{"image": PHOTOS["0.png"]}])
    assert "hold their photos in different ways" in refused(tmp_path)
    made.write_files(tmp_path, {"0.png": PHOTOS["0.png"]})
    assert "matches photos and other files" in refused(tmp_path / "*")


def test_photos_of_which_none_can_be_read_are_refused_with_the_first_reason(
    tmp_path: Path,
) -> None:
    root = made.write_files(tmp_path / "photos", made.broken_photos())
    message = refused(root)
    assert message.startswith(f"{root}: none of its 3 photos can be read; the first: {root}/empty")
    path = made.write_records(
        tmp_path / "a.record", [{"image/encoded": made.encode(made.noise(0))[:99]}] * 2
    )
    assert refused(path).startswith(f"{path}: none of its 2 photos can be read; the first: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_folder_that_may_not_be_read_is_a_users_error(tmp_path: Path) -> None:
    root = made.write_files(tmp_path / "photos", PHOTOS)
    root.chmod(0)
    try:
        assert refused(root).endswith("cannot be read (Permission denied)")
    finally:
        root.chmod(0o700)
