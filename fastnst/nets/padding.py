"""Continuing pictures beyond their borders by mirroring.

It gives what tf.pad gives, several times as fast on a processor: tf.pad finds the place of every
single number, while here pixels are copied with all their channels.
"""

from __future__ import annotations

import tensorflow as tf


def reflect(images: tf.Tensor, before: int, after: int | None = None) -> tf.Tensor:
    """Mirrors outwards without repeating the edge: a b c becomes c b | a b c.

    Args:
        images: [B, H, W, C], more than `before` and `after` pixels high and wide.
        before: Pixels above and on the left.
        after: Pixels below and on the right, if not as many.

    Returns:
        [B, H + before + after, W + before + after, C].
    """
    return _mirror(images, before, before if after is None else after, "REFLECT")


def repeat_edge(images: tf.Tensor, margin: int) -> tf.Tensor:
    """Mirrors outwards with the edge itself: a b c becomes b a | a b c.

    Args:
        images: [B, H, W, C], at least `margin` pixels high and wide.
        margin: Pixels on each side.

    Returns:
        [B, H + 2 margin, W + 2 margin, C].
    """
    return _mirror(images, margin, margin, "SYMMETRIC")


def _mirror(images: tf.Tensor, before: int, after: int, mode: str) -> tf.Tensor:
    margins = [before, after]

    @tf.custom_gradient
    def mirrored(images: tf.Tensor) -> tuple[tf.Tensor, object]:
        known, told = images.shape.as_list(), tf.shape(images)
        batch, height, width, channels = (told[i] if n is None else n for i, n in enumerate(known))
        rows = _sources(height, before, after, mode)
        columns = _sources(width, before, after, mode)
        pixels = tf.reshape(images, [batch, height * width, channels])
        sources = tf.reshape(rows[:, tf.newaxis] * width + columns, [-1])
        added = before + after
        padded = tf.reshape(
            tf.gather(pixels, sources, axis=1), [batch, height + added, width + added, channels]
        )

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            # That of a gather adds up pixel by pixel, which is slow.
            paddings = [[0, 0], margins, margins, [0, 0]]
            return tf.raw_ops.MirrorPadGrad(input=upstream, paddings=paddings, mode=mode)

        return padded, gradient

    return mirrored(images)


def _sources(size: int | tf.Tensor, before: int, after: int, mode: str) -> tf.Tensor:
    """Which of `size` rows each row of the result is: int32 [before + size + after]."""
    last = size - 1
    rows = tf.range(-before, size + after)
    if mode == "REFLECT":
        return last - tf.abs(last - tf.abs(rows))
    return tf.where(rows < 0, -1 - rows, tf.where(rows > last, 2 * last + 1 - rows, rows))
