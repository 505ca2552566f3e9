"""The program that assembles paintings from the pieces of jigsaw puzzles."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fastnst import files
from tools import build_paintings


def pieces_of(picture: np.ndarray, shift: tuple[float, float]) -> list[build_paintings.Piece]:
    """Cuts a picture into 2 x 2 pieces that overlap by 8 px, and misplaces each by up to 2 px."""
    height, width = picture.shape[:2]
    rng = np.random.default_rng(1)
    found = []
    for top, bottom in ((0, height // 2 + 4), (height // 2 - 4, height)):
        for left, right in ((0, width // 2 + 4), (width // 2 - 4, width)):
            alpha = np.full((bottom - top, right - left, 1), 255)
            pixels = np.concatenate([picture[top:bottom, left:right], alpha], -1).astype(np.int16)
            away = rng.integers(-2, 3, 2) if top or left else (0, 0)
            found.append(
                build_paintings.Piece(pixels, top + shift[0] + away[0], left + shift[1] + away[1])
            )
    return found


@pytest.mark.parametrize("shift", [(0.0, 0.0), (-17.0, -9.0)])
def test_misplaced_pieces_are_assembled_to_the_picture_without_its_rim(shift):
    """Pieces of some puzzles reach over the upper left corner of their board."""
    picture = np.random.default_rng(0).integers(0, 256, (160, 200, 3), np.uint8)
    assembled = build_paintings.assemble(pieces_of(picture, shift))
    np.testing.assert_array_equal(assembled, picture[3:-3, 3:-3])


def test_each_painting_of_a_puzzle_is_credited_to_its_package():
    credits = (files.asset("img") / "CREDITS.md").read_text(encoding="utf-8")
    credited = re.findall(r"^\| (\w+)\.jpg .*gcompris-qt-data 3\.1, WebMuseum \|$", credits, re.M)
    assert sorted(credited) == sorted(build_paintings.PUZZLES)
