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
