"""The transform net: the network that is trained, and that stylizes a photo in one pass."""

from __future__ import annotations

import functools

import tensorflow as tf

from fastnst.nets import architectures, layers, listing, network, norms

# Side of the first and last kernels: the lite network's and the default one's.
LITE_REACH, _REACH = 7, 9
_DEFAULT = architectures.Transform()
# The darkest and brightest levels of a photo would be infinite before the tanh.
BRIGHTEST = 0.98


class TransformNet(network.Network):
    """Residual encoder and decoder (Johnson et al. 2016) with conditional instance norm.

    9x9 convolution, two strided 3x3, residual blocks, two upsampling 3x3, 9x9 to RGB, each but
    the last followed by instance norm and ReLU. The lite network starts with a strided 7x7 and ends
    with an upsampling 7x7. All styles share the kernels; each has a row of scales, shifts and skip
    weights in `table` (Dumoulin et al. 2017).

    Note:
        Unlike the paper, every layer has reflection padding instead of a padded input, upsampling
        is nearest-neighbor instead of a strided transposed convolution, and the norms are instance
        norms instead of batch norms.
        An instance norm also precedes the last tanh, and the decoder receives the encoder's
        features of the same size; both train to a lower objective.
    """

    def __init__(
        self,
        architecture: architectures.Transform = _DEFAULT,
        compute_dtype: tf.DType = tf.float32,
        seed: int = 0,
        *,
        styles: int = 1,
        fused_norms: bool = True,
    ) -> None:
        """Creates the variables, all float32.

        Args:
            architecture: Shapes of the kernels.
            compute_dtype: Dtype of the convolutions in trunk and decoder.
            seed: Seed of the initial kernels.
            styles: Number of rows.
            fused_norms: Whether norms use the fused operation, which is fast on a CPU; see
                `norms.instance_norm`.
        """
        super().__init__(architecture.layout(), styles, compute_dtype, fused_norms=fused_norms)
        self.architecture = architecture
        width, trunk = architecture.width, 4 * architecture.width
        # Each layer has its own seed, so that another block does not change the other layers.
        seed *= 1000
        antialias = architecture.antialias
        down = functools.partial(layers.Conv, stride=2, antialias=antialias)
        up = functools.partial(layers.UpsampleConv, antialias=antialias)
        reach = LITE_REACH if architecture.lite else _REACH
        first, last = (down, up) if architecture.lite else (layers.Conv, layers.ConvToRgb)
        self.conv1 = first("conv1", reach, 3, width, seed=seed)
        self.conv2 = down("conv2", 3, width, 2 * width, seed=seed + 1)
        self.conv3 = down("conv3", 3, 2 * width, trunk, seed=seed + 2)
        self.residuals = [
            _Residual(f"residuals/{index}", trunk, seed=seed + 10 + 2 * index)
            for index in range(architecture.residual_blocks)
        ]
        self.upsample1 = up("upsample1", 3, trunk, 2 * width, seed=seed + 3)
        self.upsample2 = up("upsample2", 3, 2 * width, width, seed=seed + 4)
        self.conv4 = last("conv4", reach, width, 3, seed=seed + 5)

    def __call__(
        self, images: tf.Tensor, row: tf.Tensor | None = None, keep: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Stylizes images.

        Args:
            images: float32 RGB [B, H, W, 3] in [0, 255], at least 16 x 16.
            row: Row of the style, float32 [R] for all images or [B, R]; None for the first row
                of `table`.
            keep: How much of each photo's own mean color and contrast replaces the style's, float32
                scalar or [B] in [0, 1]; None for none. 1 suits the row that reproduces the photo.

        Returns:
            float32 RGB of the same shape, in [0, 255].
        """
        style = self.style(row)
        if keep is not None and self.architecture.output_norm:
            style = self.keeping(style, keep, self.color_moments(images))
        style = self.fading(style, network.contrast(images))
        return tf.ensure_shape(self.compute(images, style), images.shape)

    def copy(self, styles: int) -> TransformNet:
        """Returns a new network of the same layers, with a table of so many rows."""
        return TransformNet(
            self.architecture, self.compute_dtype, styles=styles, fused_norms=self.fused_norms
        )

    def list_layers(self) -> tuple[listing.Layer, ...]:
        """Lists the layers in the order in which they are computed."""
        return _Listing(self).build()

    def color_moments(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the photos' mean and variance before the last tanh, for `keeping`."""
        bounded = tf.clip_by_value(images / 127.5 - 1.0, -BRIGHTEST, BRIGHTEST)
        return norms.moments(tf.atanh(bounded))

    def keeping(
        self, style: dict[str, tf.Tensor], keep: tf.Tensor, colors: tuple[tf.Tensor, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Returns a style that restores the photo's own mean and contrast, which norms remove."""
        mean, variance = (each[:, 0, 0] for each in colors)
        part = tf.reshape(keep, [-1, 1])
        norm = architectures.OUTPUT_NORM
        own = {f"{norm}/scale": tf.sqrt(variance), f"{norm}/shift": mean}
        return style | {
            entry: (1.0 - part) * style[entry] + part * value for entry, value in own.items()
        }


class _Residual(tf.Module):
    """The two 3x3 convolutions of a residual block."""

    def __init__(self, name: str, channels: int, *, seed: int) -> None:
        super().__init__()
        self.conv1 = layers.Conv(f"{name}/conv1", 3, channels, channels, seed=seed)
        self.conv2 = layers.Conv(f"{name}/conv2", 3, channels, channels, seed=seed + 1)


class _Listing:
    """Lists the layers of a transform net; its methods return the name of the last one."""

    def __init__(self, net: TransformNet) -> None:
        self._net = net
        self._layers: list[listing.Layer] = []

    def build(self) -> tuple[listing.Layer, ...]:
        net, inner = self._net, self._net.architecture.inner_blocks()
        # The encoder computes in full precision, because norms would amplify the rounding of a
        # clear sky to 8 bits into patterns that are not in the photo.
        centered = self._add(listing.Affine("centered", listing.PHOTO, 1 / 127.5, -1.0))
        full = self._active("norm1", self._convolve("conv1", centered, net.conv1))
        half = self._active("norm2", self._convolve("conv2", full, net.conv2))
        last = self._active("norm3", self._convolve("conv3", half, net.conv3))
        last = self._add(listing.Cast("trunk", last, net.compute_dtype))
        last = self._blocks(range(inner.start), last)
        if inner:
            last = self._inner_blocks(inner, last)
        last = self._blocks(range(inner.stop, len(net.residuals)), last)
        last = self._upsample(1, last, net.upsample1, half)
        last = self._upsample(2, last, net.upsample2, full)
        if isinstance(net.conv4, layers.UpsampleConv):
            last = self._add(listing.Upsample("conv4", last, net.conv4, listing.PHOTO))
        else:
            last = self._convolve("conv4", last, net.conv4)
        # With three channels, full precision costs nothing from here on.
        last = self._add(listing.Cast("output", last, tf.float32))
        if net.architecture.output_norm:
            last = self._add(listing.Norm(architectures.OUTPUT_NORM, last))
        last = self._add(listing.Tanh("tanh", last))
        self._add(listing.Affine("picture", last, 127.5, 127.5))
        return tuple(self._layers)

    def _add(self, layer: listing.Layer) -> str:
        self._layers.append(layer)
        return layer.name

    def _convolve(self, name: str, source: str, conv: layers.Conv) -> str:
        return self._add(listing.Convolve(name, source, conv))

    def _active(self, norm: str, source: str) -> str:
        normed = self._add(listing.Norm(norm, source))
        return self._add(listing.Relu(f"{norm}/relu", normed))

    def _blocks(self, indices: range, last: str) -> str:
        for index in indices:
            name, block = f"residuals/{index}", self._net.residuals[index]
            conv1 = self._convolve(f"{name}/conv1", last, block.conv1)
            inner = self._active(f"{name}/norm1", conv1)
            conv2 = self._convolve(f"{name}/conv2", inner, block.conv2)
            normed = self._add(listing.Norm(f"{name}/norm2", conv2))
            # No ReLU after the sum (Gross and Wilber 2016).
            last = self._add(listing.Add(name, normed, last))
        return last

    def _inner_blocks(self, indices: range, last: str) -> str:
        """Adds the blocks at half the trunk's size, whose change is added at the trunk's."""
        small = self._add(listing.Halve("halve", last))
        changed = self._blocks(indices, small)
        change = self._add(listing.Subtract("change", changed, small))
        large = self._add(listing.Double("double", change, last))
        normed = self._add(listing.Norm(architectures.INNER_NORM, large))
        return self._add(listing.Add("inner", normed, last))

    def _upsample(self, index: int, source: str, conv: layers.UpsampleConv, earlier: str) -> str:
        """Doubles the size to that of the encoder's features, and adds these."""
        large = self._add(listing.Upsample(f"upsample{index}", source, conv, earlier))
        last = self._active(f"norm{3 + index}", large)
        if self._net.architecture.skips:
            last = self._add(listing.Skip(f"skip{index}", last, earlier))
        return last
