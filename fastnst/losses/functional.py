"""The losses of Gatys et al. 2015 and Johnson et al. 2016, as pure functions.

All take any float dtype and compute in float32: in float16 a Gram matrix overflows.
How these normalise, and how others do, is told in docs/theory.md.
"""

from __future__ import annotations

import collections.abc

import tensorflow as tf

# Style weights are those of pictures of 256 x 256 pixels, whatever the size trained at.
REFERENCE_AREA = 256.0 * 256.0


def gram_matrix(features: tf.Tensor) -> tf.Tensor:
    """G = F^T F / (H W C): how strongly each pair of channels fires together.

    Args:
        features: [B, H, W, C].

    Returns:
        float32 [B, C, C].
    """
    shape = tf.shape(features)
    height, width, channels = shape[1], shape[2], shape[3]
    flat = tf.reshape(features, [shape[0], height * width, channels])
    size = tf.cast(height * width * channels, tf.float32)
    return _inner_products(flat) / size


@tf.custom_gradient
def _inner_products(
    flat: tf.Tensor,
) -> tuple[tf.Tensor, collections.abc.Callable[[tf.Tensor], tf.Tensor]]:
    """F^T F of [B, N, C] in float32, with F (U + U^T) for its gradient.

    TensorFlow's own gradient takes a product for each factor, F U and F U^T.
    """

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        both = upstream + tf.linalg.matrix_transpose(upstream)
        if flat.dtype == tf.bfloat16:
            # As exact as the features; float16 would not hold numbers so small.
            return tf.matmul(flat, tf.cast(both, tf.bfloat16))
        return tf.cast(tf.matmul(tf.cast(flat, tf.float32), both), flat.dtype)

    full = tf.cast(flat, tf.float32)
    return tf.matmul(full, full, transpose_a=True), gradient


def content_loss(features: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of two feature maps (Johnson et al. 2016, equation 2).

    Args:
        features: Of the stylized images, [B, H, W, C].
        target: Of the content images, the same shape.
    """
    difference = tf.cast(features, tf.float32) - tf.cast(target, tf.float32)
    return tf.reduce_mean(tf.square(difference))


def style_loss(features: tf.Tensor, target: tf.Tensor, image_area: tf.Tensor) -> tf.Tensor:
    """Distance of the Gram matrices, sum_b ||G_b - T||_F^2 / (B H W C) * image_area / 256^2.

    Args:
        features: Of the stylized images, [B, H, W, C].
        target: Gram matrix of the style image at the same layer, [C, C] or [1, C, C].
        image_area: Pixels of one stylized image.

    Note:
        Johnson et al. (equation 4) take ||G - T||_F^2 itself. Dividing by the size of the feature
        map is the habit of the TensorFlow implementation whose weights are in circulation; the
        factor image_area / 256^2 takes the picture's size out of it again, so that a style weight
        means the same at every image_size, and at 256 px exactly what it meant there.
    """
    distance = tf.reduce_sum(tf.square(gram_matrix(features) - target))
    size = tf.cast(tf.size(features, tf.int64), tf.float32)
    return distance / size * (tf.cast(image_area, tf.float32) / REFERENCE_AREA)


def total_variation(images: tf.Tensor) -> tf.Tensor:
    """Half the mean squared step between neighbours, down plus across: noise costs.

    Args:
        images: [B, H, W, C] in [0, 255].
    """
    images = tf.cast(images, tf.float32)
    _, height, width, _ = tf.unstack(tf.shape(images))
    down = _rows(images, 1, height - 1, axis=1) - _rows(images, 0, height - 1, axis=1)
    across = _rows(images, 1, width - 1, axis=2) - _rows(images, 0, width - 1, axis=2)
    return 0.5 * (tf.reduce_mean(tf.square(down)) + tf.reduce_mean(tf.square(across)))


def _rows(images: tf.Tensor, first: int, count: tf.Tensor, axis: int) -> tf.Tensor:
    """Some rows, or columns: not by indexing, whose gradient takes several times as long."""
    begin, size = [0, 0, 0, 0], [-1, -1, -1, -1]
    begin[axis], size[axis] = first, count
    return tf.slice(images, begin, size)
