"""Masks: reading, checking and fitting them to a photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastnst import errors, planes
from fastnst.controls import masks


def test_masks_are_read_as_brightness_and_those_of_one_style_are_added(tmp_path: Path) -> None:
    half = np.zeros((10, 20), np.uint8)
    half[:, :10] = 255
    Image.fromarray(half).save(tmp_path / "left=half.png")
    Image.fromarray(255 - half).resize((40, 20), Image.Resampling.NEAREST).save(tmp_path / "b.png")
    clear = Image.new("RGBA", (20, 10), (255, 255, 255, 51))
    # The content decides, not the extension.
    clear.save(tmp_path / "clear.txt", "PNG")
    left, right, faint = (f"{tmp_path}/{name}" for name in ("left=half.png", "b.png", "clear.txt"))
    read = masks.read_all([f"{left}=wave:0.6,ink:0.4", f"{faint} = photo", f"{right}=wave"])
    assert list(read) == ["wave:0.6,ink:0.4", "photo", "wave"]
    np.testing.assert_allclose(read["wave:0.6,ink:0.4"], half / 255.0, atol=1e-6)
    np.testing.assert_allclose(read["photo"], 0.2, atol=1e-6)
    both = masks.read_all([f"{left}=wave", f"{right}=wave"])["wave"]
    assert both.shape == (20, 40)
    np.testing.assert_allclose(both[:, [5, 35]], 1.0, atol=1e-3)


@pytest.mark.parametrize("text", ["sky.png", "=wave", "sky.png=", ""])
def test_a_mask_without_file_or_style_is_refused(text: str) -> None:
    with pytest.raises(errors.UserError, match=r"^mask .*: should be MASK\.png=STYLE"):
        masks.read_all([text])


def test_a_mask_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "sky.png").write_text("no picture")
    with pytest.raises(errors.UserError, match=r"sky\.png: not an image"):
        masks.read_all([f"{tmp_path}/sky.png=wave"])
    with pytest.raises(errors.UserError, match=r"sk\.png: no such file; did you mean"):
        masks.read_all([f"{tmp_path}/sk.png=wave"])


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((3, 4, 3)), r"should have the shape \[H, W\], not \(3, 4, 3\)"),
        (np.zeros((0, 4)), r"should have the shape \[H, W\]"),
        (np.full((3, 4), 2.0), "from 0 to 1, found values from 2 to 2"),
        (np.full((3, 4), np.nan), "from 0 to 1, found"),
        (np.full((3, 4), "a"), "should hold numbers"),
    ],
)
def test_another_array_is_refused(mask: np.ndarray, message: str) -> None:
    with pytest.raises(errors.UserError, match=f"^mask of wave: .*{message}"):
        masks.check(mask, "wave")


def test_bytes_booleans_and_floats_are_the_same_mask() -> None:
    for mask in (np.uint8([[0, 255]]), np.array([[False, True]]), np.array([[0.0, 1.0]])):
        np.testing.assert_array_equal(masks.check(mask, "wave"), [[0.0, 1.0]])


def shares_and_covered(plan: masks.Plan, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    shares, covered = plan.shares(height, width), plan.covered(height, width)
    assert shares.shape == (1, height, width, len(plan.styles))
    assert covered.shape == (1, height, width, 1)
    return planes.whole(shares)[0], planes.whole(covered)[0, ..., 0]


def test_the_photo_stays_where_the_masks_leave_room() -> None:
    given = {"wave": np.float32([[0.0, 0.2, 1.0, 1.0]]), "ink": np.float32([[0.0, 0.2, 0.0, 1.0]])}
    plan = masks.fit(given, None, 1, 4)
    assert plan.styles == ("wave", "ink")
    shares, covered = shares_and_covered(plan, 1, 4)
    np.testing.assert_allclose(covered, [[0.0, 0.4, 1.0, 1.0]], atol=1e-6)
    np.testing.assert_allclose(shares[0, 1:, 0], [0.5, 1.0, 0.5], atol=0.002)
    np.testing.assert_allclose(shares.sum(-1), 1.0, atol=1e-6)
    # Where nothing is painted: the mean of the masks, 0.2 + 1 + 0.5 to 0.2 + 0 + 0.5.
    assert shares[0, 0, 0] == pytest.approx(1.7 / 2.4, abs=0.001)


def test_a_style_for_the_rest_covers_everything_but_the_photos_mask() -> None:
    given = {
        "photo": np.float32([[1.0, 0.5, 0.0, 0.0]]),
        "wave": np.float32([[0.0, 0.0, 0.0, 1.0]]),
    }
    plan = masks.fit(given, "ink", 1, 4)
    assert plan.styles == ("wave", "ink")
    shares, covered = shares_and_covered(plan, 1, 4)
    np.testing.assert_allclose(covered, [[0.0, 0.5, 1.0, 1.0]], atol=1e-6)
    np.testing.assert_allclose(shares[0, 1:, 1], [1.0, 1.0, 0.0], atol=0.002)
    # The rest may have the style of a mask.
    assert masks.fit(given, "wave", 1, 4).styles == ("wave",)


def test_masks_are_scaled_to_the_photo_and_keep_soft_edges() -> None:
    ramp = np.tile(np.linspace(0, 1, 40, dtype=np.float32), (20, 1))
    plan = masks.fit({"wave": ramp, "ink": 1 - ramp[::2, ::2]}, None, 100, 200)
    shares, _ = shares_and_covered(plan, 100, 200)
    np.testing.assert_allclose(shares[50, :, 0], np.linspace(0, 1, 200), atol=0.03)
    small, _ = shares_and_covered(plan, 10, 20)
    assert small.shape == (10, 20, 2)
    np.testing.assert_allclose(small.sum(-1), 1.0, atol=1e-6)
    np.testing.assert_allclose(small[5, :, 0], np.linspace(0.02, 0.98, 20), atol=0.03)


def test_a_mask_of_another_aspect_ratio_is_refused() -> None:
    with pytest.raises(
        errors.UserError, match=r"^mask of wave: 20 x 10 pixels, but the photo has "
    ):
        masks.fit({"wave": np.zeros((10, 20))}, None, 100, 100)
    # A thumbnail's rounded sides are accepted.
    masks.fit({"wave": np.zeros((75, 100))}, None, 301, 403)
    masks.fit({"wave": np.zeros((67, 100))}, None, 427, 640)
