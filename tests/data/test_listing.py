"""Listing the photos of a folder or an archive."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile
from pathlib import Path

import made
import pytest

from fastnst import errors
from fastnst.data import listing

FILES = {
    "b/Two.JPEG": b"22",
    "a.png": b"1",
    "b/c/three.webp": b"333",
    ".hidden.jpg": b"",
    ".git/four.jpg": b"",
    "__MACOSX/._a.png": b"",
    "notes.txt": b"",
    "archive": b"",
}
PHOTOS = {"a.png": 1, "b/Two.JPEG": 2, "b/c/three.webp": 3}


def zipped(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("b/", "")
        for name, data in FILES.items():
            archive.writestr(name, data)
    return path


def test_a_folder_lists_all_photos_below_it_sorted_and_nothing_else(tmp_path: Path) -> None:
    found = listing.photos(made.write_files(tmp_path / "photos", FILES))
    assert list(found.sizes.items()) == list(PHOTOS.items())
    assert found.read("b/Two.JPEG") == b"22"


def test_a_zip_archive_gives_the_same_listing_as_the_folder(tmp_path: Path) -> None:
    found = listing.photos(zipped(tmp_path / "photos.zip"))
    assert list(found.sizes.items()) == list(PHOTOS.items())
    assert found.read("b/c/three.webp") == b"333"


def test_a_broken_link_is_listed_and_raises_an_error_when_read(tmp_path: Path) -> None:
    root = made.write_files(tmp_path / "photos", {"near.jpg": b"1"})
    (root / "lost.jpg").symlink_to(tmp_path / "nowhere.jpg")
    found = listing.photos(root)
    assert found.sizes == {"lost.jpg": 0, "near.jpg": 1}
    with pytest.raises(errors.UserError, match=r"lost\.jpg: no such file"):
        found.read("lost.jpg")


def test_sources_without_photos_raise_a_one_line_error(tmp_path: Path) -> None:
    empty = made.write_files(tmp_path / "empty", {"notes.txt": b""})
    text = made.write_files(tmp_path, {"notes.txt": b"no zip"}) / "notes.txt"
    for path, reason in (
        (tmp_path / "none", "no such folder or zip archive"),
        (empty, "contains no photos, that is JPEG, PNG, WebP, GIF"),
        (text, "not a readable zip archive"),
    ):
        with pytest.raises(errors.UserError, match=reason) as caught:
            listing.photos(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


def test_a_damaged_entry_of_an_archive_raises_a_user_error(tmp_path: Path) -> None:
    path = zipped(tmp_path / "photos.zip")
    data = bytearray(path.read_bytes())
    data[data.index(b"333")] ^= 1  # Stored without compression, so that only the checksum is wrong.
    path.write_bytes(data)
    with pytest.raises(errors.UserError, match=r"three\.webp: cannot be read from .*CRC"):
        listing.photos(path).read("b/c/three.webp")


def claiming(path: Path, size: int, claim: int) -> Path:
    """An archive with a photo of zeros, whose size is wrong in both places that tell it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(size))
        archive.writestr("good.png", b"1")
    data = bytearray(path.read_bytes())
    # The fields of the local header and of the directory's entry.
    for signature, field in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", data, data.index(signature) + field, claim)
    path.write_bytes(data)
    return path


def test_an_entry_that_claims_to_be_huge_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    found = listing.photos(claiming(tmp_path / "photos.zip", 100, 4_000_000_000))
    with pytest.raises(errors.UserError, match=r"bomb\.png: unpacks to 4,000 MB, more than 100"):
        found.read("bomb.png")
    assert found.read("good.png") == b"1"


def test_an_entry_that_unpacks_to_more_than_it_claims_takes_no_memory(tmp_path: Path) -> None:
    found = listing.photos(claiming(tmp_path / "photos.zip", 2**25, 100))
    tracemalloc.start()
    try:
        with pytest.raises(errors.UserError, match=r"bomb\.png: cannot be read from .*CRC"):
            found.read("bomb.png")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert found.read("good.png") == b"1"
