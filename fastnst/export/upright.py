"""Turns photos upright inside a graph, because TensorFlow's decoders ignore the Exif orientation.

A JPEG file is a list of segments: two bytes of marker and, big-endian, two of the length of the
rest. The segment APP1 of Exif contains a TIFF header, and a directory of entries of twelve bytes:
tag, type, count and value, in the byte order of the header (CIPA DC-008, 4.5 and 4.6).
"""

from __future__ import annotations

import collections.abc

import tensorflow as tf

_JPEG, _APP1, _START_OF_SCAN = 0xFFD8, 0xFFE1, 0xFFDA
_ORIENTATION = 0x0112
# Exif comes first or follows one other segment. A file of a million empty ones is not searched.
_MOST_SEGMENTS = 32
_MOST_ENTRIES = 256


def orientation(data: tf.Tensor) -> tf.Tensor:
    """Returns the Exif orientation of a file, int32 [] from 1 to 8.

    Args:
        data: The file, string []. Without an orientation, such as in a PNG or a damaged file, the
            result is 1: upright.
    """
    file = _Bytes(data)

    def is_exif(place: tf.Tensor) -> tf.Tensor:
        name = file.number(place + 4, 6) == int.from_bytes(b"Exif\0\0", "big")
        return name & (file.number(place, 2) == _APP1)

    def goes_on(place: tf.Tensor) -> tf.Tensor:
        marker = file.number(place, 2)
        is_segment = (marker >= 0xFF01) & (marker != _START_OF_SCAN)
        return is_segment & tf.logical_not(is_exif(place))

    (place,) = tf.while_loop(
        goes_on,
        lambda place: (place + 2 + file.number(place + 2, 2),),
        (tf.constant(2, tf.int64),),
        maximum_iterations=_MOST_SEGMENTS,
    )
    is_jpeg = file.number(0, 2) == _JPEG
    tiff = place + 10
    order = file.number(tiff, 2)
    little = order == int.from_bytes(b"II", "big")
    has_exif = is_jpeg & is_exif(place) & (little | (order == int.from_bytes(b"MM", "big")))
    directory = tiff + file.number(tiff + 4, 4, little)
    count = tf.minimum(file.number(directory, 2, little), _MOST_ENTRIES)
    entries = directory + 2 + 12 * tf.range(count, dtype=tf.int64)
    # The numbers fill the value from its first byte on, in either byte order.
    values = file.number(entries + 8, 2, little)
    fitting = (file.number(entries, 2, little) == _ORIENTATION) & (values >= 1) & (values <= 8)
    found = tf.boolean_mask(values, fitting & has_exif)
    return tf.cast(tf.concat([found, [1]], axis=0)[0], tf.int32)


def turn(photo: tf.Tensor, turned: tf.Tensor) -> tf.Tensor:
    """Turns a photo upright.

    Args:
        photo: [H, W, C].
        turned: Its Exif orientation, int32 [] from 1 to 8.

    Returns:
        [H, W, C], or [W, H, C] for the orientations from 5.
    """

    def when(
        cases: list[int], photo: tf.Tensor, change: collections.abc.Callable[..., tf.Tensor]
    ) -> tf.Tensor:
        applies = tf.reduce_any(turned == cases)
        return tf.cond(applies, lambda: change(photo), lambda: photo)

    photo = when([5, 6, 7, 8], photo, lambda photo: tf.transpose(photo, [1, 0, 2]))
    photo = when([2, 3, 6, 7], photo, lambda photo: tf.reverse(photo, [1]))
    return when([3, 4, 7, 8], photo, lambda photo: tf.reverse(photo, [0]))


class _Bytes:
    """The first bytes of a file, and zeros after them."""

    def __init__(self, data: tf.Tensor) -> None:
        first = tf.strings.substr(data, 0, _MOST_SEGMENTS * 2**16)
        self._bytes = tf.io.decode_raw(tf.strings.join([first, b"\0"]), tf.uint8)
        self._last = tf.size(self._bytes, tf.int64) - 1

    def number(
        self, place: tf.Tensor | int, length: int, little: tf.Tensor | bool = False
    ) -> tf.Tensor:
        """Reads unsigned numbers.

        Args:
            place: The places of their first bytes, int64 of any shape.
            length: Their bytes.
            little: Whether the least significant byte comes first, bool [].

        Returns:
            int64 of the shape of `place`.
        """
        steps = tf.range(length, dtype=tf.int64)
        places = tf.cast(place, tf.int64)[..., tf.newaxis] + steps
        read = tf.gather(self._bytes, tf.clip_by_value(places, 0, self._last))
        weights = 256 ** tf.where(little, steps, length - 1 - steps)
        return tf.reduce_sum(tf.cast(read, tf.int64) * weights, axis=-1)
