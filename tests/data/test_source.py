"""Finding the photos of the conf key `dataset`."""

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


def error_of(spec: object) -> str:
    with pytest.raises(errors.UserError) as caught:
        data.open_photos(str(spec))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_is_searched_recursively(tmp_path: Path) -> None:
    root = made.write_files(tmp_path / "photos", PHOTOS | {"deep/er/5.JPG": b"?", "a.txt": b"?"})
    source = data.open_photos(str(root))
    assert (source.kind, source.count) == ("folder", 5)
    assert source.files == tuple(
        str(root / name) for name in ("0.png", "1.png", "2.png", "3.png", "deep/er/5.JPG")
    )
    assert source.description == f"5 photos in {root}; 1 other file is left out: a.txt"


def test_photos_of_too_many_pixels_are_not_readable(tmp_path: Path) -> None:
    root = made.write_files(tmp_path / "photos", {"a.png": made.encode(made.noise(0, 20, 30))})
    assert data.open_photos(str(root), max_pixels=600).max_pixels == 600
    with pytest.raises(errors.UserError, match=r"a\.png: 30 x 20 pixels are more than 599; "):
        data.open_photos(str(root), max_pixels=599)


def test_photos_are_found_by_glob_and_by_path(tmp_path: Path) -> None:
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
    for spec, count, shards, of in (
        ("set", 5, 2, "2 TFRecord files of "),
        ("set/*a.*", 5, 2, "2 TFRecord files of "),
        (f"set/{name}", 3, 1, "1 TFRecord file of "),
    ):
        source = data.open_photos(str(tmp_path / spec))
        assert (source.kind, source.count, len(source.files)) == ("records", count, shards)
        assert source.schema == schemas.Schema("image/encoded", "image/filename")
        assert not source.upright_jpegs
        assert source.description.startswith(f"{count} photos in {of}")


def test_records_precede_photos_and_photos_precede_records_in_subfolders(tmp_path: Path) -> None:
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
    assert error_of(tmp_path / "set").startswith(f"{shard}: missing, or of another size")
    shard.unlink()
    assert error_of(tmp_path / "set").startswith(f"{shard}: missing, or of another size")


def test_incomplete_records_raise_an_error(tmp_path: Path) -> None:
    root = made.write_files(tmp_path / "photos", PHOTOS)
    writer.write(root, tmp_path / "set", shards=2)
    path = tmp_path / "set" / "manifest.json"
    path.write_text(path.read_text().replace('"complete": true', '"complete": false'))
    assert "its records are incomplete; run the same" in error_of(tmp_path / "set")
    assert "its records are incomplete" in error_of(tmp_path / "set" / "*.tfrecord")
    path.write_text(re.sub(r'"shards": \[.*\]', '"shards": []', path.read_text(), flags=re.S))
    assert "its records are incomplete" in error_of(tmp_path / "set")


def test_the_bundled_photos_are_assets_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "asset", tmp_path.joinpath)
    assert error_of("bundled").startswith(f"dataset bundled: {tmp_path}/img/bundled is missing")
    made.write_files(tmp_path / "img" / "bundled", PHOTOS)
    assert data.open_photos("bundled").count == 4


def test_a_missing_path_raises_an_error_with_a_suggestion(tmp_path: Path) -> None:
    made.write_files(tmp_path / "photos", PHOTOS)
    photos = tmp_path / "photos"
    assert error_of(tmp_path / "photo") == (
        f"{tmp_path}/photo: no such file or folder; did you mean {photos}?"
    )
    assert error_of(photos / "00.png").endswith(f"did you mean {photos}/0.png?")
    assert error_of(tmp_path / "zzz").endswith("no such file or folder; name one, or 'bundled'")
    assert error_of("bundeld").endswith("did you mean bundled?")
    assert error_of(tmp_path / "x" / "y").endswith(f"{tmp_path}/x does not exist either")


def test_folders_patterns_and_files_without_photos_raise_an_error(tmp_path: Path) -> None:
    made.write_files(tmp_path / "texts", {"a.txt": b""})
    made.write_records(tmp_path / "empty.tfrecord", [])
    assert "contains no photo (JPEG, PNG, WebP," in error_of(tmp_path / "texts")
    assert error_of(tmp_path / "*.jpg").endswith("no file matches; check the folder and pattern")
    assert "no records in 1 TFRecord file;" in error_of(tmp_path / "empty.tfrecord")
    assert "not a TFRecord file" in error_of(
        made.write_files(tmp_path, {"a.bin": b"0" * 99}) / "a.bin"
    )


def test_a_zip_archive_raises_an_error_with_the_command_that_converts_it(
    tmp_path: Path,
) -> None:
    made.write_files(tmp_path, {"train.zip": b"PK"})
    assert error_of(tmp_path / "train.zip").endswith(
        f"fastnst records --images {tmp_path}/train.zip --out {tmp_path}/train"
    )


def test_files_of_several_kinds_raise_an_error(tmp_path: Path) -> None:
    made.write_records(tmp_path / "a.tfrecord", RECORDS)
    made.write_records(tmp_path / "b.tfrecord", [{"image": PHOTOS["0.png"]}])
    assert "store their photos under different keys" in error_of(tmp_path)
    made.write_files(tmp_path, {"0.png": PHOTOS["0.png"]})
    assert "matches photos and other files" in error_of(tmp_path / "*")


def test_a_source_without_readable_photos_raises_an_error_with_the_first_reason(
    tmp_path: Path,
) -> None:
    root = made.write_files(tmp_path / "photos", made.broken_photos())
    message = error_of(root)
    assert message.startswith(f"{root}: none of its 3 photos can be read; first error: {root}")
    path = made.write_records(
        tmp_path / "a.record", [{"image/encoded": made.encode(made.noise(0))[:99]}] * 2
    )
    assert error_of(path).startswith(f"{path}: none of its 2 photos can be read; first error: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_a_folder_without_read_permission_raises_a_user_error(tmp_path: Path) -> None:
    root = made.write_files(tmp_path / "photos", PHOTOS)
    root.chmod(0)
    try:
        assert error_of(root).endswith("cannot be read (Permission denied)")
    finally:
        root.chmod(0o700)
