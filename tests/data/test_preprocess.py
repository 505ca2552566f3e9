"""Decoding, scaling and cropping in the graph."""

from __future__ import annotations

import made
import numpy as np
import pytest
import tensorflow as tf

from fastnst import images
from fastnst.data import preprocess

SIZE = 8
# The `random` of a crop: row, column, scale, flip.
FIRST = (0.0, 0.0, 0.9, 0.9)


@tf.function
def decode(data: tf.Tensor) -> tf.Tensor:
    return preprocess.decode(data)


@tf.function
def crop_in_graph(data: tf.Tensor, random: tf.Tensor) -> tf.Tensor:
    return preprocess.crop(data, SIZE, random)


def crop(data: bytes, random: tuple[float, ...] = FIRST) -> np.ndarray:
    cut = crop_in_graph(tf.constant(data), tf.constant(random))
    assert cut.dtype == tf.uint8
    return cut.numpy()


def smooth(height: int, width: int) -> np.ndarray:
    """A gradient, which JPEG keeps to within a few levels."""
    y, x = np.mgrid[:height, :width]
    return np.stack([y * 200 // height, x * 200 // width, 100 + 0 * x], -1).astype(np.uint8)


@pytest.mark.parametrize("name", made.odd_photos())
def test_every_kind_of_photo_has_the_right_colors(name: str) -> None:
    data, color = made.odd_photos()[name]
    for cut in (crop(data), preprocess.original(decode(data), SIZE).numpy()):
        assert cut.shape == (SIZE, SIZE, 3)
        assert np.abs(cut.astype(float) - color).max() <= 4


@pytest.mark.parametrize("data", made.broken_photos().values(), ids=made.broken_photos())
def test_a_photo_that_cannot_be_decoded_raises_an_error(data: bytes) -> None:
    with pytest.raises(tf.errors.OpError):
        crop(data)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("endian", ["<", ">"])
def test_a_jpeg_is_rotated_by_its_exif_orientation(orientation: int, endian: str) -> None:
    with_jfif = made.turned_jpeg(smooth(24, 30), orientation, endian)
    assert with_jfif[2:11] == b"\xff\xe0\x00\x10JFIF\x00"
    for data in (with_jfif, with_jfif[:2] + with_jfif[20:]):
        upright = images.decode(data)
        assert (upright.shape == (24, 30, 3)) == (orientation <= 4)
        np.testing.assert_allclose(decode(data).numpy(), upright, atol=8)


def test_a_square_is_cropped_without_resampling() -> None:
    photo = made.noise(0, 15, 20)  # 15 < 2 * 8: no smaller scale fits.
    data = made.encode(photo)
    np.testing.assert_array_equal(crop(data), photo[:8, :8])
    # The last of 15 - 8 + 1 = 8 rows and of 20 - 8 + 1 = 13 columns.
    np.testing.assert_array_equal(crop(data, (0.9999999, 0.9999999, 0.9, 0.9)), photo[7:, 12:])
    # Row 8 / 2 = 4, column floor(13 / 2) = 6, flipped.
    np.testing.assert_array_equal(crop(data, (0.5, 0.5, 0.9, 0.1)), photo[4:12, 6:14][:, ::-1])


def test_a_photo_of_twice_the_size_is_halved_or_kept() -> None:
    photo = made.noise(0, 16, 16)
    halved = photo.reshape(8, 2, 8, 2, 3).mean((1, 3))
    data = made.encode(photo)
    np.testing.assert_allclose(crop(data), halved, atol=0.51)
    np.testing.assert_array_equal(crop(data, (0.0, 0.0, 0.1, 0.9)), photo[:8, :8])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_photo_of_too_many_pixels_is_not_decoded(kind: str) -> None:
    data = tf.constant(made.encode(made.noise(0, 20, 30), kind))
    random = tf.constant([0.0, 0.0, 0.9, 0.9])
    cropped = tf.function(preprocess.crop)
    assert cropped(data, 16, random, 600).shape == (16, 16, 3)
    with pytest.raises(tf.errors.OpError):
        cropped(data, 16, random, 599)
    assert tf.function(preprocess.decode)(data, 599).shape == (0, 0, 3)


def test_the_smallest_scale_is_one_eighth() -> None:
    for side, ratio in ((31, 2), (32, 4), (63, 4), (64, 8), (500, 8)):
        photo = smooth(side, side)
        square = photo[: 8 * ratio, : 8 * ratio]
        means = square.reshape(8, ratio, 8, ratio, 3).mean((1, 3))
        np.testing.assert_allclose(crop(made.encode(photo)), means, atol=0.51)
        jpeg = made.encode(photo, "JPEG", quality=100, subsampling=0)
        np.testing.assert_allclose(crop(jpeg), means, atol=4)


def test_jpegs_are_cropped_like_other_files() -> None:
    photo = smooth(40, 72)
    jpeg = made.encode(photo, "JPEG", quality=100, subsampling=0)
    for random in np.random.default_rng(0).uniform(size=(8, 4)).astype(np.float32):
        here = crop(jpeg, tuple(random))
        np.testing.assert_allclose(here, crop(made.encode(photo), tuple(random)), atol=4)
        plain = preprocess.crop_jpeg(tf.constant(jpeg), SIZE, tf.constant(random))
        np.testing.assert_array_equal(here, plain.numpy())
        pixels = preprocess.crop_pixels(tf.constant(photo), SIZE, tf.constant(random))
        np.testing.assert_allclose(here, pixels.numpy(), atol=4)


def test_a_smaller_photo_is_enlarged() -> None:
    photo = np.zeros((4, 6, 3), np.uint8)
    photo[:, 2:] = 200
    jpeg = made.encode(photo, "JPEG", quality=100, subsampling=0)
    for data in (made.encode(photo), jpeg):
        # The first four of the six columns, twice as wide, with half-pixel centers.
        expected = np.array([0, 0, 0, 50, 150, 200, 200, 200])[:, np.newaxis]
        np.testing.assert_allclose(crop(data), np.broadcast_to(expected, (8, 8, 3)), atol=4)


def test_a_photo_of_one_pixel_fills_the_square() -> None:
    assert (crop(made.encode(made.flat(1, 1))) == made.ORANGE).all()


def legacy(photo: np.ndarray, size: int) -> np.ndarray:
    """The original's preprocessing in NumPy: output pixel i samples at i * in / out."""
    height, width = photo.shape[:2]
    scale = max(size / height, size / width)
    new = [round(height * scale), round(width * scale)]  # Python also rounds half to even.
    taps = []
    for old, scaled in zip((height, width), new, strict=True):
        at = np.arange(scaled, dtype=np.float32) * np.float32(old / scaled)
        low = at.astype(int)
        taps.append((low, np.minimum(low + 1, old - 1), at - low))
    (top, bottom, down), (left, right, across) = taps
    pixels = photo.astype(np.float32)
    rows = pixels[top] + (pixels[bottom] - pixels[top]) * down[:, None, None]
    image = rows[:, left] + (rows[:, right] - rows[:, left]) * across[:, None]
    y, x = (new[0] - size) // 2, (new[1] - size) // 2
    return image[y : y + size, x : x + size]


@pytest.mark.parametrize("shape", [(37, 23), (23, 37), (5, 7), (8, 8), (16, 40), (8, 21)])
def test_original_matches_the_original_programs_preprocessing(shape: tuple[int, int]) -> None:
    photo = made.noise(3, *shape)
    image = preprocess.original(tf.constant(photo), SIZE)
    assert image.dtype == tf.float32
    np.testing.assert_allclose(image.numpy(), legacy(photo, SIZE), atol=1e-3)


@pytest.mark.parametrize("random", [(0.3, 0.9, 0.0), (0.3, 0.9, 0.33)])
def test_a_third_of_the_squares_are_not_enlarged(random: tuple[float, ...]) -> None:
    square = tf.constant(made.noise(0, 12, 12))
    np.testing.assert_array_equal(preprocess.enlarge(square, 3.0, tf.constant(random)), square)


def test_a_part_is_enlarged_by_up_to_the_largest_factor() -> None:
    square = made.noise(0, 12, 12)
    # A factor of almost 3: the part has 4 pixels, in the last of 12 - 4 + 1 rows and columns.
    large = preprocess.enlarge(tf.constant(square), 3.0, tf.constant([0.9999, 0.9999, 0.9999]))
    expected = tf.image.resize(square[8:, 8:], [12, 12])
    np.testing.assert_allclose(large, expected, atol=0.51)
    # Halfway between the unchanged third and the largest factor: the root, 1.73, and 7 pixels.
    large = preprocess.enlarge(tf.constant(square), 3.0, tf.constant([0.0, 0.0, 2 / 3]))
    np.testing.assert_allclose(large, tf.image.resize(square[:7, :7], [12, 12]), atol=0.51)


def test_original_equals_the_resize_of_tensorflow_1() -> None:
    photo = made.noise(4, 37, 23)
    # 37 * 8 / 23 = 12.87 -> 13; offset (13 - 8) // 2 = 2.
    resized = tf.compat.v1.image.resize_bilinear(photo[np.newaxis], [13, 8])[0]
    np.testing.assert_array_equal(preprocess.original(tf.constant(photo), 8), resized[2:10])


def test_sizes_are_rounded_half_to_even() -> None:
    # 21 * 4 / 8 = 10.5 -> 10, not 11: the offset is (10 - 4) // 2 = 3, and columns are 2.1 apart.
    photo = np.repeat(np.arange(21, dtype=np.uint8)[np.newaxis, :, np.newaxis], 3, 2).repeat(8, 0)
    row = preprocess.original(tf.constant(photo), 4).numpy()[0, :, 0]
    np.testing.assert_allclose(row, [6.3, 8.4, 10.5, 12.6], atol=1e-5)
