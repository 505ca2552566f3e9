"""The passes that large strokes need."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fastnst import errors, planes
from fastnst.controls import strokes


@pytest.mark.parametrize(
    ("text", "expected"), [(None, None), ("auto", None), ("2", 2.0), (0.5, 0.5), (8, 8.0)]
)
def test_strokes_are_auto_or_a_number(text: str | float | None, expected: float | None) -> None:
    assert strokes.parse(text) == expected


@pytest.mark.parametrize("text", ["large", "0.4", 8.1, float("nan"), ""])
def test_other_strokes_are_refused_with_the_range(text: str | float) -> None:
    with pytest.raises(
        errors.UserError, match=r"^stroke .*: should be auto, or a number from 0\.5"
    ):
        strokes.parse(text)


def test_photos_up_to_600_pixels_have_strokes_as_trained_and_larger_ones_in_proportion() -> None:
    for side in (16, 256, 512, 600):
        assert strokes.fitting(side, 2000) == strokes.fitting(2000, side) == 1.0
    assert strokes.fitting(896, 2000) == 2.0
    # 12 megapixels.
    assert 6.0 < strokes.fitting(3000, 4000) < 7.0
    assert strokes.fitting(20000, 20000) == 8.0


@pytest.mark.parametrize(
    ("stroke", "expected"),
    [
        (1.0, [(600, 900)]),
        (2.0, [(300, 450), (600, 900)]),
        # In steps of at most 2.6.
        (4.0, [(150, 225), (300, 450), (600, 900)]),
        (0.5, [(1200, 1800)]),
    ],
)
def test_a_picture_is_painted_from_coarse_to_fine(
    stroke: float, expected: list[tuple[int, int]]
) -> None:
    assert strokes.passes(600, 900, stroke, 16) == expected


def test_no_pass_is_smaller_than_the_network_can_paint() -> None:
    for side in (16, 17, 20, 40, 100):
        assert min(min(size) for size in strokes.passes(side, 300, 8.0, 16)) >= 16
    assert strokes.passes(16, 16, 8.0, 16) == [(16, 16)]


def paint(
    paint_once: Callable[[np.ndarray], np.ndarray], photos: np.ndarray, stroke: float
) -> np.ndarray:
    def once(pixels: planes.Pixels) -> planes.Pixels:
        return planes.Plane(paint_once(planes.whole(pixels)))

    sizes = strokes.passes(*photos.shape[1:3], stroke, 16)
    workspace = planes.Workspace()
    return planes.whole(strokes.paint(once, planes.Plane(photos), sizes, workspace))


def test_strokes_as_trained_are_one_pass_of_the_photo_itself() -> None:
    photos = np.zeros((2, 20, 30, 3), np.float32)
    given = []
    painted = paint(lambda photos: given.append(photos) or photos, photos, 1.0)
    # Nothing is copied.
    assert len(given) == 1 and all(np.shares_memory(each, photos) for each in (*given, painted))


def test_small_strokes_are_painted_in_an_enlarged_photo_and_scaled_down() -> None:
    given = []

    def paint_once(photos: np.ndarray) -> np.ndarray:
        given.append(photos.shape)
        return photos + 10

    photos = np.full((1, 20, 30, 3), 50, np.float32)
    painted = paint(paint_once, photos, 0.5)
    assert given == [(1, 40, 60, 3)]
    assert painted.shape == photos.shape
    np.testing.assert_allclose(painted, 60, atol=1e-3)


def test_the_next_pass_sees_half_of_the_previous_one_and_half_of_the_photo() -> None:
    given = []

    def paint_once(photos: np.ndarray) -> np.ndarray:
        given.append(photos.mean())
        return np.full_like(photos, 200)

    paint(paint_once, np.full((1, 64, 64, 3), 100, np.float32), 2.0)
    assert given == pytest.approx([100, 150])


def test_large_shapes_come_from_the_coarse_pass_and_details_from_the_fine_one() -> None:
    size = 64
    wave = np.cos(2 * np.pi * np.arange(size) / 32)  # Two periods of 32 pixels.
    fine = np.cos(np.pi * np.arange(size))  # Every other pixel.

    def paint_once(photos: np.ndarray) -> np.ndarray:
        width = photos.shape[2]
        coarse, last = 100 + 30 * wave[:: size // width], 20 + 30 * fine - 30 * wave
        line = coarse if width < size else last
        return np.broadcast_to(line[:, np.newaxis], photos.shape).astype(np.float32)

    painted = paint(paint_once, np.zeros((1, size, size, 3), np.float32), 2.0)
    line = painted[0, 32, :, 0] - 100
    inner = slice(8, -8)
    assert np.corrcoef(line[inner], (wave + fine)[inner])[0, 1] > 0.98
    assert abs(painted.mean() - 100) < 1.5
