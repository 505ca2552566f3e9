"""The losses of Gatys et al. 2015 and Johnson et al. 2016, as pure functions.

All accept any float dtype and compute in float32, because a Gram matrix overflows in float16.
docs/theory.md compares their normalization with that of other implementations.
"""

from __future__ import annotations

import collections.abc

import tensorflow as tf

# Style weights refer to pictures of 256 x 256 pixels, whatever the training size.
REFERENCE_AREA = 256.0 * 256.0


def gram_matrix(features: tf.Tensor) -> tf.Tensor:
    """Returns the Gram matrix G = F^T F / (H W C), the correlations between channels.

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


# TensorFlow never frees a graph that contains a gradient of our own, so it has a graph of its own.
@tf.function(autograph=False)
@tf.custom_gradient
def _inner_products(
    flat: tf.Tensor,
) -> tuple[tf.Tensor, collections.abc.Callable[[tf.Tensor], tf.Tensor]]:
    """Returns F^T F of [B, N, C] in float32, with the gradient F (U + U^T).

    TensorFlow's own gradient computes two products, F U and F U^T.
    """

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        both = upstream + tf.linalg.matrix_transpose(upstream)
        if flat.dtype == tf.bfloat16:
            # As precise as the features themselves. In float16 such small numbers underflow.
            return tf.matmul(flat, tf.cast(both, tf.bfloat16))
        return tf.cast(tf.matmul(tf.cast(flat, tf.float32), both), flat.dtype)

    full = tf.cast(flat, tf.float32)
    return tf.matmul(full, full, transpose_a=True), gradient


def content_loss(features: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Returns the mean squared difference of two feature maps (Johnson et al. 2016, equation 2).

    Args:
        features: Features of the stylized images, [B, H, W, C].
        target: Features of the content images, the same shape.

    Returns:
        A float32 scalar.
    """
    difference = tf.cast(features, tf.float32) - tf.cast(target, tf.float32)
    return tf.reduce_mean(tf.square(difference))


def style_loss(features: tf.Tensor, target: tf.Tensor, image_area: tf.Tensor) -> tf.Tensor:
    """Returns the distance of the Gram matrices to the target.

    The distance is sum_b ||G_b - T||_F^2 / (B H W C) * image_area / 256^2.

    Args:
        features: Features of the stylized images, [B, H, W, C].
        target: Gram matrix of the style image at the same layer, [C, C] or [1, C, C].
        image_area: Number of pixels of one stylized image.

    Returns:
        A float32 scalar.

    Note:
        Johnson et al. (equation 4) use ||G - T||_F^2 itself. The TensorFlow implementation whose
        style weights are in circulation also divides by the size of the feature map. The factor
        image_area / 256^2 gives a style weight the same effect at every image_size; at 256 px it
        is exactly that of the TensorFlow implementation.
    """
    distance = tf.reduce_sum(tf.square(gram_matrix(features) - target))
    size = tf.cast(tf.size(features, tf.int64), tf.float32)
    return distance / size * (tf.cast(image_area, tf.float32) / REFERENCE_AREA)


def total_variation(images: tf.Tensor) -> tf.Tensor:
    """Returns the total variation, which penalizes noise.

    It is half the mean squared difference between vertical neighbors, plus half that between
    horizontal neighbors.

    Args:
        images: [B, H, W, C] in [0, 255].

    Returns:
        A float32 scalar.
    """
    images = tf.cast(images, tf.float32)
    _, height, width, _ = tf.unstack(tf.shape(images))
    down = _rows(images, 1, height - 1, axis=1) - _rows(images, 0, height - 1, axis=1)
    across = _rows(images, 1, width - 1, axis=2) - _rows(images, 0, width - 1, axis=2)
    return 0.5 * (tf.reduce_mean(tf.square(down)) + tf.reduce_mean(tf.square(across)))


def _rows(images: tf.Tensor, first: int, count: tf.Tensor, axis: int) -> tf.Tensor:
    """Slices rows or columns; the gradient of indexing would take several times as long."""
    begin, size = [0, 0, 0, 0], [-1, -1, -1, -1]
    begin[axis], size[axis] = first, count
    return tf.slice(images, begin, size)
