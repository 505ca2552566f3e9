"""The sheet of predictions, and the confusion matrix."""

from __future__ import annotations

import numpy as np

from fastnst.reports import predictions

# The classes told: 0 (right), 1 (wrong), 1, 2, 0 (wrong, and sure).
LABELS = np.array([0, 0, 1, 2, 2])
PROBABILITIES = np.array(
    [[0.9, 0.1, 0.0], [0.4, 0.6, 0.0], [0.0, 1.0, 0.0], [0.1, 0.1, 0.8], [0.95, 0.0, 0.05]],
    np.float32,
)
PICTURES = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 1), np.uint8)


def made(classes: tuple[str, ...] = ("a", "b", "c")) -> predictions.Predictions:
    return predictions.Predictions(PICTURES, LABELS, PROBABILITIES, classes)


def test_rows_of_the_confusion_are_true_classes() -> None:
    assert made().confusion().tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]
    assert made().by_class() == {"a": 0.5, "b": 1.0, "c": 0.5}


def test_a_class_without_pictures_has_no_share() -> None:
    absent = predictions.Predictions(PICTURES[:2], LABELS[:2], PROBABILITIES[:2], ("a", "b", "c"))
    assert absent.by_class() == {"a": 0.5, "b": 0.0, "c": 0.0}


def test_the_sheet_begins_with_each_class_in_turn() -> None:
    assert made().shown() == [0, 2, 3, 1, 4]


def test_the_second_half_of_a_sheet_shows_the_surest_mistakes_first() -> None:
    labels = np.zeros(100, np.int64)
    probabilities = np.tile(np.float32([0.9, 0.1]), (100, 1))
    probabilities[[40, 80]] = [[0.2, 0.8], [0.05, 0.95]]
    many = predictions.Predictions(np.zeros((100, 4, 4, 1), np.uint8), labels, probabilities, "ab")
    shown = many.shown()
    assert shown[:18] == list(range(18)) and shown[18:20] == [80, 40]
    assert len(shown) == len(set(shown)) == 30


def test_the_sheet_has_the_pictures_and_colors_of_right_and_wrong() -> None:
    sheet = predictions.sheet(made())
    # Five columns of 98 pixels and a row of 128, with margins of 10.
    assert sheet.shape == (138, 500, 3) and sheet.dtype == np.uint8
    # The second picture shown is number 2, which is all of level 2.
    assert (sheet[10:98, 108:196] == 2).all()
    text = sheet[98:115].astype(int)
    green, red = text[..., 1] - text[..., 0], text[..., 0] - text[..., 1]
    assert green[:, :98].max() > 60 and red[:, :98].max() < 20
    assert red[:, 304:].max() > 60


def test_the_matrix_is_green_on_its_diagonal_and_red_beside_it() -> None:
    matrix = predictions.matrix(made(("a", "b", "a class with a very long name"))).astype(int)
    assert matrix.shape == (96 + 3 * 213 + 10,) * 2 + (3,)
    corner = [matrix[96 + row * 213 + 5, 96 + column * 213 + 5] for row, column in np.ndindex(3, 3)]
    excess = [int(color[1] - color[0]) for color in corner]
    assert [np.sign(value) for value in excess] == [1, -1, 0, 0, 1, 0, -1, 0, 1]
    # All of the second class are right, of the others a half.
    assert excess[4] > excess[0] == excess[8] > 0


def test_a_hundred_classes_have_a_matrix_without_texts() -> None:
    labels = np.arange(100)
    told = predictions.Predictions(
        np.zeros((100, 4, 4, 3), np.uint8), labels, np.eye(100, dtype=np.float32), ["x"] * 100
    )
    assert predictions.matrix(told).shape == (96 + 600 + 10,) * 2 + (3,)
