"""Decodes, scales and crops photos to squares, inside the TensorFlow graph.

`crop` is the one to train with: a random square that is never resampled except by averaging.
`original` reproduces the preprocessing of the original program exactly.
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from fastnst import errors, formats, images

# The factors by which libjpeg can scale down while it decodes.
_RATIOS = (1, 2, 4, 8)
_CMYK = 4

# The Exif block comes first or after an 18-byte JFIF block, and its tags precede its thumbnails.
_HEAD = 4096
# Matches an orientation tag (0x0112, a short, one value, in either byte order) other than 1.
# `\C` is any byte, because the data are not UTF-8. Without an Exif block the match fails at once.
_TURNED = (
    r"\C{2}(\C{18})?\C{4}Exif\x00\x00\C*("
    r"\x12\x01\x03\x00\x01\x00\x00\x00[\x02-\x08]|"
    r"\x01\x12\x00\x03\x00\x00\x00\x01\x00[\x02-\x08])\C*"
)


def crop(
    data: tf.Tensor,
    image_size: int,
    random: tf.Tensor,
    max_pixels: int = formats.MAX_PIXELS,
) -> tf.Tensor:
    """Decodes a random square of an image file of any format and color mode.

    The photo is scaled by 1, 1/2, 1/4 or 1/8, which a JPEG decoder does at no extra cost. Then a
    square of `image_size` is cropped and flipped at random. The scale is the smallest at which
    the shorter side still has `image_size` pixels or, with probability 1/2, the next larger one.
    The square therefore spans between half and all of the shorter side, or between a quarter and
    half. No pixel is interpolated, unless the photo is smaller than the square: then the photo's
    largest square is enlarged.

    Args:
        data: The image file, a string scalar.
        image_size: Height and width of the result.
        random: float32 [4], uniform in [0, 1), for row, column, scale and flip.
        max_pixels: The most pixels of the photo. Decoding a larger one fails.

    Returns:
        uint8 [image_size, image_size, 3].
    """
    square = tf.cond(
        _is_upright_jpeg(data, max_pixels),
        lambda: _cut_jpeg(data, image_size, random),
        lambda: _cut(_decode_any(data, max_pixels), image_size, random),
    )
    return _finish(square, image_size, random)


def crop_jpeg(data: tf.Tensor, image_size: int, random: tf.Tensor) -> tf.Tensor:
    """Does the same as `crop`, faster, for data known to be an upright grayscale or RGB JPEG."""
    return _finish(_cut_jpeg(data, image_size, random), image_size, random)


def crop_pixels(image: tf.Tensor, image_size: int, random: tf.Tensor) -> tf.Tensor:
    """Does the same as `crop` for a decoded photo, uint8 [H, W, 3]."""
    return _finish(_cut(image, image_size, random), image_size, random)


def enlarge(square: tf.Tensor, most: float, random: tf.Tensor) -> tf.Tensor:
    """Enlarges a random part of a square to the size of the whole, by a random factor.

    Photos to train on are small, so their areas are busier than those of the large photos that the
    network will stylize. A third of the squares are returned unchanged; the logarithms of the other
    factors are uniform.

    Args:
        square: uint8 [H, H, 3].
        most: The largest factor, from 1.
        random: float32 [3], uniform in [0, 1), for row, column and factor.

    Returns:
        uint8 [H, H, 3].
    """
    size = square.shape[0]
    factor = tf.pow(float(most), tf.maximum(1.5 * random[2] - 0.5, 0.0))
    side = tf.cast(tf.round(size / factor), tf.int32)
    room = size - side
    # float32 may round the product up.
    corner = tf.minimum(tf.cast(random[:2] * tf.cast(room + 1, tf.float32), tf.int32), room)
    part = tf.slice(square, [corner[0], corner[1], 0], [side, side, 3])
    return tf.ensure_shape(_round(tf.image.resize(part, [size, size])), square.shape)


def original(image: tf.Tensor, image_size: int) -> tf.Tensor:
    """Scales and crops a photo as the original program did.

    The shorter side becomes `image_size` by bilinear interpolation as in TensorFlow 1 (corners at
    the origin, no antialiasing), with sizes rounded half to even. The center is cropped, with the
    offset rounded down.

    Args:
        image: uint8 [H, W, 3].
        image_size: Height and width of the result.

    Returns:
        float32 [image_size, image_size, 3] in [0, 255].
    """
    size = tf.cast(tf.shape(image)[:2], tf.float32)
    scale = tf.reduce_max(tf.cast(image_size, tf.float32) / size)
    scaled = tf.cast(tf.round(size * scale), tf.int32)
    image = tf.raw_ops.ResizeBilinear(
        images=image[tf.newaxis], size=scaled, align_corners=False, half_pixel_centers=False
    )[0]
    offset = (scaled - image_size) // 2
    image = tf.slice(image, [offset[0], offset[1], 0], [image_size, image_size, 3])
    return tf.ensure_shape(image, [image_size, image_size, 3])


def decode(data: tf.Tensor, max_pixels: int = formats.MAX_PIXELS) -> tf.Tensor:
    """Decodes an image file of any format and color mode to upright uint8 RGB [H, W, 3].

    One of more than `max_pixels` becomes an empty image.
    """
    return tf.cond(
        _is_upright_jpeg(data, max_pixels),
        lambda: tf.io.decode_jpeg(data, channels=3),
        lambda: _decode_any(data, max_pixels),
    )


def _is_upright_jpeg(data: tf.Tensor, max_pixels: int) -> tf.Tensor:
    """Returns whether TensorFlow's own JPEG decoder gives the right colors and orientation."""
    jpeg = tf.strings.substr(data, 0, 2) == b"\xff\xd8"
    turned = tf.strings.regex_full_match(tf.strings.substr(data, 0, _HEAD), _TURNED)

    def is_plain() -> tf.Tensor:
        shape = tf.cast(tf.io.extract_jpeg_shape(data), tf.int64)
        # Others, which Python decodes, are refused there.
        return (shape[2] != _CMYK) & (shape[0] * shape[1] <= max_pixels)

    return tf.cond(jpeg & ~turned, is_plain, lambda: False)


