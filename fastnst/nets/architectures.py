"""The architectures of networks, which are stored in a model's description.

Nothing here needs TensorFlow, so that descriptions are read without it.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import itertools
from typing import Any, ClassVar

from fastnst.nets import rows

# Name of the variable with the rows of all styles.
TABLE = "styles"
# Deviation of the untrained net's pictures before the tanh. At full contrast the style loss of a
# soft painting starts a hundred times too high, and the net never recovers from its first steps.
_FIRST_CONTRAST = 0.3
# Name of the norm after the residual blocks at half the trunk's size.
INNER_NORM = "inner_norm"
# Name of the norm before the last tanh.
OUTPUT_NORM = "norm6"
# Descriptions are files of others: more would be a mistake, or take the machine's memory.
_MOST_WIDTH, _MOST_BLOCKS, _MOST_LAYERS, _MOST_PIXELS, _MOST_DOUBLES = 4096, 256, 2000, 512, 6
# Halves of the largest photos: more would only repeat a single pixel.
_MOST_DEPTH = 16
# Kind of the layers of `Listed` that have scales and shifts.
NORM = "Norm"


@dataclasses.dataclass(frozen=True)
class Transform:
    """The shapes of the kernels of a transform net.

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

    NAME: ClassVar[str] = "transform_net"

    def check(self) -> None:
        """Raises a ValueError if a value that comes from a file is impossible."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if type(value) is not type(field.default):
                raise ValueError(f"{field.name}: {value!r:.80} should be {field.type}")
        if not (1 <= self.width <= _MOST_WIDTH and 0 <= self.residual_blocks <= _MOST_BLOCKS):
            raise ValueError(
                f"width {self.width}, residual_blocks {self.residual_blocks}: too many"
            )

    def inner_blocks(self) -> range:
        """Returns the indices of the residual blocks at half the trunk's size."""
        count = self.residual_blocks
        return range(1, count - 1) if self.deep and count > 2 else range(count, count)

    def some_shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the shapes of kernels whose size tells that of the whole network, by name."""
        trunk = 4 * self.width
        shapes: dict[str, tuple[int, ...]] = {"conv3/kernel": (3, 3, 2 * self.width, trunk)}
        for index in range(self.residual_blocks):
            shapes[f"residuals/{index}/conv1/kernel"] = (3, 3, trunk, trunk)
        return shapes

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
            channels[OUTPUT_NORM] = 3
        entries = []
        for name, size in channels.items():
            contrast = _FIRST_CONTRAST if name == OUTPUT_NORM else 1.0
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


@dataclasses.dataclass(frozen=True)
class UNet:
    """The shapes of the kernels of a U-Net.

    Attributes:
        width: Channels of the first convolution; deeper ones have up to eight times as many.
        depth: Number of convolutions that halve the size, and of those that double it again. With
            8, those of 256 pixels end at a single one.
    """

    width: int = 64
    depth: int = 8

    NAME: ClassVar[str] = "unet"

    def check(self) -> None:
        """Raises a ValueError if a value that comes from a file is impossible."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if type(value) is not int:
                raise ValueError(f"{field.name}: {value!r:.80} should be {field.type}")
        if not (1 <= self.width <= _MOST_WIDTH and 1 <= self.depth <= _MOST_DEPTH):
            raise ValueError(f"width {self.width}, depth {self.depth}: too many")

    def channels(self) -> tuple[int, ...]:
        """Returns the channels of each level of the encoder."""
        return tuple(self.width * min(2**level, 8) for level in range(self.depth))

    def some_shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the shapes of kernels whose size tells that of the whole network, by name."""
        pairs = enumerate(itertools.pairwise((3, *self.channels())))
        return {f"down/{level}/kernel": (4, 4, *pair) for level, pair in pairs}

    def layout(self) -> rows.Layout:
        """Returns the order of the scales and shifts of the norms in a row."""
        channels = self.channels()
        sizes = {f"down/{level}/norm": channels[level] for level in range(1, self.depth)}
        sizes |= {f"up/{level}/norm": channels[level - 1] for level in range(1, self.depth)}
        return _norms(sizes)


@dataclasses.dataclass(frozen=True)
class Listed:
    """The layers of a network, as in model.json.

    Attributes:
        layers: For each layer, "kind" and the attributes of the class of this name in `listing`.
            A convolution has "shape", "stride" and "bias" instead of the convolution, and a norm
            has "channels" and "epsilon".
    """

    layers: tuple[dict[str, Any], ...]

    NAME: ClassVar[str] = "layers"

    def check(self) -> None:
        """Raises a ValueError if a value that comes from a file is impossible."""
        if not self.layers or len(self.layers) > _MOST_LAYERS:
            raise ValueError(f"{len(self.layers)} layers: should be from 1 to {_MOST_LAYERS}")
        doubles = 0
        for layer in self.layers:
            numbers = [layer.get("multiple", 1), layer.get("margin", 0), *layer.get("margins", ())]
            if not all(isinstance(each, int) and 0 <= each <= _MOST_PIXELS for each in numbers):
                raise ValueError(f"layer {layer['name']}: {numbers} pixels are impossible")
            doubles += layer["kind"] in ("DepthToSpace", "Repeat")
        if doubles > _MOST_DOUBLES:
            raise ValueError(f"{doubles} layers double the size: should be up to {_MOST_DOUBLES}")

    def some_shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the shapes of the kernels, by name."""
        convolutions = (layer for layer in self.layers if "shape" in layer)
        return {f"{layer['name']}/kernel": tuple(layer["shape"]) for layer in convolutions}

    def layout(self) -> rows.Layout:
        """Returns the order of the scales and shifts of the norms in a row."""
        return _norms(
            {each["name"]: each["channels"] for each in self.layers if each["kind"] == NORM}
        )


def _norms(channels: collections.abc.Mapping[str, int]) -> rows.Layout:
    """Returns the layout of the scales and shifts of norms, from their channels by name."""
    return rows.Layout(
        tuple(
            rows.Entry(f"{name}/{entry}", size, initial)
            for name, size in channels.items()
            for entry, initial in (("scale", 1.0), ("shift", 0.0))
        )
    )
