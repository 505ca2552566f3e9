"""Steadiness, of networks that are written by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.losses import steadiness


@pytest.fixture
def photos() -> tf.Tensor:
    values = np.random.default_rng(0).uniform(0, 255, (2, 128, 160, 3))
    return tf.constant(values, tf.float32)


def change(paint: object, photos: tf.Tensor, step: int = 0) -> float:
    stylized = paint(photos)  # type: ignore[operator]
    found = steadiness.unsteadiness(
        paint,  # type: ignore[arg-type]
        photos,
        stylized,
        tf.constant(step, tf.int64),
    )
    return float(found)


def test_a_network_that_follows_the_photo_changes_only_by_the_noise(photos: tf.Tensor) -> None:
    # Its variance is 36, and that of the squares' means next to nothing. A network that halves the
    # contrast keeps a quarter.
    assert change(lambda images: images, photos) == pytest.approx(36.0, rel=0.05)
    assert change(lambda images: images / 2.0 + 60.0, photos) == pytest.approx(9.0, rel=0.05)


def test_a_pattern_that_stays_in_place_is_not_steady(photos: tf.Tensor) -> None:
    def mesh(images: tf.Tensor) -> tf.Tensor:
        dots = np.zeros((1, *images.shape[1:]), np.float32)
        dots[:, ::4, ::4] = 100.0
        return tf.constant(dots)

    # A dot in 16 pixels appears and another vanishes, except for moves by multiples of 4 pixels.
    found = [change(mesh, photos, step) for step in range(8)]
    assert max(found) == pytest.approx(2 * 100.0**2 / 16, rel=0.15)
    assert sum(each > 0.0 for each in found) >= 6


def test_color_and_contrast_count_at_the_border(photos: tf.Tensor) -> None:
    def framed(images: tf.Tensor, detail: float, color: float) -> tf.Tensor:
        """A frame of stripes, in another color than the picture, which is gray."""
        height, width = images.shape[1:3]
        stripes = np.where(np.arange(width) % 2, detail, -detail)[:, np.newaxis]
        frame = np.full((1, height, width, 3), color, np.float32) + stripes
        frame[:, 16:-16, 16:-16] = 0.0
        return tf.constant(frame, tf.float32)

    # Where the cut, 96 x 120 pixels, does not touch the border of the whole, the frame is new in
    # the outermost of its 6 x 8 squares, 24 of the 40 that count; the last column is half as wide.
    colored = max(change(lambda x: framed(x, 0.0, 50.0), photos, step) for step in range(8))
    assert colored == pytest.approx(50.0**2 * 24 / 40, rel=0.2)
    # Stripes have the color of the picture, and contrast in one of two directions.
    striped = max(change(lambda x: framed(x, 50.0, 0.0), photos, step) for step in range(8))
    assert striped == pytest.approx(100.0**2 / 2 * 24 / 40, rel=0.2)


def test_the_whole_photo_does_not_learn_from_the_border(photos: tf.Tensor) -> None:
    stylized = tf.Variable(photos)
    with tf.GradientTape() as tape:
        found = steadiness.unsteadiness(
            lambda images: 0.5 * images, photos, stylized, tf.constant(0, tf.int64)
        )
    changed = np.abs(tape.gradient(found, stylized).numpy()).sum(axis=(0, 3)) > 0.0
    # The cut without its border, which is a quarter of its shorter side.
    assert changed.sum() == (96 - 2 * 24) * (120 - 2 * 24)


def test_each_step_has_a_cut_and_noise_of_its_own(photos: tf.Tensor) -> None:
    found = {round(change(lambda images: images, photos, step), 6) for step in range(4)}
    assert len(found) == 4
    assert change(lambda images: images, photos, 3) == change(lambda images: images, photos, 3)
