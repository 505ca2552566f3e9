"""Colors of the photo on a painting, by hand and by their statistics."""

from __future__ import annotations

import numpy as np
import pytest

from fastnst import errors, images
from fastnst.controls import colors


def draw(seed: int, low: float = 60.0, high: float = 190.0) -> np.ndarray:
    """A random picture without pure black and white, float32 [20, 30, 3]."""
    return np.random.default_rng(seed).uniform(low, high, (20, 30, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, 0.0), ("style", 0.0), ("photo", 1.0), ("0.3", 0.3), (0.3, 0.3), ("match", "match")],
)
def test_colors_are_named_or_a_share_of_the_photos(
    text: str | float | None, expected: float | str
) -> None:
    assert colors.parse(text) == expected


def recolor(
    painting: np.ndarray,
    photo: np.ndarray,
    choice: str | float,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    palettes = (colors.Palette.of(image, weights) for image in (painting, photo))
    return colors.apply(painting, photo, choice, *palettes)


@pytest.mark.parametrize("text", ["photos", "1.5", -0.1, float("nan"), ""])
def test_other_colors_are_refused_with_the_choices(text: str | float) -> None:
    with pytest.raises(errors.UserError, match=r"^colors .*: should be style, photo, match, or a"):
        colors.parse(text)


def test_the_photos_colors_keep_its_chroma_and_the_paintings_luma() -> None:
    # Two pixels. Lumas of the painting: 100 and 140; of the photo: 80 and 160. The painting's
    # deviation is below the photo's and stays; its mean, 120, is the photo's already.
    painting = np.float32([[[100, 100, 100], [140, 140, 140]]])
    photo = np.float32([[[80, 80, 80], [160, 160, 160]]])
    photo[0, 0] += [29.9, 0, -78.2]  # Luma 0.299 * 29.9 - 0.114 * 78.2 = 0.025: none.
    found = recolor(painting, photo, 1.0)
    np.testing.assert_allclose(found[0, 0], [129.9, 100, 21.8], atol=0.1)
    np.testing.assert_allclose(found[0, 1], [140, 140, 140], atol=0.1)


def test_the_luma_is_brought_to_the_mean_and_the_deviation_of_the_photos() -> None:
    painting, photo = draw(0, 20, 235), draw(1, 100, 150)
    found, wanted = (images.luma(each) for each in (recolor(painting, photo, 1.0), photo))
    assert found.mean() == pytest.approx(wanted.mean(), abs=0.1)
    assert found.std() == pytest.approx(wanted.std(), abs=0.1)
    # But not raised to it.
    found = images.luma(recolor(photo, painting, 1.0))
    assert found.std() == pytest.approx(wanted.std(), abs=0.1)
    assert found.mean() == pytest.approx(images.luma(painting).mean(), abs=0.1)


def test_a_gray_photo_makes_a_gray_painting() -> None:
    photo = np.repeat(draw(1)[..., :1], 3, axis=-1)
    found = recolor(draw(0), photo, 1.0)
    assert np.ptp(found, axis=-1).max() < 0.01
    assert found.std() > 10
    assert np.ptp(recolor(draw(0), photo, "match"), axis=-1).max() < 0.1


def test_a_number_mixes_both_and_0_is_the_painting_itself() -> None:
    painting, photo = draw(0), draw(1)
    whole = recolor(painting, photo, 1.0)
    assert recolor(painting, photo, 0.0) is painting
    expected = 0.75 * painting + 0.25 * whole
    np.testing.assert_allclose(recolor(painting, photo, 0.25), expected, atol=1e-3)


def test_matched_colors_have_the_mean_and_covariance_of_the_photos() -> None:
    photo = draw(1) @ np.float32([[0.8, 0.1, 0.0], [0.1, 0.6, 0.3], [0.0, 0.2, 0.7]])
    found = recolor(draw(0), photo, "match")
    for statistic in (
        lambda image: image.mean((0, 1)),
        lambda image: np.cov(image.reshape(-1, 3).T),
    ):
        np.testing.assert_allclose(statistic(found), statistic(photo), rtol=0.01, atol=2.0)
    # A painting of one color has no palette to match, but the photo's mean.
    flat = recolor(np.full_like(photo, 50), photo, "match")
    np.testing.assert_allclose(flat[0, 0], photo.mean((0, 1)), rtol=1e-4)


@pytest.mark.parametrize("choice", [1.0, "match"])
def test_only_weighted_pixels_count_for_the_statistics(choice: float | str) -> None:
    painting, photo = draw(0), draw(1)
    expected = recolor(painting[:, :10], photo[:, :10], choice)
    photo[:, 10:], painting[:, 10:] = 250, 3
    weights = np.zeros((20, 30), np.float32)
    weights[:, :10] = 0.5
    found = recolor(painting, photo, choice, weights)
    np.testing.assert_allclose(found[:, :10], expected, atol=0.05)


def test_the_palette_of_an_image_is_the_sum_of_its_parts() -> None:
    image, weights = draw(0), draw(1)[..., 0] / 255
    whole = colors.Palette.of(image, weights)
    halves = (colors.Palette.of(image[part], weights[part]) for part in np.s_[:7, 7:])
    both = colors.Palette.__add__(*halves)
    flat, shares = image.reshape(-1, 3), weights.reshape(-1)
    for found in (whole, both):
        np.testing.assert_allclose(found.mean, np.average(flat, 0, shares), rtol=1e-5)
        expected = np.cov(flat.T, bias=True, aweights=shares)
        np.testing.assert_allclose(found.covariance, expected, rtol=1e-4, atol=0.1)
    mean, deviation = colors.Palette.of(image).luma
    assert mean == pytest.approx(images.luma(image).mean(), rel=1e-5)
    assert deviation == pytest.approx(images.luma(image).std(), rel=1e-4)
