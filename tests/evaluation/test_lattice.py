"""The lattice figure, on textures whose period is known."""

from __future__ import annotations

import numpy as np
import pytest

from fastnst.evaluation import lattice

pytest.importorskip("scipy")


def gray(luma: np.ndarray) -> np.ndarray:
    """An RGB picture of a luma."""
    return np.repeat(luma[..., np.newaxis], 3, axis=2).astype(np.float32)


def noise(height: int = 256, width: int = 256, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(128.0, 20.0, (height, width))


def tiled(period: int, seed: int = 0) -> np.ndarray:
    """Noise that repeats exactly every `period` pixels."""
    repeats = 256 // period + 1
    return np.tile(noise(period, period, seed), (repeats, repeats))[:256, :256]


def found(luma: np.ndarray) -> float:
    picture = gray(luma)
    return float(np.mean(lattice.peaks(picture, lattice.everywhere(picture))))


@pytest.mark.parametrize("period", [8, 12, 24])
def test_a_motif_that_repeats_exactly_has_a_peak_near_1(period: int) -> None:
    assert 0.9 < found(tiled(period)) < 1.1


def test_noise_has_no_lattice() -> None:
    assert found(noise()) < 0.15


def test_a_lattice_under_noise_of_the_same_strength_is_halved() -> None:
    # The autocorrelation of a sum of independent textures is the mean of theirs; chance adds a bit.
    assert found(tiled(12) + noise(seed=1) - 128.0) == pytest.approx(0.55, abs=0.06)


def test_shapes_that_repeat_at_a_larger_distance_are_no_lattice() -> None:
    wave = np.cos(2 * np.pi * np.arange(256) / 64)
    assert found(128.0 + 40.0 * np.add.outer(wave, wave)) == 0.0


def test_each_area_is_measured_by_itself() -> None:
    half = noise()
    half[:128, :128] = tiled(12)[:128, :128]
    repeating, random = lattice.peaks(gray(half), [(0, 0), (128, 128)])
    assert repeating > 0.9 and random < 0.2


def test_the_flattest_areas_are_found_and_do_not_overlap() -> None:
    photo = gray(noise(300, 420))
    photo[10:150, 20:160] = 200.0
    photo[160:296, 250:400] = 90.0
    (top, left), other = sorted(lattice.flat_areas(photo))
    # The areas lie within the patches, up to the blur of their borders.
    assert 5 <= top <= 27 and 15 <= left <= 37
    assert 155 <= other[0] <= 173 and 245 <= other[1] <= 277
    assert len(lattice.flat_areas(photo, count=9)) == 2


def test_a_busy_or_small_photo_has_no_flat_area() -> None:
    assert lattice.flat_areas(gray(noise())) == []
    assert lattice.flat_areas(np.zeros((100, 300, 3))) == []
    assert lattice.everywhere(np.zeros((100, 300, 3))) == []


def test_a_picture_without_detail_has_no_lattice() -> None:
    assert found(np.full((256, 256), 77.0)) == 0.0
