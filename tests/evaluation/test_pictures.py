"""The figures of pictures, of networks that are written by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fastnst import images
from fastnst.evaluation import measures, pictures

pytest.importorskip("scipy")


class Grams:
    """Stands for the Gram distance: remembers the sizes that it is asked about."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def __call__(self, photo: np.ndarray, stylized: np.ndarray) -> dict[str, float]:
        assert photo.shape == stylized.shape
        self.sizes.append(photo.shape[:2])
        return {pictures.LAYER: photo.shape[0] / 1024}


@pytest.fixture
def read(photo: Callable[..., np.ndarray]) -> Callable[[int], np.ndarray]:
    """Reads a photo of 2 to 1, which is cropped to 3 to 2."""
    small = photo(64, 128, 0)
    return lambda side: images.resize_shorter_side(small, side).astype(np.float32)


def measured(
    paint: pictures.Paint,
    read: Callable[[int], np.ndarray],
    paint_frame: pictures.Paint | None = None,
) -> dict:
    grams = Grams()
    # A contrast of 50 levels.
    stripes = np.tile(np.repeat([0.0, 100.0], 2), 15)[:, np.newaxis, np.newaxis]
    style = np.broadcast_to(stripes, (60, 60, 3))
    figures = pictures.Figures(paint, paint_frame or paint, style, grams)  # type: ignore[arg-type]
    figures.add(read)
    figures.add(read)
    found = figures.summary()
    assert grams.sizes == [(256, 384), (512, 768), (1024, 1536)] * 2
    assert found["photos"] == 2 and found[pictures.OF_PAINTING] is None
    assert [found[pictures.gram_figure(scale)] for scale in (256, 512, 1024)] == [0.25, 0.5, 1.0]
    return found


def test_a_network_that_changes_nothing_is_steady(read: Callable[[int], np.ndarray]) -> None:
    found = measured(lambda picture: picture.astype(np.float32), read)
    assert found[pictures.SHIFT] == 0.0
    # The photo is smooth, and the painting has stripes.
    assert found[pictures.DETAIL] < 0.3
    # The mean absolute value of a normal distribution with a deviation of 2.
    assert found[pictures.NOISE] == pytest.approx(2 * np.sqrt(2 / np.pi), rel=0.1)


def test_a_pattern_that_stays_in_place_flickers_and_is_a_lattice(
    read: Callable[[int], np.ndarray],
) -> None:
    def paint(picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        mesh = np.zeros((height, width, 3), np.float32)
        mesh[::8, ::8] = 255.0
        return mesh

    found = measured(paint, read)
    # A dot in 64 pixels appears and another vanishes.
    assert found[pictures.SHIFT] == pytest.approx(2 * 255 / 64 / 50.0, rel=0.1)
    assert found[pictures.NOISE] == 0.0
    if found[pictures.LATTICE] is not None:
        assert found[pictures.LATTICE] > 0.8


def test_steadiness_is_that_of_frames_and_the_rest_that_of_photos(
    read: Callable[[int], np.ndarray],
) -> None:
    def gray(picture: np.ndarray) -> np.ndarray:
        return np.full_like(picture, 128.0, np.float32)

    found = measured(lambda picture: picture.astype(np.float32), read, gray)
    assert found[pictures.NOISE] == 0.0 < found[pictures.DETAIL]


@pytest.mark.parametrize("framed", [True, False])
def test_a_rim_is_what_the_end_of_the_photo_makes_of_it(
    read: Callable[[int], np.ndarray], framed: bool
) -> None:
    def paint(picture: np.ndarray) -> np.ndarray:
        # Brighter in the middle, as photos are, which is no rim.
        stylized = picture.astype(np.float32)
        if framed:
            stylized[:3] = stylized[-3:] = stylized[:, :3] = stylized[:, -3:] = 0.0
        return stylized

    rim = measured(paint, read)[pictures.RIM]
    assert rim > 30.0 if framed else rim == 0.0


def test_a_frame_is_a_rim_and_opposite_sides_cancel() -> None:
    picture = np.full((80, 90, 3), 100.0, np.float32)
    assert measures.rim(picture).tolist() == [0.0, 0.0, 0.0]
    picture[:3], picture[-3:], picture[:, :3], picture[:, -3:] = 4 * ([110.0, 100.0, 80.0],)
    np.testing.assert_allclose(measures.rim(picture), [10.0, 0.0, -20.0])
    # Opposite differences cancel: only a frame that all pictures share counts.
    picture[:, :45], picture[:, 45:] = 50.0, 150.0
    np.testing.assert_allclose(measures.rim(picture), 0.0, atol=1e-9)
