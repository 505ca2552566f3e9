"""The transform net: the network that is trained, and that stylizes a photo in one pass."""

from __future__ import annotations

import collections.abc
import dataclasses
import functools

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.nets import layers, norms, rows

MIN_SIDE = 16
# Deviation of the untrained net's pictures before the tanh. At full contrast the style loss of a
# soft painting starts a hundred times too high, and the net never recovers from its first steps.
_FIRST_CONTRAST = 0.3
# Side of the first and last kernels: the lite network's and the default one's.
LITE_REACH, _REACH = 7, 9
# Name of the variable that holds the rows of all styles.
TABLE = "styles"
# Name of the norm after the residual blocks at half the trunk's size.
INNER_NORM = "inner_norm"
# The darkest and brightest levels of a photo would be infinite before the tanh.
_BRIGHTEST = 0.98


@dataclasses.dataclass(frozen=True)
class Architecture:
    """The shapes of a transform net's kernels.

    Attributes:
        width: Channels of the first convolution; the trunk has four times as many.
        residual_blocks: Number of residual blocks.
        output_norm: Whether an instance norm precedes the last tanh.
        skips: Whether the decoder receives the encoder's features of the same size.
        lite: Whether the first layer halves the picture and the last doubles it, so that all
            layers between have a quarter of the work.
        antialias: Whether a low-pass filter precedes each stride and follows each upsampling, so
            that the net draws no lattice and flickers less.
        deep: Whether all residual blocks but the first and the last compute at half the trunk's
            size, which doubles their reach and takes a quarter of the work.
    """

    width: int = 32
    residual_blocks: int = 5
    output_norm: bool = True
    skips: bool = True
    lite: bool = False
    antialias: bool = False
    deep: bool = False

    def inner_blocks(self) -> range:
        """Returns the indices of the residual blocks at half the trunk's size."""
        count = self.residual_blocks
        return range(1, count - 1) if self.deep and count > 2 else range(count, count)

    def layout(self) -> rows.Layout:
        """Returns the order of a style's scales, shifts and skip weights in its row."""
        width, trunk = self.width, 4 * self.width
        channels = {"norm1": width, "norm2": 2 * width, "norm3": trunk}
        for index in range(self.residual_blocks):
            channels |= {f"residuals/{index}/norm{which}": trunk for which in (1, 2)}
        if self.inner_blocks():
            channels[INNER_NORM] = trunk
        channels |= {"norm4": 2 * width, "norm5": width}
        if self.output_norm:
            channels["norm6"] = 3
        entries = []
        for name, size in channels.items():
            contrast = _FIRST_CONTRAST if name == "norm6" else 1.0
            entries += [
                rows.Entry(f"{name}/scale", size, contrast),
                rows.Entry(f"{name}/shift", size, 0.0),
            ]
        if self.skips:
            entries += [
                rows.Entry("skip1/scale", 2 * width, 1.0),
                rows.Entry("skip2/scale", width, 1.0),
            ]
        return rows.Layout(tuple(entries))


