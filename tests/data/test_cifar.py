"""CIFAR-10's binary files."""

from __future__ import annotations

from pathlib import Path

import labels_made
import numpy as np
import pytest

from fastnst import errors
from fastnst.data import cifar

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
LABELS = np.array([3, 0, 9])
DATA = labels_made.cifar(PICTURES, LABELS)


def test_the_records_of_all_files_are_read_in_order(tmp_path: Path) -> None:
    # The first picture's label, then its whole red plane.
    assert DATA[0] == 3 and DATA[1:4] == bytes(PICTURES[0, 0, :3, 0])
    first, second = tmp_path / "data_batch_1.bin", tmp_path / "data_batch_2.bin"
    first.write_bytes(DATA[: 2 * 3073])
    second.write_bytes(DATA[2 * 3073 :])
    found = cifar.open_files("both", [first, second])
    assert [found.classes[label] for label in found.labels] == ["cat", "airplane", "truck"]
    for number in range(3):
        np.testing.assert_array_equal(found.read(number), PICTURES[number])


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "has 0 bytes, which are no records of 3,073 bytes"),
        (DATA[:-1], "has 9,218 bytes, which are no records"),
        (DATA[:3073] + b"\x0a" + DATA[3074:], "record 2 has the label 10, should be 0 to 9"),
    ],
)
def test_damage_is_told_in_one_line(tmp_path: Path, data: bytes, fault: str) -> None:
    path = tmp_path / "test_batch.bin"
    path.write_bytes(data)
    with pytest.raises(errors.UserError, match=fault):
        cifar.open_files("one", [path])
