"""Steadiness, of networks that are written by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.losses import steadiness


@pytest.fixture
def photos() -> tf.Tensor:
    values = np.random.default_rng(0).uniform(0, 255, (2, 64, 48, 3))
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
    # Its variance is 4, of which a network that halves the contrast keeps a quarter.
    assert change(lambda images: images, photos) == pytest.approx(4.0, rel=0.05)
    assert change(lambda images: images / 2.0 + 60.0, photos) == pytest.approx(1.0, rel=0.05)


def test_a_pattern_that_stays_in_place_is_not_steady(photos: tf.Tensor) -> None:
    def mesh(images: tf.Tensor) -> tf.Tensor:
        dots = np.zeros((1, *images.shape[1:]), np.float32)
        dots[:, ::4, ::4] = 100.0
        return tf.constant(dots)

    # A dot in 16 pixels appears and another vanishes, except for moves by multiples of 4 pixels.
    found = [change(mesh, photos, step) for step in range(8)]
    assert max(found) == pytest.approx(2 * 100.0**2 / 16, rel=0.15)
    assert sum(each > 0.0 for each in found) >= 6


def test_a_rim_is_not_steady(photos: tf.Tensor) -> None:
    def framed(images: tf.Tensor) -> tf.Tensor:
        height, width = images.shape[1:3]
        frame = np.full((1, height, width, 3), 50.0, np.float32)
        frame[:, 2:-2, 2:-2] = 0.0
        return tf.constant(frame)

    # Where the cut, 52 x 36 pixels, does not touch the border of the whole, two of the four pixels
    # that count as its rim differ everywhere.
    frame, rim = 52 * 36 - 48 * 32, 52 * 36 - 44 * 28
    found = max(change(framed, photos, step) for step in range(8))
    assert found == pytest.approx(50.0**2 * (frame / (52 * 36) + frame / rim) / 2)


def test_each_step_has_a_cut_and_noise_of_its_own(photos: tf.Tensor) -> None:
    found = {round(change(lambda images: images, photos, step), 6) for step in range(4)}
    assert len(found) == 4
    assert change(lambda images: images, photos, 3) == change(lambda images: images, photos, 3)
