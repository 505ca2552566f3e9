"""Pictures of what a classifier tells: a sheet of predictions, and the confusion matrix."""

from __future__ import annotations

import collections.abc
import dataclasses

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fastnst import images

_SIDE, _GAP, _LINE = 88, 10, 15
_COLUMNS, _ROWS = 6, 5
# A long name is cut to the width of its picture.
_LETTERS = 14
_RIGHT, _WRONG = (0, 110, 50), (190, 30, 30)
_MARGIN, _MATRIX = 96, 640
# Beyond these, cells have no numbers, and the axes no names.
_NUMBERED, _NAMED = 20, 50


@dataclasses.dataclass(frozen=True)
class Predictions:
    """The predictions of a classifier for labeled pictures.

    Attributes:
        pictures: uint8 [N, S, S, 1 or 3].
        labels: The true classes, int [N].
        probabilities: Of each class, float32 [N, classes].
        classes: Names of the classes.
    """

    pictures: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    classes: collections.abc.Sequence[str]

    @property
    def guesses(self) -> np.ndarray:
        """The most probable class of each picture, int [N]."""
        return self.probabilities.argmax(axis=1)

    def confusion(self) -> np.ndarray:
        """Returns how often each class (row) was predicted as each class (column), int [C, C]."""
        count = len(self.classes)
        cells = np.bincount(self.labels * count + self.guesses, minlength=count * count)
        return cells.reshape(count, count)

    def by_class(self) -> dict[str, float]:
        """Returns the share of the pictures of each class that are right, by name."""
        matrix = self.confusion()
        return {
            name: float(matrix[number, number] / max(matrix[number].sum(), 1))
            for number, name in enumerate(self.classes)
        }

    def shown(self) -> list[int]:
        """Returns the pictures of the sheet: some of all classes, then the worst mistakes.

        The first half are always the same pictures, so that sheets of several steps can be
        compared. The mistakes come in the order of the probability of the wrong class.
        """
        most = min(_COLUMNS * _ROWS, len(self.labels))
        # Rounds through the classes: the first picture of each, then the second of each, ...
        rank = np.zeros(len(self.labels), np.int64)
        for label in np.unique(self.labels):
            of_class = self.labels == label
            rank[of_class] = np.arange(of_class.sum())
        in_turn = np.lexsort((self.labels, rank)).tolist()
        first = in_turn[: -(-_ROWS // 2) * _COLUMNS]
        wrong = np.flatnonzero(self.guesses != self.labels)
        sure = self.probabilities.max(axis=1)
        mistakes = wrong[np.argsort(-sure[wrong], kind="stable")].tolist()
        order = [*first, *(number for number in (*mistakes, *in_turn) if number not in first)]
        return list(dict.fromkeys(order))[:most]


def sheet(predictions: Predictions) -> np.ndarray:
    """Draws pictures with the predicted class, its probability, and the true class if it differs.

    Returns:
        uint8 RGB [H, W, 3] on white.
    """
    shown = predictions.shown()
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    cell_width, cell_height = _SIDE + _GAP, _SIDE + 2 * _LINE + _GAP
    size = (columns * cell_width + _GAP, rows * cell_height + _GAP)
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=12)
    for place, number in enumerate(shown):
        left = _GAP + place % columns * cell_width
        top = _GAP + place // columns * cell_height
        canvas.paste(Image.fromarray(_enlarged(predictions.pictures[number])), (left, top))
        guess, truth = int(predictions.guesses[number]), int(predictions.labels[number])
        sure = predictions.probabilities[number, guess]
        middle = left + _SIDE / 2
        predicted = f"{_short(predictions.classes[guess])}: {sure:.0%}"
        color = _RIGHT if guess == truth else _WRONG
        draw.text((middle, top + _SIDE + _LINE * 0.6), predicted, color, font, anchor="mm")
        if guess != truth:
            real = f"is {_short(predictions.classes[truth])}"
            draw.text((middle, top + _SIDE + _LINE * 1.5), real, "black", font, anchor="mm")
    return np.asarray(canvas)


def matrix(predictions: Predictions) -> np.ndarray:
    """Draws the confusion matrix: a row for each true class, a column for each predicted class.

    Cells are shaded by their share of the row; mistakes are red.

    Returns:
        uint8 RGB [H, W, 3] on white.
    """
    cells = predictions.confusion()
    count = len(cells)
    step = max(1, _MATRIX // count)
    side = _MARGIN + step * count + _GAP
    canvas = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=min(13, max(8, step // 3)))
    draw.text((_GAP, _MARGIN / 2), "actual \\ predicted", "black", font, anchor="lm")
    shares = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    for row, column in np.ndindex(count, count):
        left, top = _MARGIN + column * step, _MARGIN + row * step
        color = np.array(_RIGHT if row == column else _WRONG)
        # The square root, so that single mistakes are seen.
        shade = np.sqrt(shares[row, column])
        fill = tuple((255 - (255 - color) * shade).astype(int).tolist())
        draw.rectangle((left, top, left + step - 1, top + step - 1), fill)
        if count <= _NUMBERED and cells[row, column]:
            middle = (left + step / 2, top + step / 2)
            ink = "white" if shade > 0.6 else "black"
            draw.text(middle, str(cells[row, column]), ink, font, anchor="mm")
    if count <= _NAMED:
        for number, name in enumerate(predictions.classes):
            place = _MARGIN + (number + 0.5) * step
            draw.text((_MARGIN - 6, place), _short(name), "black", font, anchor="rm")
            # Every other name lower, because names are wider than cells.
            height = _MARGIN - (8 if number % 2 else 24)
            draw.text((place, height), _short(name), "black", font, anchor="mm")
    return np.asarray(canvas)


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}"


def _enlarged(picture: np.ndarray) -> np.ndarray:
    """Returns a picture of the sheet, uint8 RGB; small ones keep their pixels' edges."""
    rgb = np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture
    if rgb.shape[0] > _SIDE:
        return images.resize(rgb, _SIDE, _SIDE)
    return np.asarray(Image.fromarray(rgb).resize((_SIDE, _SIDE), Image.Resampling.NEAREST))
