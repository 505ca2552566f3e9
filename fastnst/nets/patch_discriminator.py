"""The discriminator of an adversarial training: judges each patch of a picture."""

from __future__ import annotations

import itertools

import numpy as np
import tensorflow as tf

from fastnst.nets import norms, unet

_SIZE = 4
# Slope of the leaky ReLU for negative values, Keras's default.
_SLOPE = 0.3


class PatchDiscriminator(tf.Module):
    """PatchGAN (Isola et al. 2017): a map of logits, one for each patch of 70 x 70 pixels.

    It is the discriminator of Kaggle's "Monet CycleGAN Tutorial": three 4 x 4 convolutions with a
    stride of 2, and two without, each but the first and the last followed by an instance norm, all
    but the last by a leaky ReLU. Kernels and scales start from N(0, 0.02).
    """

    def __init__(
        self,
        width: int = 64,
        compute_dtype: tf.DType = tf.float32,
        seed: int = 0,
        *,
        fused_norms: bool = True,
    ) -> None:
        """Creates the variables, all float32.

        Args:
            width: Channels of the first convolution; the others have 2, 4 and 8 times as many.
            compute_dtype: Dtype of all convolutions but the first.
            seed: Seed of the initial kernels and scales.
            fused_norms: As in `network.Network`.
        """
        super().__init__()
        self._dtype, self._fused = compute_dtype, fused_norms
        random = np.random.default_rng(seed)

        def normal(name: str, *shape: int) -> tf.Variable:
            values = random.normal(0.0, unet.DEVIATION, shape)
            return tf.Variable(values.astype(np.float32), name=name)

        channels = [3, width, 2 * width, 4 * width, 8 * width, 1]
        self.kernels = [
            normal(f"conv{number}/kernel", _SIZE, _SIZE, *pair)
            for number, pair in enumerate(itertools.pairwise(channels), start=1)
        ]
        self.scales = [
            normal(f"norm{number}/scale", size) for number, size in enumerate(channels[2:5], 2)
        ]
        self.shifts = [
            tf.Variable(tf.zeros([size]), name=f"norm{number}/shift")
            for number, size in enumerate(channels[2:5], 2)
        ]
        self.bias = tf.Variable(tf.zeros([1]), name="conv5/bias")

    def __call__(self, pictures: tf.Tensor) -> tf.Tensor:
        """Judges pictures.

        Args:
            pictures: float32 RGB [B, H, W, 3] in [0, 255], at least 24 x 24.

        Returns:
            Logits, float32 [B, H / 8 - 2, W / 8 - 2, 1]: positive where a patch looks real.
        """
        maps = pictures / 127.5 - 1.0
        *inner, last = self.kernels
        for index, kernel in enumerate(inner):
            maps = self._convolve(maps, kernel, 2 if index < 3 else 1)
            if index > 0:
                scale, shift = self.scales[index - 1], self.shifts[index - 1]
                maps = norms.instance_norm(maps, scale, shift, fused=self._fused)
            # The picture itself is read in full precision.
            maps = tf.cast(tf.nn.leaky_relu(maps, _SLOPE), self._dtype)
        return tf.cast(self._convolve(maps, last, 1), tf.float32) + self.bias

    def named_variables(self) -> dict[str, tf.Variable]:
        """Returns the variables by name."""
        return {variable.name.removesuffix(":0"): variable for variable in self.variables}

    @staticmethod
    def _convolve(maps: tf.Tensor, kernel: tf.Variable, stride: int) -> tf.Tensor:
        """Convolves with zeros around: one on each side without a stride, else as "SAME"."""
        padding = "SAME" if stride > 1 else [[0, 0], [1, 1], [1, 1], [0, 0]]
        return tf.nn.conv2d(maps, tf.cast(kernel, maps.dtype), stride, padding)
