"""The layers of the transform net: convolutions, upsampling and skips.

Kernels are float32 variables; every layer computes in the dtype of its input.
"""

from __future__ import annotations

import collections.abc

import numpy as np
import tensorflow as tf

from fastnst.nets import padding


def glorot_kernel(name: str, size: int, inputs: int, outputs: int, seed: int) -> tf.Variable:
    """Draws a kernel, float32 [size, size, inputs, outputs] (Glorot and Bengio 2010, uniform)."""
    limit = np.sqrt(6.0 / (size * size * (inputs + outputs)))
    shape = (size, size, inputs, outputs)
    values = np.random.default_rng(seed).uniform(-limit, limit, shape)
    return tf.Variable(values.astype(np.float32), name=f"{name}/kernel")


def blurred(kernel: tf.Tensor) -> tf.Tensor:
    """Folds a low-pass filter into a kernel: the convolution then sees a slightly blurred input.

    The filter is [1 2 1] / 4 in each direction (Zhang 2019, "Making Convolutional Networks
    Shift-Invariant Again"). Before a stride it removes the detail that would alias, and after
    nearest-neighbor upsampling it makes the interpolation linear.

    Args:
        kernel: float32 [size, size, inputs, outputs].

    Returns:
        float32 [size + 2, size + 2, inputs, outputs].
    """
    # Graphs store an array once for each use, but a tensor once.
    kernel = tf.convert_to_tensor(kernel)
    for axis in (0, 1):
        # A sum of shifted copies, because the kernel's channels do not mix.
        margins = [[[0, 0]] * 4 for _ in range(3)]
        for shift, margin in enumerate(margins):
            margin[axis] = [shift, 2 - shift]
        before, middle, after = (tf.pad(kernel, margin) for margin in margins)
        kernel = 0.25 * before + 0.5 * middle + 0.25 * after
    return kernel


class Shared:
    """Kernels that a graph computes once, for all its inner functions, such as loops.

    Without it, each branch and each loop of a graph would hold the kernels of a frozen network as
    constants of its own.
    """

    def __init__(self) -> None:
        """Takes the graph that is being built."""
        self._graph = tf.compat.v1.get_default_graph()
        self._made: dict[tf.DType, tf.Tensor] = {}

    def get(
        self, dtype: tf.DType, make: collections.abc.Callable[[], tf.Tensor | np.ndarray]
    ) -> tf.Tensor:
        """Returns the kernel in a dtype; the first call makes it."""
        if dtype not in self._made:
            with self._graph.as_default():
                self._made[dtype] = tf.cast(make(), dtype)
        return self._made[dtype]


class Convolution(tf.Module):
    """What convolutions have in common.

    Attributes:
        shared: Where graphs find the kernel; None to compute it where it is applied.
        trained: Whether gradients pass through it, as in `padding.reflect`.
    """

    shared: Shared | None = None
    trained: bool = True

    def _kernel(
        self, dtype: tf.DType, make: collections.abc.Callable[[], tf.Tensor | np.ndarray]
    ) -> tf.Tensor:
        return tf.cast(make(), dtype) if self.shared is None else self.shared.get(dtype, make)


class Conv(Convolution):
    """A convolution with reflection padding, which avoids visible frames along the border.

    It has no bias, because the instance norm that follows would remove it.

    Attributes:
        antialias: Whether it blurs its input slightly; see `blurred`.
        reach: Pixels of the input, on each side, on which a pixel of the output depends.
    """

    def __init__(
        self,
        name: str,
        size: int,
        inputs: int,
        outputs: int,
        *,
        stride: int = 1,
        antialias: bool = False,
        seed: int = 0,
    ) -> None:
        """Draws the kernel.

        Args:
            name: Prefix of the variable's name.
            size: Side of the square kernel, odd.
            inputs: Number of input channels.
            outputs: Number of output channels.
            stride: 1, or 2 to halve height and width.
            antialias: Whether to blur the input slightly; see `blurred`.
            seed: Seed of the random kernel.
        """
        super().__init__()
        self.kernel = glorot_kernel(name, size, inputs, outputs, seed)
        self.stride = stride
        self.antialias = antialias
        self.reach = size // 2 + antialias

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Maps [B, H, W, inputs] to [B, ceil(H / stride), ceil(W / stride), outputs]."""
        kernel = self._kernel(images.dtype, self.applied)
        padded = padding.reflect(images, self.reach, trained=self.trained)
        return tf.nn.conv2d(padded, kernel, self.stride, "VALID")

    def applied(self) -> tf.Tensor:
        """Returns the kernel that is applied, float32 [2 reach + 1, 2 reach + 1, inputs, outputs].

        It includes the low-pass filter.
        """
        return blurred(self.kernel) if self.antialias else self.kernel


class ValidConv(Convolution):
    """A convolution without padding, with an optional bias."""

    def __init__(
        self, name: str, shape: tuple[int, int, int, int], *, stride: int = 1, bias: bool = False
    ) -> None:
        """Creates the variables, of zeros.

        Args:
            name: Prefix of the variables' names.
            shape: Of the kernel: height, width, input channels, output channels.
            stride: 1 or 2.
            bias: Whether there is a bias.
        """
        super().__init__()
        self.kernel = tf.Variable(tf.zeros(shape), name=f"{name}/kernel")
        self.bias = tf.Variable(tf.zeros(shape[3:]), name=f"{name}/bias") if bias else None
        self.stride = stride

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Maps [B, H, W, inputs] to [B, ..., outputs]."""
        kernel = self._kernel(images.dtype, lambda: self.kernel)
        convolved = tf.nn.conv2d(images, kernel, self.stride, "VALID")
        return convolved if self.bias is None else convolved + self.bias


