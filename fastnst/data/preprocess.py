"""From the bytes of a photo to a square of float32 pixels, inside the TensorFlow graph.

Two ways lead there. `crop` is the one to train with: a random square, cut at the scale of the
pixels themselves. `original` is the preprocessing of the original program, exactly.
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from fastnst import errors, images

# What libjpeg can scale down by while it decodes.
_RATIOS = (1, 2, 4, 8)
_CMYK = 4

# The Exif block comes first, or after an 18-byte JFIF block, and its tags before its pictures.
_HEAD = 4096
# An orientation tag (0x0112, a short, one value, in either byte order) that says other than 1.
# `\C` is any byte, because a photo is no UTF-8. Without an Exif block the match ends at once.
_TURNED = (
    r"\C{2}(\C{18})?\C{4}Exif\x00\x00\C*("
    r"\x12\x01\x03\x00\x01\x00\x00\x00[\x02-\x08]|"
    r"\x01\x12\x00\x03\x00\x00\x00\x01\x00[\x02-\x08])\C*"
)


def crop(data: tf.Tensor, image_size: int, random: tf.Tensor) -> tf.Tensor:
    """Decodes a random square of an image file of any format and colour mode.

    The photo is scaled by 1, 1/2, 1/4 or 1/8, which a JPEG decoder does in passing, and a
    square of `image_size` is cut out of it, flipped or not. The scale is the smallest at which
    the shorter side still has `image_size` pixels, or, in half of the cases, the next larger
    one. So the square spans between half and all of the shorter side, or between a quarter and
    half, and no pixel is ever interpolated, unless the photo is smaller than the square: then
    its largest square is enlarged.

    Args:
        data: The image file, a string scalar.
        image_size: Height and width of the result.
        random: float32 [4], uniform in [0, 1): row, column, scale, flip.

    Returns:
        uint8 [image_size, image_size, 3].
    """
    square = tf.cond(
        _is_upright_jpeg(data),
        lambda: _cut_jpeg(data, image_size, random),
        lambda: _cut(_decode_any(data), image_size, random),
    )
    return _finish(square, image_size, random)


def crop_jpeg(data: tf.Tensor, image_size: int, random: tf.Tensor) -> tf.Tensor:
    """Does what `crop` does, at less cost, to what is known to be an upright JPEG."""
    return _finish(_cut_jpeg(data, image_size, random), image_size, random)


def crop_pixels(image: tf.Tensor, image_size: int, random: tf.Tensor) -> tf.Tensor:
    """Does what `crop` does to a photo that is decoded already, uint8 [H, W, 3]."""
    return _finish(_cut(image, image_size, random), image_size, random)


def original(image: tf.Tensor, image_size: int) -> tf.Tensor:
    """Scales and crops a photo as the original program did.

    Its shorter side becomes `image_size` by bilinear interpolation in the old manner of
    TensorFlow 1 (corners at the origin, no antialiasing), sizes rounded half to even, and the
    middle is cut out, its offset truncated.

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


def decode(data: tf.Tensor) -> tf.Tensor:
    """Decodes an image file of any format and colour mode, upright, to uint8 [H, W, 3]."""
    return tf.cond(
        _is_upright_jpeg(data),
        lambda: tf.io.decode_jpeg(data, channels=3),
        lambda: _decode_any(data),
    )


def _is_upright_jpeg(data: tf.Tensor) -> tf.Tensor:
    """Tells whether TensorFlow's JPEG decoder shows an image file as it should look."""
    jpeg = tf.strings.substr(data, 0, 2) == b"\xff\xd8"
    turned = tf.strings.regex_full_match(tf.strings.substr(data, 0, _HEAD), _TURNED)
    return tf.cond(
        tf.logical_and(jpeg, tf.logical_not(turned)),
        lambda: tf.io.extract_jpeg_shape(data)[2] != _CMYK,
        lambda: False,
    )


def _window(
    size: tf.Tensor, image_size: int, random: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Chooses the square of a photo of some (height, width).

    Returns:
        The scale, as an index into `_RATIOS`; and the corner (row, column) and the side of the
        square, in pixels of the scaled photo.
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
    """Decodes no more of a JPEG than the square, at the scale that is wanted."""
    size = tf.io.extract_jpeg_shape(data)[:2]
    scale, corner, square = _window(size, image_size, random)
    window = tf.concat([corner, [square, square]], 0)
    return tf.switch_case(
        scale, [functools.partial(_decode_at, data, window, ratio) for ratio in _RATIOS]
    )


def _decode_at(data: tf.Tensor, window: tf.Tensor, ratio: int) -> tf.Tensor:
    # The faster method is no faster on today's processors, and wrong by up to 8 levels.
    return tf.image.decode_and_crop_jpeg(
        data, window, channels=3, ratio=ratio, dct_method="INTEGER_ACCURATE"
    )


def _decode_any(data: tf.Tensor) -> tf.Tensor:
    """Decodes outside the graph what the graph cannot read, or not as it should look."""
    image = tf.numpy_function(_pixels_or_nothing, [data], tf.uint8, stateful=False)
    image.set_shape([None, None, 3])
    return image


def _pixels_or_nothing(data: bytes) -> np.ndarray:
    try:
        return images.decode(data)
    except errors.UserError:
        # An exception would be written to the log, traceback and all, for each photo and epoch;
        # nothing can be cut out of no pixels, which drops the photo just as well.
        return np.zeros([0, 0, 3], np.uint8)


def _cut(image: tf.Tensor, image_size: int, random: tf.Tensor) -> tf.Tensor:
    """Does to decoded pixels what the JPEG decoder does in passing: cuts and scales down."""
    size = tf.shape(image)[:2]
    scale, corner, square = _window(size, image_size, random)
    ratio = tf.gather(_RATIOS, scale)
    square *= ratio
    corner = tf.minimum(corner * ratio, size - square)
    image = tf.slice(image, [corner[0], corner[1], 0], [square, square, 3])

    def mean() -> tf.Tensor:
        # Over each 2x2, 4x4 or 8x8 pixels.
        return _round(tf.image.resize(image, [image_size, image_size], "area"))

    return tf.cond(scale > 0, mean, lambda: image)


def _finish(square: tf.Tensor, image_size: int, random: tf.Tensor) -> tf.Tensor:
    """Flips a square or not, and enlarges one that is too small."""
    square = tf.cond(random[3] < 0.5, lambda: tf.reverse(square, [1]), lambda: square)
    square = tf.cond(
        tf.shape(square)[0] == image_size,
        lambda: square,
        lambda: _round(tf.image.resize(square, [image_size, image_size])),
    )
    return tf.ensure_shape(square, [image_size, image_size, 3])


def _round(image: tf.Tensor) -> tf.Tensor:
    return tf.cast(image + 0.5, tf.uint8)
