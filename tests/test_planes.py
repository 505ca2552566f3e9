"""Pictures that are read in parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst import images, planes

ALL = slice(0, 5), slice(0, 7)
PART = slice(1, 3), slice(2, 6)


def draw(height: int, width: int, channels: int = 3, count: int = 2) -> np.ndarray:
    shape = count, height, width, channels
    return np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float32, tf.bfloat16.as_numpy_dtype, np.uint8])
@pytest.mark.parametrize("in_file", [False, True])
def test_parts_are_read_as_they_were_written(tmp_path: Path, dtype: type, in_file: bool) -> None:
    plane: planes.AnyPlane
    if in_file:
        plane = planes.FilePlane(tmp_path / "plane", (2, 5, 7, 3), dtype)
    else:
        plane = planes.Plane(np.empty((2, 5, 7, 3), dtype))
    values = draw(5, 7).astype(dtype)
    plane.write(slice(0, 5), slice(0, 4), values[:, :, :4])
    plane.write(slice(0, 5), slice(4, 7), values[:, :, 4:])
    np.testing.assert_array_equal(plane.read(*PART), values[:, 1:3, 2:6])
    plane.free()
    assert not list(tmp_path.iterdir())


def test_an_array_in_memory_is_not_copied() -> None:
    values = draw(5, 7)
    plane = planes.Plane(values)
    assert plane.shape == (2, 5, 7, 3)
    assert np.shares_memory(plane.read(*PART), values)
    plane.write(*PART, np.zeros((2, 2, 4, 3)))
    assert not values[:, 1:3, 2:6].any()


def test_a_file_has_a_header_before_its_values(tmp_path: Path) -> None:
    path = tmp_path / "plane"
    plane = planes.FilePlane(path, (1, 2, 2, 1), np.uint8, header=b"head")
    plane.write(slice(0, 2), slice(0, 2), np.full((1, 2, 2, 1), ord("x"), np.uint8))
    assert path.read_bytes() == b"headxxxx"
    opened = planes.FilePlane(path, (1, 8, 1, 1), np.uint8, exists=True)
    assert bytes(opened.read(slice(0, 8), slice(0, 1))) == b"headxxxx"


def test_combined_images_are_computed_when_they_are_read() -> None:
    one, other = draw(5, 7), np.full((1, 5, 7, 1), 2, np.uint8)
    seen = []

    def scale(values: np.ndarray, factor: np.ndarray) -> np.ndarray:
        seen.append((values.shape, factor.dtype))
        return values * factor

    scaled = planes.combined(scale, planes.Plane(one), planes.Plane(other))
    assert scaled.shape == (2, 5, 7, 3) and not seen
    np.testing.assert_array_equal(scaled.read(*PART), 2 * one[:, 1:3, 2:6])
    assert seen == [((2, 2, 4, 3), np.float32)]


@pytest.mark.parametrize("size", [(11, 31), (90, 47), (30, 40), (40, 30)])
def test_a_part_of_a_resized_image_equals_that_of_the_whole(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = draw(40, 30)
    expected = images.resize_batch(values, *size)
    found = planes.resized(planes.Plane(values), *size)
    assert found.shape == (2, *size, 3)
    for part in (
        (slice(0, size[0]), slice(0, size[1])),
        (slice(3, 10), slice(5, 21)),
        (slice(size[0] - 2, size[0]), slice(7, size[1])),
    ):
        for at_once in (2**22, 100):
            monkeypatch.setattr(planes, "_AT_ONCE", at_once)
            np.testing.assert_allclose(found.read(*part), expected[(slice(None), *part)], atol=0.01)


def test_bands_cover_all_rows_and_are_kept_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planes, "_AT_ONCE", 2 * 15)
    values = draw(5, 7)
    plane = planes.Plane(values)
    assert [part[0] for part in planes.bands(plane)] == [slice(0, 2), slice(2, 4), slice(4, 5)]
    np.testing.assert_array_equal(planes.whole(planes.Workspace().keep(plane)), values)
    kept = planes.Workspace(tmp_path).keep(plane)
    # Pictures in files have half precision.
    np.testing.assert_allclose(planes.whole(kept), values, atol=0.07)
    (path,) = tmp_path.iterdir()
    assert path.stat().st_size == 2 * values.size
