"""Which files of a folder are photos."""

from __future__ import annotations

import os
from pathlib import Path

import made
import pytest

from fastnst import errors, photo_files

PNG = made.encode(made.noise(0))


def test_the_content_of_a_file_decides_or_else_its_extension(tmp_path: Path) -> None:
    made.write_files(
        tmp_path,
        {
            "damaged.jpg": b"",
            "deep/Two.JPEG": PNG,
            "photo.HEIC": b"",
            "saved.jfif": PNG,
            "picture.jpg?w=640": PNG,
            "no_extension": PNG,
            "notes.txt": b"some text",
            "BMW.txt": b"BM is how a bitmap begins, but also this text",
            "clip.mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
            ".hidden.jpg": PNG,
            ".git/four.jpg": PNG,
            "__MACOSX/._a.png": PNG,
        },
    )
    (tmp_path / "broken.png").symlink_to("nowhere")
    found = photo_files.find(tmp_path)
    assert found.photos == (
        "broken.png",
        "damaged.jpg",
        "deep/Two.JPEG",
        "no_extension",
        "photo.HEIC",
        "picture.jpg?w=640",
        "saved.jfif",
    )
    assert found.others == ("BMW.txt", "clip.mp4", "notes.txt")
    assert found.left_out() == "3 other files are left out: BMW.txt, clip.mp4, notes.txt"


def test_many_other_files_are_counted() -> None:
    found = photo_files.Found((), tuple("abcdefgh"))
    assert found.left_out() == "8 other files are left out: a, b, c, 5 more"
    assert photo_files.Found(("a",), ()).left_out() == ""


def test_a_folder_without_photos_is_an_error_that_names_the_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(errors.UserError, match=r"contains no photos.*1 other file .*notes.txt"):
        photo_files.photos_in(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="pipes are of POSIX")
def test_a_pipe_is_left_out_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless.jpg")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    assert photo_files.find(tmp_path).others == ("endless.jpg", "zero.png")
