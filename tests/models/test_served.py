"""Exported SavedModels stylize like the networks that they were made from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fastnst import errors, export
from fastnst.models import loading, restore, store, stylizer

# Every test exports.
pytestmark = pytest.mark.slow


def levels(one: np.ndarray, other: np.ndarray) -> int:
    """The largest difference of two pictures, in levels of 255."""
    return int(np.abs(one.astype(int) - other).max())


def test_a_saved_model_of_one_style_offers_no_other_style_and_no_strength(exported: Path) -> None:
    paint = loading.load(exported)
    assert paint.styles == ("tiny",)
    photo = np.zeros((20, 20, 3), np.uint8)
    np.testing.assert_array_equal(paint(photo, "tiny", 1.0), paint(photo))
    with pytest.raises(errors.UserError, match=r"^no style wave \(styles: tiny\)"):
        paint(photo, "wave")
    with pytest.raises(errors.UserError, match=r": strength 0\.5: this SavedModel supports 1 only"):
        paint(photo, strength=0.5)


@pytest.fixture(scope="module")
def live_and_exported(
    gallery: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[stylizer.Stylizer, stylizer.Stylizer]:
    """A model of several styles, and its SavedModel."""
    folder = tmp_path_factory.mktemp("exports") / "gallery"
    export.export(restore.load(store.find(gallery)), folder, "savedmodel", {})
    return loading.load(gallery, "float32"), loading.load(folder, "float32")


def test_a_saved_model_of_several_styles_stylizes_in_each_style_and_blend(
    live_and_exported: tuple[stylizer.Stylizer, stylizer.Stylizer],
    photo: Callable[..., np.ndarray],
) -> None:
    live, exported = live_and_exported
    assert exported.styles == live.styles
    picture = photo(32, 40)
    for style in (*live.styles, "wave:0.6,candy:0.4"):
        for strength in (None, 0.0, 0.5, 1.5):
            difference = levels(exported(picture, style, strength), live(picture, style, strength))
            assert difference <= 1, (style, strength)
    with pytest.raises(errors.UserError, match=r"^strength 2: should be from 0 to 1\.5"):
        exported(picture, strength=2.0)


def test_a_saved_model_has_all_other_controls(
    live_and_exported: tuple[stylizer.Stylizer, stylizer.Stylizer],
    photo: Callable[..., np.ndarray],
) -> None:
    live, exported = live_and_exported
    left = np.zeros((40, 48), np.uint8)
    left[:, :20] = 255
    choices = {"stroke": 2, "colors": 0.5, "grain": 4, "masks": {"ink": left, "candy": 255 - left}}
    # The SavedModel rounds each pass to whole levels, which the next pass may enlarge.
    difference = exported(photo(40, 48), **choices).astype(int) - live(photo(40, 48), **choices)
    assert np.abs(difference).mean() < 1


def test_a_saved_model_paints_whole_photos_only(exported: Path) -> None:
    picture = np.zeros((20, 20, 3), np.uint8)
    for mode in ("auto", "off", "exact"):
        assert loading.load(exported, tiles=mode)(picture).shape == (20, 20, 3)
    with pytest.raises(
        errors.UserError,
        match="nor an imported network paints in tiles",
    ):
        loading.load(exported, tiles="thumbnail")(picture)
