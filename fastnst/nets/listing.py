"""The layers of a network as a list, which everything that computes the network reads.

Three programs do: `network`, for whole pictures; `steps`, for tiles of large pictures; and
`operations`, for the formats of other programs.
"""

from __future__ import annotations

import collections.abc
import dataclasses

import tensorflow as tf

from fastnst.nets import layers, norms, transposed

# Name of the network's input, in place of a layer's name.
PHOTO = "photo"


@dataclasses.dataclass(frozen=True)
class Layer:
    """An operation on feature maps [B, H, W, C].

    Attributes:
        name: Name of its result.
        source: Name of the layer whose result it reads, or PHOTO.
    """

    name: str
    source: str


@dataclasses.dataclass(frozen=True)
class Affine(Layer):
    """Computes factor * x + offset."""

    factor: float
    offset: float


@dataclasses.dataclass(frozen=True)
class Cast(Layer):
    """Converts to the dtype in which the following layers compute."""

    dtype: tf.DType


@dataclasses.dataclass(frozen=True)
class Convolve(Layer):
    """Convolves.

    Attributes:
        conv: The convolution and its kernel.
    """

    conv: layers.Conv


@dataclasses.dataclass(frozen=True)
class Upsample(Layer):
    """Doubles height and width, and convolves.

    Attributes:
        conv: The convolution and its kernel.
        like: Name of the layer, or PHOTO, to whose height and width the result is cropped.
    """

    conv: layers.UpsampleConv
    like: str


@dataclasses.dataclass(frozen=True)
class ConvolveValid(Layer):
    """Convolves without padding.

    Attributes:
        conv: The convolution, its kernel and its bias.
    """

    conv: layers.ValidConv


@dataclasses.dataclass(frozen=True)
class ConvolveTransposed(Layer):
    """Doubles height and width by a transposed convolution.

    Attributes:
        conv: The convolution, its kernel and its bias.
        like: As in `Upsample`.
    """

    conv: transposed.TransposedConv
    like: str


@dataclasses.dataclass(frozen=True)
class Pad(Layer):
    """Adds pixels at the border.

    Attributes:
        margins: Pixels to add at the top, at the bottom, on the left and on the right.
        mode: One of `padding.MODES`.
    """

    margins: tuple[int, int, int, int]
    mode: str


@dataclasses.dataclass(frozen=True)
class Extend(Layer):
    """Mirrors pixels at the bottom and on the right, up to the next multiple of a size.

    Attributes:
        multiple: Height and width of the result are multiples of this.
    """

    multiple: int


@dataclasses.dataclass(frozen=True)
class Trim(Layer):
    """Removes pixels at the border.

    Attributes:
        margin: Pixels to remove on each side.
    """

    margin: int


@dataclasses.dataclass(frozen=True)
class Crop(Layer):
    """Crops to the height and width of another result, at the bottom and on the right.

    Attributes:
        like: Name of the layer, or PHOTO.
    """

    like: str


@dataclasses.dataclass(frozen=True)
class DepthToSpace(Layer):
    """Turns each pixel of 4 C channels into 2 x 2 pixels of C: row by row, channels innermost."""


@dataclasses.dataclass(frozen=True)
class Repeat(Layer):
    """Doubles height and width by repeating each pixel."""


@dataclasses.dataclass(frozen=True)
class Halve(Layer):
    """Halves height and width by a low-pass filter; see `layers.halve`."""


@dataclasses.dataclass(frozen=True)
class Double(Layer):
    """Doubles height and width by linear interpolation; see `layers.double`.

    Attributes:
        like: As in `Upsample`.
    """

    like: str


@dataclasses.dataclass(frozen=True)
class Norm(Layer):
    """Applies an instance norm, with the style's entries "NAME/scale" and "NAME/shift".

    Attributes:
        epsilon: Is added to the variance.
    """

    epsilon: float = norms.EPSILON

    @property
    def entries(self) -> tuple[str, str]:
        """The names of the scale and of the shift."""
        return f"{self.name}/scale", f"{self.name}/shift"


def last_norm(layers: collections.abc.Iterable[Layer]) -> Norm | None:
    """Returns the last norm of a network; None if it has none."""
    return next((each for each in reversed([*layers]) if isinstance(each, Norm)), None)


@dataclasses.dataclass(frozen=True)
class Relu(Layer):
    """Computes max(x, 0)."""


@dataclasses.dataclass(frozen=True)
class LeakyRelu(Layer):
    """Computes max(x, slope * x).

    Attributes:
        slope: Slope for negative values, in (0, 1); Keras's default.
    """

    slope: float = 0.3


@dataclasses.dataclass(frozen=True)
class Tanh(Layer):
    """Computes the hyperbolic tangent."""


@dataclasses.dataclass(frozen=True)
class Clip(Layer):
    """Clips to a range.

    Attributes:
        low: Smallest value.
        high: Largest value.
    """

    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Add(Layer):
    """Computes x + other.

    Attributes:
        other: Name of an earlier layer, whose result has the same shape.
    """

    other: str


@dataclasses.dataclass(frozen=True)
class Concat(Layer):
    """Appends the channels of another result.

    Attributes:
        other: Name of an earlier layer, whose result has the same height and width.
    """

    other: str


@dataclasses.dataclass(frozen=True)
class Subtract(Add):
    """Computes x - other."""


@dataclasses.dataclass(frozen=True)
class Skip(Add):
    """Computes x + scale * other, with a weight per channel, the style's entry "NAME/scale"."""

    @property
    def entry(self) -> str:
        """The name of the weights."""
        return f"{self.name}/scale"
