"""The layout of contact sheets."""

from __future__ import annotations

import numpy as np
import pytest

from fastnst.reports import contact_sheet


@pytest.mark.parametrize(
    ("count", "columns", "rows"), [(1, 1, 1), (4, 2, 2), (7, 3, 3), (10, 3, 4)]
)
def test_pictures_are_arranged_in_an_approximate_square_with_labels(
    count: int, columns: int, rows: int
) -> None:
    pictures = {
        f"style {index}": np.full((100, 120, 3), 10 + 20 * index, np.uint8)
        for index in range(count)
    }
    sheet = contact_sheet.render(pictures)
    assert sheet.shape == (rows * 136 + 8, columns * 128 + 8, 3)
    for index, pixels in enumerate(pictures.values()):
        top, left = 8 + index // columns * 136, 8 + index % columns * 128
        np.testing.assert_array_equal(sheet[top : top + 100, left : left + 120], pixels)
        label = sheet[top + 100 : top + 128, left : left + 120]
        assert label.min() < 64 and label[0].min() == 255


def test_the_number_of_columns_can_be_chosen() -> None:
    pictures = {str(index): np.zeros((20, 120, 3), np.uint8) for index in range(5)}
    assert contact_sheet.render(pictures, columns=3).shape == (2 * 56 + 8, 3 * 128 + 8, 3)
    assert contact_sheet.render(pictures, columns=9).shape == (56 + 8, 5 * 128 + 8, 3)


def test_a_table_labels_its_rows_and_columns_and_leaves_gaps() -> None:
    shade = iter(range(10, 250, 40))
    pictures: list[list[np.ndarray | None]] = [
        [np.full((100, 120, 3), next(shade), np.uint8) for _ in range(3)] for _ in range(2)
    ]
    pictures[1][2] = None
    sheet = contact_sheet.render_table(pictures, ["row 1", "row 2"], ["a", "b", "c"])
    assert sheet.shape == (28 + 2 * 108 + 8, 28 + 3 * 128 + 8, 3)
    for down in range(2):
        left_of = sheet[36 + down * 108 : 136 + down * 108, :28]
        assert left_of.min() < 64
        for across in range(3):
            top, left = 36 + down * 108, 36 + across * 128
            expected = pictures[down][across]
            cell = sheet[top : top + 100, left : left + 120]
            np.testing.assert_array_equal(cell, 255 if expected is None else expected)
            assert down or sheet[:28, left : left + 120].min() < 64


def test_a_long_label_shrinks_and_keeps_apart_from_the_next() -> None:
    black = np.zeros((120, 160, 3), np.uint8)
    long = "content_layers relu1_2"
    sheet = contact_sheet.render_table([[black, black]], ["r"], [long, long])
    for left in (36, 204):
        label = sheet[:28, left : left + 160]
        assert label.min() < 128
        # Beside the gap, there is a margin, so that two labels do not read as one.
        assert label[:, :7].min() == 255 and label[:, -7:].min() == 255
