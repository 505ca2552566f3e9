"""A network as a list of plain operations, from which the formats of other programs are written.

The layers of `listing` are tuned for TensorFlow: fused norms, gathers instead of padding, low-pass
filters inside of kernels. Other programs need the same network in operations that every runtime
has. Each operation reads the results of earlier ones by their names; the first reads PHOTO, and the
last makes the picture.

A low-pass filter is an operation of its own here: a kernel of 3 x 3 taps and a filter of each
channel take half the products of a kernel of 5 x 5 taps, which includes the filter.
"""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from fastnst.nets import (
    architectures,
    layers,
    listing,
    network,
    norms,
    transform_net,
    transposed,
)

# Name of the network's input, float32 RGB in [0, 255].
PHOTO = listing.PHOTO


# Layers that are plain already. The mode of a pad may also be "symmetric": b a | a b c.
Operation: TypeAlias = listing.Layer
Affine: TypeAlias = listing.Affine
Pad: TypeAlias = listing.Pad
Extend: TypeAlias = listing.Extend
Trim: TypeAlias = listing.Trim
DepthToSpace: TypeAlias = listing.DepthToSpace
Repeat: TypeAlias = listing.Repeat
Relu: TypeAlias = listing.Relu
LeakyRelu: TypeAlias = listing.LeakyRelu
Tanh: TypeAlias = listing.Tanh
Clip: TypeAlias = listing.Clip
Concat: TypeAlias = listing.Concat
_PLAIN = (Affine, Pad, Extend, Trim, DepthToSpace, Repeat, Relu, LeakyRelu, Tanh, Clip)


@dataclasses.dataclass(frozen=True)
class Conv(Operation):
    """Convolves without padding.

    Attributes:
        kernel: float32 [size, size, inputs, outputs]; [size, size, C, 1] if depthwise.
        stride: Stride in both directions.
        depthwise: Whether each channel has its own kernel.
        bias: float32 [outputs], or None.
    """

    kernel: np.ndarray
    stride: int = 1
    depthwise: bool = False
    bias: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Norm(Operation):
    """Normalizes each channel of each image by its mean and variance.

    Attributes:
        scale: Entry of the style's row with the new deviations.
        shift: Entry of the style's row with the new means.
        epsilon: Is added to the variance.
        colors: Name of an earlier result whose own deviations and means replace those of the style
            by the part `keep` of `TransformNet.__call__`; None to keep those of the style.
    """

    scale: str
    shift: str
    epsilon: float = norms.EPSILON
    colors: str | None = None


@dataclasses.dataclass(frozen=True)
class Atanh(Operation):
    """Computes the inverse hyperbolic tangent."""


@dataclasses.dataclass(frozen=True)
class Add(Operation):
    """Computes x + factor * other.

    Attributes:
        other: Name of an earlier result of the same shape.
        factor: A number, or the entry of the style's row with a factor for each channel.
    """

    other: str
    factor: float | str = 1.0


@dataclasses.dataclass(frozen=True)
class Fade(Operation):
    """Computes x * min(1, the largest difference of two pixels in a channel of the photo).

    It is 0 for a photo of one color, and changes no other; see `network.Network.fading`.
    """


@dataclasses.dataclass(frozen=True)
class Crop(Operation):
    """Crops to the height and width of another result.

    Attributes:
        like: Name of an earlier result.
        offset: First row and column to keep.
    """

    like: str
    offset: int = 0


def of(net: network.Network, *, strength: bool = False) -> tuple[Operation, ...]:
    """Lists the operations of a network.

    Args:
        net: The network; its kernels are copied.
        strength: Whether the output norm restores colors of the photo, as strengths below 1 do.
    """
    listed = net.list_layers()
    last_norm = listing.last_norm(listed)
    lowering = _Lowering(strength)
    for layer in listed:
        lowering.add(layer, fades=layer is last_norm)
    return tuple(lowering.operations)


