"""Mirror padding of images.

Computes the same as `tf.pad`, but is several times as fast on a CPU: `tf.pad` computes the source
of every single number, while these functions copy whole pixels with all their channels.

The gradient of padding that is trained is our own. TensorFlow never frees a graph that contains
such a gradient, so it lies in a graph of its own, one for each shape of images. Code that only
paints, and may see many shapes, asks for padding that is not trained.
"""

from __future__ import annotations

import tensorflow as tf


def reflect(
    images: tf.Tensor, before: int, after: int | None = None, *, trained: bool = True
) -> tf.Tensor:
    """Pads by reflection without repeating the edge: a b c becomes c b | a b c.

    Args:
        images: [B, H, W, C], more than `before` and `after` pixels high and wide.
        before: Number of pixels to add at the top and on the left.
        after: Number of pixels to add at the bottom and on the right; None for `before`.
        trained: Whether to have a fast gradient, which takes a little memory for each shape.

    Returns:
        [B, H + before + after, W + before + after, C].
    """
    after = before if after is None else after
    return (_trained if trained else _mirror)(images, before, after, "REFLECT")


def repeat_edge(images: tf.Tensor, margin: int, *, trained: bool = True) -> tf.Tensor:
    """Pads by reflection including the edge: a b c becomes b a | a b c.

    Args:
        images: [B, H, W, C], at least `margin` pixels high and wide.
        margin: Number of pixels to add on each side.
        trained: As in `reflect`.

    Returns:
        [B, H + 2 margin, W + 2 margin, C].
    """
    return (_trained if trained else _mirror)(images, margin, margin, "SYMMETRIC")


# Ways to fill the added pixels: a b c becomes c b | a b c, a a | a b c, and 0 0 | a b c.
MODES = ("reflect", "edge", "zero")


def pad(images: tf.Tensor, margins: tuple[int, int, int, int], mode: str) -> tf.Tensor:
    """Pads each side by another number of pixels.

    Args:
        images: [B, H, W, C].
        margins: Pixels to add at the top, at the bottom, on the left and on the right.
        mode: One of `MODES`.
    """
    top, bottom, left, right = margins
    sides = [[0, 0], [top, bottom], [left, right], [0, 0]]
    if mode == "edge":
        # Of one pixel, mirroring the edge repeats it.
        for _ in range(max(margins)):
            once = [[min(1, margin) for margin in side] for side in sides]
            images = tf.pad(images, once, "SYMMETRIC")
            sides = [[max(0, margin - 1) for margin in side] for side in sides]
        return images
    return tf.pad(images, sides, "REFLECT" if mode == "reflect" else "CONSTANT")


def extend(images: tf.Tensor, multiple: int) -> tf.Tensor:
    """Mirrors pixels at the bottom and on the right until height and width are multiples.

    Args:
        images: [B, H, W, C].
        multiple: Height and width of the result are the next multiples of this.
    """
    # Unlike tf.pad, slices keep the number of channels known, which LiteRT needs.
    rows, columns = tf.unstack(tf.shape(images)[1:3])
    below = images[:, rows - 1 - -rows % multiple : rows - 1]
    images = tf.concat([images, tf.reverse(below, [1])], axis=1)
    beside = images[:, :, columns - 1 - -columns % multiple : columns - 1]
    return tf.concat([images, tf.reverse(beside, [2])], axis=2)


@tf.function(autograph=False)
def _trained(images: tf.Tensor, before: int, after: int, mode: str) -> tf.Tensor:
    """Pads, with a gradient that is as fast; in a graph of its own."""

    @tf.custom_gradient
    def padded(images: tf.Tensor) -> tuple[tf.Tensor, object]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            # The gradient of tf.gather adds pixel by pixel, which is slow.
            paddings = [[0, 0], [before, after], [before, after], [0, 0]]
            return tf.raw_ops.MirrorPadGrad(input=upstream, paddings=paddings, mode=mode)

        return _mirror(images, before, after, mode), gradient

    return padded(images)


def _mirror(images: tf.Tensor, before: int, after: int, mode: str) -> tf.Tensor:
    static, dynamic = images.shape.as_list(), tf.shape(images)
    batch, height, width, channels = (
        dynamic[i] if size is None else size for i, size in enumerate(static)
    )
    rows = _sources(height, before, after, mode)
    columns = _sources(width, before, after, mode)
    pixels = tf.reshape(images, [batch, height * width, channels])
    sources = tf.reshape(rows[:, tf.newaxis] * width + columns, [-1])
    added = before + after
    return tf.reshape(
        tf.gather(pixels, sources, axis=1), [batch, height + added, width + added, channels]
    )


def _sources(size: int | tf.Tensor, before: int, after: int, mode: str) -> tf.Tensor:
    """Returns the source row of each padded row: int32 [before + size + after] in [0, size)."""
    last = size - 1
    rows = tf.range(-before, size + after)
    if mode == "REFLECT":
        return last - tf.abs(last - tf.abs(rows))
    return tf.where(rows < 0, -1 - rows, tf.where(rows > last, 2 * last + 1 - rows, rows))
