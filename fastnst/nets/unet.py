"""The U-Net: a generator that passes details around a narrow middle."""

from __future__ import annotations

import itertools

import numpy as np
import tensorflow as tf

from fastnst.nets import architectures, layers, listing, network, transposed

_SIZE = transposed.SIZE
# Zeros around the input of a strided convolution, as TensorFlow's "SAME" adds them. For even
# sizes, the last row and column are not read.
_MARGINS = (1, 2, 1, 2)
# Standard deviation of the initial kernels and scales.
DEVIATION = 0.02
_DEFAULT = architectures.UNet()


class UNet(network.Network):
    """Encoder and decoder with concatenated skips (Ronneberger et al. 2015, Isola et al. 2017).

    It is the generator of Kaggle's "Monet CycleGAN Tutorial": 4 x 4 convolutions that halve the
    size, each but the first followed by an instance norm, and all by a leaky ReLU; transposed
    convolutions that double it, followed by an instance norm and a ReLU, whose results are
    concatenated with the encoder's of the same size; a last one to RGB, and a tanh. Kernels and
    scales start from N(0, 0.02).

    Note:
        Unlike the tutorial's, it takes photos of any size from 16 x 16 pixels: halves are rounded
        up, and results are cropped to the encoder's. It has no dropout.
        Transposed convolutions whose kernels are not trained much yet draw a checkerboard, and
        zeros around the picture a frame. The transform net has neither.
    """

    def __init__(
        self,
        architecture: architectures.UNet = _DEFAULT,
        compute_dtype: tf.DType = tf.float32,
        seed: int = 0,
        *,
        styles: int = 1,
        fused_norms: bool = True,
    ) -> None:
        """Creates the variables, all float32.

        Args:
            architecture: Shapes of the kernels.
            compute_dtype: Dtype of all convolutions but the first.
            seed: Seed of the initial kernels and scales.
            styles: Number of rows.
            fused_norms: As in `network.Network`.
        """
        super().__init__(architecture.layout(), styles, compute_dtype, fused_norms=fused_norms)
        self.architecture = architecture
        random = np.random.default_rng(seed)
        channels = (3, *architecture.channels())
        self.down = [
            layers.ValidConv(f"down/{level}", (_SIZE, _SIZE, inputs, outputs), stride=2)
            for level, (inputs, outputs) in enumerate(itertools.pairwise(channels))
        ]
        innermost = architecture.depth - 1
        # Every level but the innermost also receives the encoder's features.
        self.up = [
            transposed.TransposedConv(
                f"up/{level}",
                channels[level + 1] * (1 if level == innermost else 2),
                channels[level],
                bias=level == 0,
            )
            for level in range(architecture.depth)
        ]
        for conv in (*self.down, *self.up):
            conv.kernel.assign(random.normal(0.0, DEVIATION, conv.kernel.shape))
        row = [
            random.normal(0.0, DEVIATION, entry.size)
            if entry.name.endswith("/scale")
            else np.zeros(entry.size)
            for entry in self.layout.entries
        ]
        if row:
            self.table.assign(np.tile(np.concatenate(row), (styles, 1)))

    def copy(self, styles: int) -> UNet:
        """Returns a new network of the same layers, with a table of so many rows."""
        return UNet(
            self.architecture, self.compute_dtype, styles=styles, fused_norms=self.fused_norms
        )

    def list_layers(self) -> tuple[listing.Layer, ...]:
        """Lists the layers in the order in which they are computed."""
        listed: list[listing.Layer] = [listing.Affine("centered", listing.PHOTO, 1 / 127.5, -1.0)]

        def add(layer: listing.Layer) -> str:
            listed.append(layer)
            return layer.name

        last, skips = "centered", [listing.PHOTO]
        for level, down in enumerate(self.down):
            name = f"down/{level}"
            padded = add(listing.Pad(f"{name}/pad", last, _MARGINS, "zero"))
            last = add(listing.ConvolveValid(name, padded, down))
            if level > 0:
                last = add(listing.Norm(f"{name}/norm", last))
            last = add(listing.LeakyRelu(f"{name}/relu", last))
            if level == 0:
                # The photo itself is read in full precision.
                last = add(listing.Cast("trunk", last, self.compute_dtype))
            skips.append(last)
        for level in reversed(range(len(self.up))):
            name, skip = f"up/{level}", skips[level]
            last = add(listing.ConvolveTransposed(name, last, self.up[level], skip))
            if level > 0:
                last = add(listing.Norm(f"{name}/norm", last))
                last = add(listing.Relu(f"{name}/relu", last))
                last = add(listing.Concat(f"{name}/both", last, skip))
        last = add(listing.Cast("output", last, tf.float32))
        last = add(listing.Tanh("tanh", last))
        add(listing.Affine("picture", last, 127.5, 127.5))
        return tuple(listed)