class TransformNet(tf.Module):
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
        architecture: Architecture = Architecture(),
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
        super().__init__()
        self.architecture = architecture
        self.compute_dtype = compute_dtype
        self.fused_norms = fused_norms
        self.layout = architecture.layout()
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
        self.table = tf.Variable(np.tile(self.layout.initial(), (styles, 1)), name=TABLE)

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
        full = tf.nn.relu(self.norm("norm1", self.enter(images), style))
        half = tf.nn.relu(self.norm("norm2", self.conv2(full), style))
        net = tf.nn.relu(self.norm("norm3", self.conv3(half), style))
        net = self._pass_trunk(tf.cast(net, self.compute_dtype), style)
        net = tf.nn.relu(self.norm("norm4", self.upsample1(net, half), style))
        if self.architecture.skips:
            net = layers.skip(net, half, style["skip1/scale"])
        net = tf.nn.relu(self.norm("norm5", self.upsample2(net, full), style))
        if self.architecture.skips:
            net = layers.skip(net, full, style["skip2/scale"])
        last = self.conv4
        net = last(net, images) if isinstance(last, layers.UpsampleConv) else last(net)
        # With three channels, full precision costs nothing from here on.
        net = tf.cast(net, tf.float32)
        if self.architecture.output_norm:
            if keep is not None:
                style = self.keeping(style, keep, self.color_moments(images))
            net = self.norm("norm6", net, style)
        return tf.ensure_shape((tf.tanh(net) + 1.0) * 127.5, images.shape)

    def style(self, row: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Splits a row, [R] or [B, R], into its entries; None for the first row of `table`."""
        return self.layout.split(self.table[0] if row is None else row)

    def norm(
        self,
        name: str,
        net: tf.Tensor,
        style: dict[str, tf.Tensor],
        of_whole: tuple[tf.Tensor, tf.Tensor] | None = None,
    ) -> tf.Tensor:
        """Applies the instance norm with this name, with the style's scale and shift.

        If `net` belongs to a tile, `of_whole` has the moments of the whole picture.
        """
        scale, shift = style[f"{name}/scale"], style[f"{name}/shift"]
        return norms.instance_norm(net, scale, shift, fused=self.fused_norms, of_whole=of_whole)

    def enter(self, images: tf.Tensor) -> tf.Tensor:
        """Applies the first convolution to images, float32 [B, H, W, 3] in [0, 255]."""
        # The encoder computes in full precision, because norms would amplify the rounding of a
        # clear sky to 8 bits into patterns that are not in the photo.
        return self.conv1(images / 127.5 - 1.0)

    def _pass_trunk(self, net: tf.Tensor, style: dict[str, tf.Tensor]) -> tf.Tensor:
        inner = self.architecture.inner_blocks()
        net = self._pass_blocks(range(inner.start), net, style)
        if inner:
            small = layers.halve(net)
            change = self._pass_blocks(inner, small, style) - small
            net += self.norm(INNER_NORM, layers.double(change, net), style)
        return self._pass_blocks(range(inner.stop, len(self.residuals)), net, style)

    def _pass_blocks(
        self, indices: range, net: tf.Tensor, style: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        for index in indices:
            block = self.residuals[index]
            # No ReLU after the sum (Gross and Wilber 2016).
            inner = tf.nn.relu(self.norm(f"residuals/{index}/norm1", block.conv1(net), style))
            net += self.norm(f"residuals/{index}/norm2", block.conv2(inner), style)
        return net

    def color_moments(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the photos' mean and variance before the last tanh, for `keeping`."""
        bounded = tf.clip_by_value(images / 127.5 - 1.0, -_BRIGHTEST, _BRIGHTEST)
        return norms.moments(tf.atanh(bounded))

    def keeping(
        self, style: dict[str, tf.Tensor], keep: tf.Tensor, colors: tuple[tf.Tensor, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Returns a style that restores the photo's own mean and contrast, which norms remove."""
        mean, variance = (each[:, 0, 0] for each in colors)
        part = tf.reshape(keep, [-1, 1])
        return style | {
            "norm6/scale": (1.0 - part) * style["norm6/scale"] + part * tf.sqrt(variance),
            "norm6/shift": (1.0 - part) * style["norm6/shift"] + part * mean,
        }

    def named_variables(self) -> dict[str, tf.Variable]:
        """Returns the variables by name, as in `tensors`."""
        return {variable.name.removesuffix(":0"): variable for variable in self.variables}

    def tensors(self) -> dict[str, np.ndarray]:
        """Returns the weights by name, float32: kernels by their path, and "styles"."""
        return {name: variable.numpy() for name, variable in self.named_variables().items()}

    def assign(self, tensors: collections.abc.Mapping[str, np.ndarray]) -> None:
        """Sets all weights from arrays named as in `tensors`, of any float dtype.

        Raises:
            UserError: If one is missing or has another shape.
        """
        variables = self.named_variables()
        for name, variable in variables.items():
            found = tensors[name].shape if name in tensors else "nothing"
            if found != tuple(variable.shape):
                raise errors.UserError(
                    f"weights of another architecture: {name} should have the shape "
                    f"{tuple(variable.shape)}, found {found}"
                )
        for name, variable in variables.items():
            variable.assign(tensors[name].astype(np.float32))

    def with_frozen_kernels(self, row: np.ndarray) -> TransformNet:
        """Returns a copy with constant kernels, and a table of one row as its only variable.

        Args:
            row: Initial value, float32 [R].
        """
        copy = self.frozen()
        copy.table = tf.Variable(row[np.newaxis], name=TABLE)
        return copy

    def frozen(self) -> TransformNet:
        """Returns a copy with constants instead of variables, which graphs can fold."""
        copy = TransformNet(
            self.architecture,
            self.compute_dtype,
            styles=self.table.shape[0],
            fused_norms=self.fused_norms,
        )
        copy.assign(self.tensors())
        for module in (copy, *copy.submodules):
            for name, value in list(vars(module).items()):
                if isinstance(value, tf.Variable):
                    setattr(module, name, value.numpy())
        return copy


class _Residual(tf.Module):
    """The two 3x3 convolutions of a residual block."""

    def __init__(self, name: str, channels: int, *, seed: int) -> None:
        super().__init__()
        self.conv1 = layers.Conv(f"{name}/conv1", 3, channels, channels, seed=seed)
        self.conv2 = layers.Conv(f"{name}/conv2", 3, channels, channels, seed=seed + 1)
