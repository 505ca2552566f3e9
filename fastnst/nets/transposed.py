"""Transposed convolutions, which double the size of feature maps."""

from __future__ import annotations

import tensorflow as tf

from fastnst.nets import layers

# Side of the kernel: a multiple of the stride, so that each pixel receives as many taps.
SIZE = 4
# Pixels of the input, on each side, on which a pixel of the output depends.
REACH = 1


class TransposedConv(layers.Convolution):
    """A transposed convolution with 4 x 4 taps and a stride of 2, with zeros around the input.

    It computes the same as Keras's Conv2DTranspose with padding="same". Two neighboring rows of
    the output, 2 j - 1 and 2 j, depend on the rows j - 1 and j of the input, with two taps each. An
    equivalent convolution of 2 x 2 taps to four times the channels, followed by depth_to_space,
    therefore computes it in operations that every runtime has.
    """

    def __init__(self, name: str, inputs: int, outputs: int, *, bias: bool = False) -> None:
        """Creates the variables, of zeros.

        Args:
            name: Prefix of the variables' names.
            inputs: Number of input channels.
            outputs: Number of output channels.
            bias: Whether there is a bias.
        """
        super().__init__()
        self.kernel = tf.Variable(tf.zeros([SIZE, SIZE, inputs, outputs]), name=f"{name}/kernel")
        self.bias = tf.Variable(tf.zeros([outputs]), name=f"{name}/bias") if bias else None

    def __call__(self, images: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
        """Maps [B, h, w, inputs] to [B, H, W, outputs]: twice as large, cropped to `like`."""
        kernel = self._kernel(images.dtype, self.in_blocks)
        margins = [REACH, REACH]
        padded = tf.pad(images, [[0, 0], margins, margins, [0, 0]])
        blocks = tf.nn.conv2d(padded, kernel, 1, "VALID")
        large = layers.crop(tf.nn.depth_to_space(blocks, 2), REACH, like)
        return large if self.bias is None else large + tf.cast(self.bias, large.dtype)

    def in_blocks(self) -> tf.Tensor:
        """Returns the kernel for the small image, float32 [2, 2, inputs, 4 * outputs].

        Tap t of the row 2 j - 1 + p of the output, which reads the row j - 1 + t of the input, is
        the row 2 (1 - t) + p of the kernel.
        """
        kernel = tf.convert_to_tensor(self.kernel)
        inputs, outputs = kernel.shape[2:]
        taps = tf.reverse(tf.reshape(kernel, [2, 2, 2, 2, inputs, outputs]), [0, 2])
        return tf.reshape(tf.transpose(taps, [0, 2, 4, 1, 3, 5]), [2, 2, inputs, 4 * outputs])
