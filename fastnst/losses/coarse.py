"""The objective seen from a distance: shapes larger than the loss network's receptive field."""

from __future__ import annotations

import collections.abc

import tensorflow as tf

from fastnst.losses import perceptual

# Weight of the content loss at each smaller size, relative to the size before: shapes may follow
# the style more freely than details.
_CONTENT = 0.3


def coarse(
    objective: collections.abc.Callable[[tf.Tensor, tf.Tensor], perceptual.Verdict],
    content: tf.Tensor,
    stylized: tf.Tensor,
    scales: int,
) -> tf.Tensor:
    """Adds up the content and style losses at half the size, a quarter of it, and so on.

    The style targets stay those of the full size, so the same motifs are wanted at twice and four
    times the size too.

    Args:
        objective: Computes the objective and its terms "content" and "style".
        content: The content images, float32 RGB [B, H, W, 3] in [0, 255].
        stylized: The stylized images, of the same shape.
        scales: Number of sizes, the full one included.

    Returns:
        A float32 scalar; 0 for a single size.
    """
    total = tf.constant(0.0)
    for scale in range(1, scales):
        # Means over pixels: unlike by skipping pixels, nothing aliases.
        content, stylized = (tf.nn.avg_pool2d(each, 2, 2, "VALID") for each in (content, stylized))
        _, terms = objective(content, stylized)
        total += terms["style"] + _CONTENT**scale * terms["content"]
    return total
