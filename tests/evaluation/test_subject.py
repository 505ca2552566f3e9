"""A style of a model as a function of photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fastnst import errors, images
from fastnst.evaluation import subject
from fastnst.models import loading, restore, store


def test_a_photo_is_painted_as_by_eval_and_a_frame_without_grain(
    gallery: Path, photo: Callable[..., np.ndarray]
) -> None:
    restored, painting = restore.load(store.find(gallery)), np.zeros((8, 8, 3), np.float32)
    made = subject.of(restored, "ink", "mine", painting)
    assert made.name == "mine" and made.painting is painting
    pixels = photo(40, 50)
    painted = made.paint(pixels)
    # Values that are not rounded show small changes.
    assert painted.dtype == np.float32 and (painted != np.rint(painted)).any()
    by_eval = loading.load(gallery, "float32")
    assert np.abs(images.to_uint8(painted) - by_eval(pixels, "ink").astype(int)).max() <= 1
    frame = by_eval(pixels, "ink", grain=0.0).astype(int)
    assert np.abs(images.to_uint8(made.paint_frame(pixels)) - frame).max() <= 1


def test_a_style_that_the_model_lacks_is_an_error(gallery: Path) -> None:
    with pytest.raises(errors.UserError, match="no style inc; did you mean ink"):
        subject.of(restore.load(store.find(gallery)), "inc", "inc", np.zeros((8, 8, 3)))