def _window(
    size: tf.Tensor, image_size: int, random: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Chooses the square to crop from a photo of size (height, width).

    Returns:
        The scale, as an index into `_RATIOS`; the square's top left corner (row, column); and
        its side. Corner and side are in pixels of the scaled photo.
    """
    side = tf.reduce_min(size)
    smallest = tf.reduce_sum(tf.cast(side // _RATIOS[1:] >= image_size, tf.int32))
    scale = tf.maximum(smallest - tf.cast(random[2] < 0.5, tf.int32), 0)
    ratio = tf.gather(_RATIOS, scale)
    scaled = (size + ratio - 1) // ratio  # libjpeg rounds up.
    square = tf.minimum(side, image_size)
    room = scaled - square
    corner = tf.cast(random[:2] * tf.cast(room + 1, tf.float32), tf.int32)
    # float32 may round the product up.
    return scale, tf.minimum(corner, room), square


def _cut_jpeg(data: tf.Tensor, image_size: int, random: tf.Tensor) -> tf.Tensor:
    """Decodes only the square of a JPEG, at the chosen scale."""
    size = tf.io.extract_jpeg_shape(data)[:2]
    scale, corner, square = _window(size, image_size, random)
    window = tf.concat([corner, [square, square]], 0)
    return tf.switch_case(
        scale, [functools.partial(_decode_at, data, window, ratio) for ratio in _RATIOS]
    )


def _decode_at(data: tf.Tensor, window: tf.Tensor, ratio: int) -> tf.Tensor:
    # INTEGER_FAST is no faster on current CPUs, and off by up to 8 levels.
    return tf.image.decode_and_crop_jpeg(
        data, window, channels=3, ratio=ratio, dct_method="INTEGER_ACCURATE"
    )


def _decode_any(data: tf.Tensor, max_pixels: int) -> tf.Tensor:
    """Decodes in Python the formats and modes that TensorFlow decodes wrongly or not at all."""
    decode = functools.partial(_pixels_or_nothing, max_pixels)
    image = tf.numpy_function(decode, [data], tf.uint8, stateful=False)
    image.set_shape([None, None, 3])
    return image


def _pixels_or_nothing(max_pixels: int, data: bytes) -> np.ndarray:
    try:
        return images.flattened(images.decode_picture(data, max_pixels=max_pixels))
    except errors.UserError:
        # An exception would be logged with its traceback for each such photo in each epoch. An
        # empty image makes the crop fail, which skips the photo just as well.
        return np.zeros([0, 0, 3], np.uint8)


def _cut(image: tf.Tensor, image_size: int, random: tf.Tensor) -> tf.Tensor:
    """Crops and scales down decoded pixels, as the JPEG decoder does while it decodes."""
    size = tf.shape(image)[:2]
    scale, corner, square = _window(size, image_size, random)
    ratio = tf.gather(_RATIOS, scale)
    square *= ratio
    corner = tf.minimum(corner * ratio, size - square)
    image = tf.slice(image, [corner[0], corner[1], 0], [square, square, 3])

    def mean() -> tf.Tensor:
        # Over blocks of 2x2, 4x4 or 8x8 pixels.
        return _round(tf.image.resize(image, [image_size, image_size], "area"))

    return tf.cond(scale > 0, mean, lambda: image)


def _finish(square: tf.Tensor, image_size: int, random: tf.Tensor) -> tf.Tensor:
    """Flips a square at random and enlarges it if it is too small."""
    square = tf.cond(random[3] < 0.5, lambda: tf.reverse(square, [1]), lambda: square)
    square = tf.cond(
        tf.shape(square)[0] == image_size,
        lambda: square,
        lambda: _round(tf.image.resize(square, [image_size, image_size])),
    )
    return tf.ensure_shape(square, [image_size, image_size, 3])


def _round(image: tf.Tensor) -> tf.Tensor:
    return tf.cast(image + 0.5, tf.uint8)