class ConvToRgb(Conv):
    """A convolution to few channels at full resolution.

    Three output channels leave most lanes of a CPU's vector units idle. An equivalent convolution
    with stride 2 computes 2 x 2 pixels at a time, as four times as many channels.
    """

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Maps [B, H, W, inputs] to [B, H, W, outputs]."""
        # One more row and column, for the incomplete blocks of an odd size.
        padded = padding.reflect(images, self.reach, self.reach + 1, trained=self.trained)
        kernel = self._kernel(images.dtype, self.in_blocks)
        blocks = tf.nn.conv2d(padded, kernel, 2, "VALID")
        return crop(tf.nn.depth_to_space(blocks, 2), 0, images)

    def in_blocks(self) -> tf.Tensor:
        """Returns the kernel with stride 2, float32 [size + 1, size + 1, inputs, 4 * outputs]."""
        kernel = tf.convert_to_tensor(self.kernel)
        size, _, inputs, outputs = kernel.shape
        # For the pixel at (row, column) of a 2 x 2 block, the taps are shifted by (row, column).
        shifts = [[row, column] for row in range(2) for column in range(2)]
        moved = [
            tf.pad(kernel, [[row, 1 - row], [column, 1 - column], [0, 0], [0, 0]])
            for row, column in shifts
        ]
        return tf.reshape(tf.stack(moved, axis=3), [size + 1, size + 1, inputs, 4 * outputs])


class UpsampleConv(Convolution):
    """Nearest-neighbor x2 followed by a convolution: no checkerboard (Odena et al. 2016).

    An equivalent convolution to 4 * outputs channels at the low resolution, followed by
    depth_to_space, computes the same: 3x3 taps become 2x2, and the upsampled input is never built.

    Attributes:
        antialias: Whether it interpolates linearly instead; see `blurred`.
        reach: Pixels of the input, on each side, on which a pixel of the output depends.
    """

    def __init__(
        self,
        name: str,
        size: int,
        inputs: int,
        outputs: int,
        *,
        antialias: bool = False,
        seed: int = 0,
    ) -> None:
        """Draws the kernel of the convolution at the high resolution, the form that is stored.

        Args:
            name: Prefix of the variable's name.
            size: Side of the square kernel, odd, in pixels of the large image.
            inputs: Number of input channels.
            outputs: Number of output channels.
            antialias: Whether to interpolate linearly instead; see `blurred`.
            seed: Seed of the random kernel.
        """
        super().__init__()
        self.kernel = glorot_kernel(name, size, inputs, outputs, seed)
        self.antialias = antialias
        self._size = size + 2 * antialias
        self.reach = (size + 2 * antialias + 1) // 4

    def __call__(self, images: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
        """Maps [B, h, w, inputs] to [B, H, W, outputs]: twice as large, cropped to `like`."""
        kernel = self._kernel(images.dtype, lambda: self.applied()[0])
        # Padding the small image including its edge equals mirroring the upsampled one.
        padded = padding.repeat_edge(images, self.reach, trained=self.trained)
        blocks = tf.nn.conv2d(padded, kernel, 1, "VALID")
        _, offset = _fold(self._size)
        return crop(tf.nn.depth_to_space(blocks, 2), offset, like)

    def applied(self) -> tuple[tf.Tensor, int]:
        """Returns the kernel for the small image, which includes the low-pass filter; see `folded`.

        Returns:
            float32 [taps, taps, inputs, 4 * outputs], and the first row and column to keep after
            depth_to_space.
        """
        return folded(blurred(self.kernel) if self.antialias else self.kernel)


def folded(kernel: tf.Tensor) -> tuple[tf.Tensor, int]:
    """Converts a kernel for an upsampled image to one for the small image.

    Args:
        kernel: float32 [size, size, inputs, outputs], of odd size.

    Returns:
        float32 [(size + 1) / 2, (size + 1) / 2, inputs, 4 * outputs], and the first row and column
        to keep after depth_to_space, if the small image is padded by (size + 1) // 4 pixels.
    """
    size, _, inputs, outputs = kernel.shape
    fold, offset = _fold(size)
    taps = fold.shape[1]
    small = tf.einsum("pat,qbs,tsio->abipqo", fold, fold, kernel)
    return tf.reshape(small, [taps, taps, inputs, 4 * outputs]), offset


# Pixels of the input, on each side, on which a pixel of `halve` or `double` depends.
LOW_PASS_REACH = 1


def halve(images: tf.Tensor, *, trained: bool = True) -> tf.Tensor:
    """Maps [B, H, W, C] to half the size, rounded up, by a low-pass filter and a stride of 2.

    Args:
        images: The images.
        trained: Whether gradients pass through it, as in `padding.reflect`.
    """
    return _low_pass(images, 2, trained)


def double(images: tf.Tensor, like: tf.Tensor, *, trained: bool = True) -> tf.Tensor:
    """Maps [B, h, w, C] to twice the size by linear interpolation, cropped to `like`.

    Args:
        images: The images.
        like: [B, H, W, ...].
        trained: As in `halve`.
    """
    # Nearest-neighbor upsampling followed by the filter is linear interpolation.
    return crop(_low_pass(repeat(images), 1, trained), 0, like)


def repeat(images: tf.Tensor) -> tf.Tensor:
    """Maps [B, H, W, C] to twice the size by repeating each pixel."""
    return tf.repeat(tf.repeat(images, 2, axis=1), 2, axis=2)


def _low_pass(images: tf.Tensor, stride: int, trained: bool) -> tf.Tensor:
    """Filters each channel by [1 2 1] / 4 in both directions."""
    kernel = tf.cast(low_pass_kernel(images.shape[-1]), images.dtype)
    padded = padding.reflect(images, 1, trained=trained)
    return tf.nn.depthwise_conv2d(padded, kernel, [1, stride, stride, 1], "VALID")


def low_pass_kernel(channels: int) -> np.ndarray:
    """Returns the filter [1 2 1] / 4 in both directions, float32 [3, 3, channels, 1]."""
    taps = np.outer([0.25, 0.5, 0.25], [0.25, 0.5, 0.25]).astype(np.float32)
    return np.repeat(taps[:, :, np.newaxis, np.newaxis], channels, axis=2)


def crop(images: tf.Tensor, offset: int, like: tf.Tensor) -> tf.Tensor:
    """Crops images to the height and width of `like`, starting at `offset` in both directions."""
    # A slice, because the gradient of indexing is several times slower.
    height, width = tf.shape(like)[1], tf.shape(like)[2]
    cut = tf.slice(images, [0, offset, offset, 0], tf.stack([-1, height, width, -1]))
    return tf.ensure_shape(cut, [images.shape[0], *like.shape[1:3], images.shape[3]])


def _fold(size: int) -> tuple[np.ndarray, int]:
    """Returns the taps at the low resolution onto which the taps of the large kernel fall.

    Two neighboring rows of the large image, 2j - offset and the next, depend on the same rows of
    the small one. With three taps (w0, w1, w2), these are rows j - 1 and j: the odd row 2j - 1
    weights them by (w0 + w1, w2), and the even row 2j by (w0, w1 + w2).

    Args:
        size: Number of taps of the kernel, odd.

    Returns:
        Zeros and ones, float32 [2, (size + 1) / 2, size], indexed by row, small tap and tap; and
        the offset.
    """
    reach = size // 2
    offset = reach % 2
    first = -(reach + offset) // 2
    row, tap = np.indices((2, size))
    small = (row - offset + tap - reach) // 2 - first
    taps = np.arange((size + 1) // 2)
    return (small[:, np.newaxis, :] == taps[:, np.newaxis]).astype(np.float32), offset


def skip(images: tf.Tensor, earlier: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """Adds scale * earlier, which restores details lost in strides and residual blocks.

    Like the skips of U-Net (Ronneberger et al. 2015), but added with a weight per channel instead
    of concatenated.

    Args:
        images: [B, H, W, C]; the result has its dtype.
        earlier: Features of the encoder, of the same shape.
        scale: Weights, float32 [C], or [B, C].
    """
    earlier = tf.cast(earlier, images.dtype)
    scale = tf.cast(scale, images.dtype)
    if len(scale.shape) == 2:
        return images + scale[:, tf.newaxis, tf.newaxis] * earlier
    # A depthwise convolution with one tap is faster than multiplying by a broadcast vector.
    kernel = tf.reshape(scale, [1, 1, -1, 1])
    return images + tf.nn.depthwise_conv2d(earlier, kernel, [1, 1, 1, 1], padding="VALID")
