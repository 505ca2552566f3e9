"""All controls together, around functions that stand for networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnst import controls, errors, planes
from fastnst.controls import rendering
from fastnst.controls.rendering import Painter

Paint = Callable[[np.ndarray, str | None, float | None], np.ndarray]
LEVELS = {"dark": 40.0, "light": 200.0, None: 120.0}


def level(photos: np.ndarray, style: str | None, strength: float | None) -> np.ndarray:
    """Paints everything in one level, which depends on the style."""
    share = 1.0 if strength is None else strength
    return photos + share * (np.float32(LEVELS[style]) - photos)


def painter_of(paint: Paint, *styles: str, first: str | None = None) -> Painter:
    def paint_pixels(photos: planes.Pixels, *choices: Any) -> planes.Pixels:
        return planes.Plane(paint(planes.whole(photos), *choices))

    return Painter(paint_pixels, styles, first)


PAINTER = painter_of(level, "dark", "light")
PHOTOS = np.full((2, 20, 40, 3), 100, np.float32)
LEFT = np.zeros((20, 40), np.float32)
LEFT[:, :20] = 1.0


def render(
    photos: np.ndarray = PHOTOS, painter: Painter = PAINTER, **choices: object
) -> np.ndarray:
    chosen = controls.Controls(**choices)  # type: ignore[arg-type]
    return planes.whole(rendering.render(painter, planes.Plane(photos), chosen))


def halves(painted: np.ndarray) -> tuple[float, float]:
    """The levels of the left and of the right half, which must be uniform."""
    values = painted[..., 2:18, :], painted[..., 22:38, :]
    assert all(np.ptp(half) < 0.3 for half in values)
    return tuple(round(float(half.mean()), 1) for half in values)  # type: ignore[return-value]


def test_without_controls_the_network_paints_the_photos_themselves() -> None:
    given: list[np.ndarray] = []

    def paint(photos: np.ndarray, style: str | None, strength: float | None) -> np.ndarray:
        assert (style, strength) == (None, None)
        given.append(photos)
        return photos

    found = render(painter=painter_of(paint, "a"))
    # Nothing is copied.
    assert len(given) == 1 and all(np.shares_memory(each, PHOTOS) for each in (*given, found))


def test_masks_paint_their_styles_and_leave_the_photo_elsewhere() -> None:
    assert halves(render(masks={"light": LEFT})) == (200, 100)
    assert halves(render(masks={"light": LEFT, "dark": 1 - LEFT})) == (200, 40)
    assert halves(render(masks={"light": 0.25 * LEFT})) == (125, 100)
    assert halves(render(masks={"light": LEFT, "dark": 0.5 * (1 - LEFT)})) == (200, 70)
    # Shares above 1 are scaled.
    assert halves(render(masks={"light": LEFT, "dark": LEFT})) == (120, 100)


def test_a_style_paints_the_rest_and_a_mask_may_keep_the_photo() -> None:
    assert halves(render(style="dark", masks={"light": LEFT})) == (200, 40)
    assert halves(render(style="dark", masks={"photo": LEFT})) == (100, 40)
    # A mask of the photo alone makes sense only if the rest is painted.
    assert halves(render(masks={"photo": LEFT})) == (100, 40)
    painter = painter_of(level, "dark", "light", first="light")
    assert halves(render(painter=painter, masks={"photo": LEFT})) == (100, 200)
    assert halves(render(masks={"light": np.zeros((20, 40))})) == (100, 100)


def test_the_strength_applies_in_masks_too() -> None:
    painted = render(strength=0.5, masks={"light": LEFT, "dark": 1 - LEFT})
    assert halves(painted) == (150, 70)


def test_the_colors_are_those_of_the_photo_where_it_is_painted() -> None:
    photo = np.full((1, 20, 40, 3), 100, np.float32)
    photo[..., 0] += 30
    painted = render(photo, masks={"light": LEFT}, colors="photo")
    # Only the mean of the painted part counts, so it becomes the photo's.
    np.testing.assert_allclose(painted, photo, atol=0.1)
    assert np.ptp(render(photo, colors="style")[0, 0, 0]) == 0
    mixed = render(photo, style="dark", colors=0.5)
    expected = 0.5 * 40 + 0.5 * photo[0, 0, 0]
    np.testing.assert_allclose(mixed[0, 5, 5], expected, atol=0.1)


def test_grain_is_the_same_for_a_seed_in_every_photo_of_a_batch() -> None:
    def paint(photos: np.ndarray, style: str | None, strength: float | None) -> np.ndarray:
        return photos

    painter = painter_of(paint, "a")
    first, again, other = (render(painter=painter, grain=8, seed=seed) for seed in (None, 0, 1))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[0], first[1])
    assert np.abs(first - other).mean() > 3
    assert (first - PHOTOS).std() == pytest.approx(8, abs=2)
    assert np.shares_memory(render(painter=painter, grain=0, seed=1), PHOTOS)


def test_every_pass_of_large_strokes_has_grain_and_masks_in_its_size() -> None:
    sizes: list[tuple[int, ...]] = []

    def paint(photos: np.ndarray, style: str | None, strength: float | None) -> np.ndarray:
        sizes.append(photos.shape[1:3])
        assert photos.std() > 1
        return level(photos, style, strength)

    photos = np.full((1, 60, 120, 3), 100, np.float32)
    mask = np.repeat(np.repeat(LEFT, 3, 0), 3, 1)
    painted = render(
        photos,
        painter_of(paint, "dark"),
        stroke=2,
        grain=8,
        masks={"light": mask, "dark": 1 - mask},
    )
    assert sizes == [(30, 60), (30, 60), (60, 120), (60, 120)]
    assert painted[0, 30, 10, 0] == pytest.approx(200, abs=1)
    assert painted[0, 30, 110, 0] == pytest.approx(40, abs=1)


def test_large_photos_have_large_strokes_unless_1_is_chosen() -> None:
    sizes: list[tuple[int, ...]] = []

    def paint(photos: np.ndarray, style: str | None, strength: float | None) -> np.ndarray:
        sizes.append(photos.shape[1:3])
        return photos

    large = np.zeros((1, 700, 720, 3), np.float32)
    for stroke in (None, "auto", 1):
        render(large, painter_of(paint, "a"), stroke=stroke)
    assert sizes == [(448, 461), (700, 720)] * 2 + [(700, 720)]


def test_a_mask_that_does_not_fit_is_the_users_error() -> None:
    with pytest.raises(errors.UserError, match=r"^mask of light: 40 x 40 pixels, but the photo"):
        render(masks={"light": np.zeros((40, 40))})


@pytest.mark.parametrize(
    "choices",
    [
        {"grain": 8.0, "seed": 3},
        {"style": "dark", "stroke": 3},
        {"masks": {"light": LEFT, "dark": 0.5 * (1 - LEFT)}, "stroke": 2, "colors": "match"},
        {"masks": {"light": LEFT}, "colors": 0.5, "grain": 5.0},
    ],
    ids=str,
)
def test_a_picture_rendered_in_parts_and_files_is_the_same(
    choices: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def soften(photos: np.ndarray, style: str | None, strength: float | None) -> np.ndarray:
        return 0.5 * photos + 0.5 * level(photos, style, strength)

    photos = np.random.default_rng(0).uniform(0, 255, (1, 100, 200, 3)).astype(np.float32)
    expected = render(photos, painter_of(soften, "dark", "light"), **choices)
    monkeypatch.setattr(planes, "_AT_ONCE", 1500)
    workspace = planes.Workspace(tmp_path)
    result = rendering.render(
        painter_of(soften, "dark", "light"),
        planes.Plane(photos),
        controls.Controls(**choices),
        workspace,
    )
    found = np.concatenate([result.read(*part) for part in planes.bands(result)], axis=1)
    # Pictures in between have half precision.
    np.testing.assert_allclose(found, expected, atol=0.3)


def test_the_pixels_to_paint_are_those_of_all_passes_and_styles() -> None:
    def pixels(**choices: Any) -> int:
        return rendering.pixels_to_paint(PAINTER, 60, 120, controls.Controls(**choices))

    assert pixels() == 60 * 120
    assert pixels(stroke=2) == 30 * 60 + 60 * 120
    mask = np.repeat(np.repeat(LEFT, 3, 0), 3, 1)
    assert pixels(masks={"light": mask}) == 60 * 120
    assert pixels(style="dark", masks={"light": mask}) == 2 * 60 * 120
