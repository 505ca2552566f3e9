"""Listing the photos of a folder or an archive."""

from __future__ import annotations

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