class _Lowering:
    """Collects the operations that compute the layers."""

    def __init__(self, strength: bool) -> None:
        self._strength = strength
        self.operations: list[Operation] = []
        # The results of casts, which programs with one dtype do without, by those they cast.
        self._renamed: dict[str, str] = {}
        self._channels = {PHOTO: 3}

    def add(self, layer: listing.Layer, *, fades: bool = False) -> None:
        """Adds the operations that compute a layer; the last has its name.

        Args:
            layer: The layer.
            fades: Whether it receives nothing of a photo of one color.
        """
        name, source = layer.name, self._now(layer.source)
        if fades:
            source = self._add(Fade(f"{name}/faded", source))
        match layer:
            case listing.Cast():
                self._renamed[name] = source
            case listing.Convolve(conv=layers.ConvToRgb() as conv):
                margins = (conv.reach, conv.reach + 1) * 2
                padded = self._add(Pad(f"{name}/pad", source, margins, "reflect"))
                kernel = _values(conv.in_blocks())
                blocks = self._add(Conv(f"{name}/blocks", padded, kernel, stride=2))
                large = self._add(DepthToSpace(f"{name}/large", blocks))
                self._add(Crop(name, large, source))
            case listing.Convolve(conv=conv):
                last = self._add(Pad(f"{name}/pad", source, _around(conv.reach), "reflect"))
                if conv.antialias:
                    last = self._low_pass(f"{name}/smooth", last)
                self._add(Conv(name, last, _values(conv.kernel), conv.stride))
            case listing.Upsample(conv=conv, like=like):
                self._upsample(name, source, conv, self._now(like))
            case listing.Halve():
                self._low_pass(name, self._reflect(name, source), stride=2)
            case listing.Double(like=like):
                repeated = self._add(Repeat(f"{name}/repeated", source))
                smooth = f"{name}/smooth"
                self._low_pass(smooth, self._reflect(smooth, repeated))
                self._add(Crop(name, smooth, self._now(like)))
            case listing.ConvolveValid(conv=conv):
                bias = None if conv.bias is None else _values(conv.bias)
                self._add(Conv(name, source, _values(conv.kernel), conv.stride, bias=bias))
            case listing.ConvolveTransposed(conv=conv, like=like):
                self._transposed(name, source, conv, self._now(like))
            case listing.Crop(like=like):
                self._add(Crop(name, source, self._now(like)))
            case listing.Norm(entries=(scale, shift), epsilon=epsilon):
                keeps = self._strength and name == architectures.OUTPUT_NORM
                colors = self._colors() if keeps else None
                self._add(Norm(name, source, scale, shift, epsilon, colors))
            case listing.Skip(other=other, entry=entry):
                self._add(Add(name, source, self._now(other), entry))
            case listing.Subtract(other=other):
                self._add(Add(name, source, self._now(other), -1.0))
            case listing.Add(other=other):
                self._add(Add(name, source, self._now(other)))
            case listing.Concat(other=other):
                self._add(Concat(name, source, self._now(other)))
            case _ if isinstance(layer, _PLAIN):
                self._add(dataclasses.replace(layer, source=source))
            case _:
                raise TypeError(f"no operations for {layer}")

    def _now(self, name: str) -> str:
        return self._renamed.get(name, name)

    def _upsample(self, name: str, source: str, conv: layers.UpsampleConv, like: str) -> None:
        kernel, offset = layers.folded(conv.kernel)
        padded = self._add(Pad(f"{name}/pad", source, _around(conv.reach), "symmetric"))
        blocks = self._add(Conv(f"{name}/blocks", padded, _values(kernel)))
        last = self._add(DepthToSpace(f"{name}/large", blocks))
        # The filter may need one more pixel of the small image, which are two of the large one.
        offset += 2 * (conv.reach - kernel.shape[0] // 2)
        if conv.antialias:
            last = self._low_pass(f"{name}/smooth", last)
            offset -= layers.LOW_PASS_REACH
        self._add(Crop(name, last, like, offset))

    def _transposed(
        self, name: str, source: str, conv: transposed.TransposedConv, like: str
    ) -> None:
        padded = self._add(Pad(f"{name}/pad", source, _around(transposed.REACH), "zero"))
        bias = None if conv.bias is None else np.tile(_values(conv.bias), 4)
        kernel = _values(conv.in_blocks())
        blocks = self._add(Conv(f"{name}/blocks", padded, kernel, bias=bias))
        large = self._add(DepthToSpace(f"{name}/large", blocks))
        self._add(Crop(name, large, like, transposed.REACH))

    def _reflect(self, name: str, source: str) -> str:
        margins = _around(layers.LOW_PASS_REACH)
        return self._add(Pad(f"{name}/pad", source, margins, "reflect"))

    def _low_pass(self, name: str, source: str, stride: int = 1) -> str:
        """Filters without padding."""
        kernel = layers.low_pass_kernel(self._channels[source])
        return self._add(Conv(name, source, kernel, stride, depthwise=True))

    def _colors(self) -> str:
        """Adds the photo before the last tanh; see `TransformNet.color_moments`."""
        centered = self._add(Affine("colors/centered", PHOTO, 1 / 127.5, -1.0))
        brightest = transform_net.BRIGHTEST
        bounded = self._add(Clip("colors/bounded", centered, -brightest, brightest))
        return self._add(Atanh("colors", bounded))

    def _add(self, operation: Operation) -> str:
        channels = self._channels[operation.source]
        if isinstance(operation, Conv) and not operation.depthwise:
            channels = operation.kernel.shape[-1]
        elif isinstance(operation, DepthToSpace):
            channels //= 4
        elif isinstance(operation, Concat):
            channels += self._channels[operation.other]
        self._channels[operation.name] = channels
        self.operations.append(operation)
        return operation.name


def _around(margin: int) -> tuple[int, int, int, int]:
    """Returns equal margins on all sides."""
    return margin, margin, margin, margin


def _values(kernel: tf.Tensor | np.ndarray) -> np.ndarray:
    """Returns the values of a variable, a tensor, or an array of a frozen network."""
    return tf.convert_to_tensor(kernel).numpy()
