"""Pictures in class folders."""

from __future__ import annotations

from pathlib import Path

import labels_made
import made
import numpy as np
import pytest

from fastnst import errors
from fastnst.data import class_folders

PICTURES, LABELS = labels_made.bars(4, channels=3)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return labels_made.write_folders(tmp_path / "pictures", PICTURES, LABELS)


def test_each_folder_is_a_class_and_its_files_are_pictures(root: Path) -> None:
    made.write_files(root, {"notes.txt": b"no class", "left/notes.txt": b"no picture"})
    (root / "empty").mkdir()
    found = class_folders.open_folders(root)
    assert found.classes == ("left", "right", "whole")
    # 000.png and 003.png are of the first class.
    assert found.labels.tolist() == [0, 0, 1, 2]
    np.testing.assert_array_equal(found.read(1), PICTURES[3])


def test_a_list_of_classes_chooses_folders_and_their_order(root: Path) -> None:
    found = class_folders.open_folders(root, ("whole", "left"))
    assert found.classes == ("whole", "left") and found.labels.tolist() == [0, 1, 1]


def test_wrong_folders_are_told(root: Path) -> None:
    with pytest.raises(errors.UserError, match="lefd is a class; did you mean left"):
        class_folders.open_folders(root, ("lefd", "right"))
    with pytest.raises(errors.UserError, match="holds 0 folders of pictures; put the pictures"):
        class_folders.open_folders(root / "left")
    made.write_files(root, {"left/000.png": b"\x89PNG\r\n\x1a\n and no more"})
    with pytest.raises(errors.UserError, match=r"000.png"):
        class_folders.open_folders(root).read(0)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", "the name of a class per line"),
        (b"\xff\xfe\n", "the name of a class per line"),
        (b"cat\ndog\ncat\n", "names the class cat twice"),
        (b"cat\n../dog\n", "is not the name of a folder"),
        (b"c" * (2**20 + 1), "the name of a class per line"),
    ],
)
def test_a_file_of_labels_is_checked(tmp_path: Path, text: bytes, fault: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(b"cat\r\n\n  big dog \n")
    assert class_folders.read_labels(path) == ("cat", "big dog")
    path.write_bytes(text)
    with pytest.raises(errors.UserError, match=fault):
        class_folders.read_labels(path)
