"""The layers of the transform net: convolution, upsampling, skip.

Kernels are float32 variables; every layer computes in the dtype of its input.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fastnst.nets import padding


def glorot_kernel(name: str, size: int, inputs: int, outputs: int, seed: int) -> tf.Variable:
    """Draws a kernel, float32 [size, size, inputs, outputs] (Glorot and Bengio 2010, uniform)."""
    limit = np.sqrt(6.0 / (size * size * (inputs + outputs)))
    shape = (size, size, inputs, outputs)
    values = np.random.default_rng(seed).uniform(-limit, limit, shape)
    return tf.Variable(values.astype(np.float32), name=f"{name}/kernel")


class Conv(tf.Module):
    """A convolution with reflection padding, so that no frame forms at the border.

    It has no bias: an instance norm follows, which would take it away again.
    """

    def __init__(
        self, name: str, size: int, inputs: int, outputs: int, *, stride: int = 1, seed: int = 0
    ) -> None:
        """Draws the kernel.

        Args:
            name: Prefix of the variable's name.
            size: Side of the square kernel, odd.
            inputs: Channels in.
            outputs: Channels out.
            stride: 1, or 2 to halve the size.
            seed: Of the random kernel.
        """
        super().__init__()
        self.kernel = glorot_kernel(name, size, inputs, outputs, seed)
        self.stride = stride
        self._margin = size // 2

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Maps [B, H, W, inputs] to [B, ceil(H / stride), ceil(W / stride), outputs]."""
        kernel = tf.cast(self.kernel, images.dtype)
        return tf.nn.conv2d(padding.reflect(images, self._margin), kernel, self.stride, "VALID")


class ConvToRgb(Conv):
    """A convolution to few channels, at full size.

    Three outputs leave most lanes of a processor's vectors idle. So it is computed as the one
    convolution that gives 2 x 2 pixels at a time, four times as many channels, and equals it.
    """

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Maps [B, H, W, inputs] to [B, H, W, outputs]."""
        size, _, inputs, outputs = self.kernel.shape
        # The pixel at (row, column) of a square sees its taps moved by as much.
        shifts = [[row, column] for row in range(2) for column in range(2)]
        moved = [
            tf.pad(self.kernel, [[row, 1 - row], [column, 1 - column], [0, 0], [0, 0]])
            for row, column in shifts
        ]
        kernel = tf.reshape(tf.stack(moved, axis=3), [size + 1, size + 1, inputs, 4 * outputs])
        # One row and column more, for the squares that an odd size cuts.
        padded = padding.reflect(images, self._margin, self._margin + 1)
        squares = tf.nn.conv2d(padded, tf.cast(kernel, images.dtype), 2, "VALID")
        return _cut(tf.nn.depth_to_space(squares, 2), 0, images)


class UpsampleConv(tf.Module):
    """Nearest-neighbour x2 followed by a convolution: no checkerboard (Odena et al. 2016).

    Computed as the one convolution to 4 * outputs channels at the low resolution that equals it,
    followed by depth_to_space: 3x3 taps become 2x2 and the large input is never made.
    """

    def __init__(self, name: str, size: int, inputs: int, outputs: int, *, seed: int = 0) -> None:
        """Draws the kernel, which is also what is stored.

        Args:
            name: Prefix of the variable's name.
            size: Side of the square kernel, odd, in pixels of the large image.
            inputs: Channels in.
            outputs: Channels out.
            seed: Of the random kernel.
        """
        super().__init__()
        self.kernel = glorot_kernel(name, size, inputs, outputs, seed)

    def __call__(self, images: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
        """Maps [B, h, w, inputs] to [B, H, W, outputs], cut from [2 h, 2 w] to the size of like."""
        size, _, inputs, outputs = self.kernel.shape
        fold, offset = _fold(size)
        kernel = tf.einsum("pat,qbs,tsio->abipqo", fold, fold, self.kernel)
        taps = fold.shape[1]
        kernel = tf.cast(tf.reshape(kernel, [taps, taps, inputs, 4 * outputs]), images.dtype)
        # The large image is continued by what the mirrored small one would give.
        padded = padding.repeat_edge(images, taps // 2)
        large = tf.nn.depth_to_space(tf.nn.conv2d(padded, kernel, 1, "VALID"), 2)
        return _cut(large, offset, like)


def _cut(images: tf.Tensor, offset: int, like: tf.Tensor) -> tf.Tensor:
    """Cuts pictures to the height and width of others, from `offset` on in both directions."""
    # Not by indexing, whose gradient is several times slower.
    height, width = tf.shape(like)[1], tf.shape(like)[2]
    cut = tf.slice(images, [0, offset, offset, 0], tf.stack([-1, height, width, -1]))
    return tf.ensure_shape(cut, [images.shape[0], *like.shape[1:3], images.shape[3]])


def _fold(size: int) -> tuple[np.ndarray, int]:
    """Which tap of a small row each tap on a nearest-neighbour x2 row falls on.

    Two neighbouring rows of the large image, 2j - offset and the next, see the same few rows of
    the small one. Through three taps (w0, w1, w2) those see rows j - 1 and j: the odd row 2j - 1
    by (w0 + w1, w2), the even row 2j by (w0, w1 + w2).

    Args:
        size: Taps of the kernel, odd.

    Returns:
        0 or 1, float32 [2, (size + 1) / 2, size], indexed by row, small tap and tap; the offset.
    """
    reach = size // 2
    offset = reach % 2
    first = -(reach + offset) // 2
    row, tap = np.indices((2, size))
    small = (row - offset + tap - reach) // 2 - first
    taps = np.arange((size + 1) // 2)
    return (small[:, np.newaxis, :] == taps[:, np.newaxis]).astype(np.float32), offset


def skip(images: tf.Tensor, earlier: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """Adds scale * earlier: brings back details that strides and residual blocks have lost.

    As in U-Net (Ronneberger et al. 2015), but added, with a weight for each channel.

    Args:
        images: [B, H, W, C]; the sum has its dtype.
        earlier: Features of the encoder, the same shape.
        scale: Weights, float32 [C], or [B, C].
    """
    earlier = tf.cast(earlier, images.dtype)
    scale = tf.cast(scale, images.dtype)
    if len(scale.shape) == 2:
        return images + scale[:, tf.newaxis, tf.newaxis] * earlier
    # A convolution of one tap is faster than a product with a broadcast vector.
    kernel = tf.reshape(scale, [1, 1, -1, 1])
    return images + tf.nn.depthwise_conv2d(earlier, kernel, [1, 1, 1, 1], padding="VALID")
