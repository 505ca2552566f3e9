"""The layers of the transform net: convolution, instance norm, upsampling, residual block, skip.

Variables are float32; every layer computes in the dtype of its input, and the moments of the
instance norm are float32 always.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fastnst.nets import padding

# An instance norm of fewer is computed another way: RGB, that is.
_FEW_CHANNELS = 8


def moments(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and variance of each channel of each image: float32 [B, 1, 1, C]."""
    return tf.nn.moments(tf.cast(images, tf.float32), axes=[1, 2], keepdims=True)


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


class InstanceNorm(tf.Module):
    """Gives each channel of each image a learned mean and deviation (Ulyanov et al. 2016)."""

    EPSILON = 1e-5

    def __init__(self, name: str, channels: int, *, scale: float = 1.0) -> None:
        """Begins with mean 0 and deviation `scale`."""
        super().__init__()
        self.scale = tf.Variable(tf.fill([channels], scale), name=f"{name}/scale")
        self.shift = tf.Variable(tf.zeros([channels]), name=f"{name}/shift")

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Normalises [B, H, W, C] by the moments of each image."""

        def by_parts() -> tf.Tensor:
            return self.normalize(images, *moments(images))

        if self.scale.shape[0] < _FEW_CHANNELS:
            return self._by_rows(images)
        if images.shape[0] is None:
            return tf.cond(tf.shape(images)[0] == 1, lambda: self._at_once(images), by_parts)
        # On a GPU, XLA fuses the parts, of all images at once.
        if tf.config.list_physical_devices("GPU"):
            return by_parts()
        return tf.concat([self._at_once(image) for image in tf.split(images, images.shape[0])], 0)

    def _at_once(self, image: tf.Tensor) -> tf.Tensor:
        """Normalises one image, [1, H, W, C], for which batch norm is instance norm.

        TensorFlow has it as one operation, on a processor several times as fast as its parts.
        """
        return tf.raw_ops.FusedBatchNormV3(
            x=image,
            scale=self.scale,
            offset=self.shift,
            mean=[],
            variance=[],
            epsilon=self.EPSILON,
            is_training=True,
        ).y

    def _by_rows(self, images: tf.Tensor) -> tf.Tensor:
        """Normalises [B, H, W, C] of few channels.

        With so few numbers side by side most lanes of a processor's vectors idle, so it counts with
        whole rows, [B, H, W * C], and with factors repeated W times.
        """
        channels = self.scale.shape[0]
        batch, height, width, _ = tf.unstack(tf.shape(images))
        rows = tf.reshape(tf.cast(images, tf.float32), [batch, height, width * channels])

        def mean(rows: tf.Tensor) -> tf.Tensor:
            columns = tf.reshape(tf.reduce_mean(rows, axis=1), [batch, width, channels])
            return tf.reduce_mean(columns, axis=1, keepdims=True)

        def repeated(values: tf.Tensor) -> tf.Tensor:
            return tf.tile(values, [1, 1, width])

        average = mean(rows)
        factor = self.scale * tf.math.rsqrt(
            mean(tf.square(rows - repeated(average))) + self.EPSILON
        )
        normalized = rows * repeated(factor) + repeated(self.shift - average * factor)
        return tf.cast(tf.reshape(normalized, tf.shape(images)), images.dtype)

    def normalize(self, images: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
        """Normalises by given moments, float32 [B, 1, 1, C]: strips of one image share them."""
        factor = self.scale * tf.math.rsqrt(variance + self.EPSILON)
        offset = self.shift - mean * factor
        return tf.cast(tf.cast(images, tf.float32) * factor + offset, images.dtype)


class Skip(tf.Module):
    """x + scale * earlier: brings back what strides and residual blocks have lost of a photo.

    As in U-Net (Ronneberger et al. 2015), but added, each channel in its own measure.
    """

    def __init__(self, name: str, channels: int) -> None:
        """Begins with all of it."""
        super().__init__()
        self.scale = tf.Variable(tf.ones([channels]), name=f"{name}/scale")

    def __call__(self, images: tf.Tensor, earlier: tf.Tensor) -> tf.Tensor:
        """Adds two tensors of the same shape [B, H, W, C], in the dtype of the first."""
        # A convolution of one tap: faster than a product with what must be spread over all pixels.
        kernel = tf.cast(tf.reshape(self.scale, [1, 1, -1, 1]), images.dtype)
        scaled = tf.nn.depthwise_conv2d(
            tf.cast(earlier, images.dtype), kernel, [1, 1, 1, 1], padding="VALID"
        )
        return images + scaled


class Residual(tf.Module):
    """x + norm(conv(relu(norm(conv(x))))) (Gross and Wilber 2016: no ReLU after the sum)."""

    def __init__(self, name: str, channels: int, *, seed: int = 0) -> None:
        """Two 3x3 convolutions of equal width."""
        super().__init__()
        self.conv1 = Conv(f"{name}/conv1", 3, channels, channels, seed=seed)
        self.norm1 = InstanceNorm(f"{name}/norm1", channels)
        self.conv2 = Conv(f"{name}/conv2", 3, channels, channels, seed=seed + 1)
        self.norm2 = InstanceNorm(f"{name}/norm2", channels)

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Maps [B, H, W, C] to the same shape."""
        net = tf.nn.relu(self.norm1(self.conv1(images)))
        return images + self.norm2(self.conv2(net))
