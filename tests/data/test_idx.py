"""The idx files of MNIST."""

from __future__ import annotations

import gzip
from pathlib import Path

import labels_made
import numpy as np
import pytest

from fastnst import errors
from fastnst.data import idx

PICTURES, LABELS = labels_made.bars(5, side=6)


@pytest.mark.parametrize("packed", [True, False])
def test_a_pair_of_files_is_read_from_the_name_of_either(tmp_path: Path, packed: bool) -> None:
    path = labels_made.write_idx(tmp_path, PICTURES, LABELS, packed=packed)
    for name in (path, path.with_name(path.name.replace("images-idx3", "labels-idx1"))):
        found = idx.open_pair(name)
        assert found.classes == tuple("0123456789")
        assert found.labels.tolist() == [0, 1, 2, 0, 1]
        np.testing.assert_array_equal(found.read(4), PICTURES[4])


VALID = labels_made.idx(PICTURES[..., 0])


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "not an idx file"),
        (b"\0\0\x0d" + VALID[3:], "not an idx file of uint8 values"),
        (labels_made.idx(LABELS), "has 1 dimensions, should have 3"),
        (VALID[:9], "damaged"),
        (VALID[:-1], "5 x 6 x 6 values, but it holds fewer"),
        (VALID + b"\0", "but it holds more"),
        # A claim of 16 exabytes in 20 bytes.
        (b"\0\0\x08\3" + b"\xff" * 12 + b"more", "more than it can hold"),
        (gzip.compress(VALID)[:-20], "damaged"),
        (gzip.compress(VALID)[:-8] + bytes(8), "damaged"),
        (b"\x1f\x8bnothing", "damaged"),
    ],
)
def test_damage_is_told_in_one_line(tmp_path: Path, data: bytes, fault: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(data)
    with pytest.raises(errors.UserError, match=fault) as caught:
        idx.read(path, 3)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """A header that claims few values, before a gigabyte of zeros."""
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(VALID[:16] + bytes(2**20)))
    with pytest.raises(errors.UserError, match="holds more"):
        idx.read(path, 3)


def test_labels_that_are_missing_are_named(tmp_path: Path) -> None:
    path = labels_made.write_idx(tmp_path, PICTURES, LABELS)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(errors.UserError, match=r"train-labels-idx1-ubyte.gz: no such file"):
        idx.open_pair(path)
    with pytest.raises(errors.UserError, match="should contain images-idx3-ubyte"):
        idx.open_pair(tmp_path / "digits.gz")
