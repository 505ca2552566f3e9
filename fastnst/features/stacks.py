"""The loss networks by slim's names, each a stack of convolutions: a table, without weights.

Of slim's networks, these compute everything up to their fully connected layers in one chain. The
others of its list branch (Inception) or add (ResNet), and need the statistics of batch norms.

A layer is named after the ReLU of its convolution: "relu3_3" is that of "conv3_3", whose variables
slim calls "vgg_16/conv3/conv3_3/weights" and "vgg_16/conv3/conv3_3/biases".
"""

from __future__ import annotations

import collections.abc
import dataclasses
from typing import TypeAlias

from fastnst.features import vgg


@dataclasses.dataclass(frozen=True)
class Convolution:
    """A convolution with biases, and its ReLU.

    Attributes:
        scope: Slim's scope within the network, such as "conv3/conv3_3".
        side: Height and width of the kernel.
        channels: Number of output channels.
        stride: Positions between two outputs.
        same: Whether the border is padded, so that each position has an output. Otherwise only
            those have one whose kernel lies within the picture.
    """

    scope: str
    side: int
    channels: int
    stride: int = 1
    same: bool = True

    @property
    def layer(self) -> str:
        """The name of the layer that it computes: relu3_3."""
        return self.scope.rpartition("/")[2].replace("conv", "relu")


@dataclasses.dataclass(frozen=True)
class Pooling:
    """A pooling of squares within the picture."""

    side: int
    stride: int = 2


@dataclasses.dataclass(frozen=True)
class Normalization:
    """A local response normalization across channels (Krizhevsky et al. 2012, section 3.3).

    Each value is divided by (bias + alpha * the sum of the squares of 2 radius + 1 channels)^beta.
    """

    radius: int
    bias: float
    alpha: float
    beta: float


Step: TypeAlias = Convolution | Pooling | Normalization

# What is done to a picture, RGB in [0, 255], before the first step: subtract a mean color; subtract
# the picture's own mean and divide by its deviation; or map to [-1, 1].
CENTERED, STANDARDIZED, SCALED = "centered", "standardized", "scaled"


@dataclasses.dataclass(frozen=True)
class Stack:
    """A network.

    Attributes:
        scope: Slim's variable scope.
        steps: Its steps up to the last convolution.
        pictures: What is done to pictures first.
    """

    scope: str
    steps: tuple[Step, ...]
    pictures: str = CENTERED


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer to choose.

    Attributes:
        name: Its name, such as "relu3_3".
        channels: Number of channels.
        stride: Pixels of the picture between two positions.
        field: Side of the square of the picture that a position depends on, in pixels.
    """

    name: str
    channels: int
    stride: int
    field: int


_CIFAR_NORM = Normalization(radius=4, bias=1.0, alpha=0.001 / 9.0, beta=0.75)
_OTHERS = {
    # Krizhevsky 2014, without the normalizations of 2012.
    "alexnet_v2": Stack(
        "alexnet_v2",
        (
            Convolution("conv1", 11, 64, stride=4, same=False),
            Pooling(3),
            Convolution("conv2", 5, 192),
            Pooling(3),
            Convolution("conv3", 3, 384),
            Convolution("conv4", 3, 384),
            Convolution("conv5", 3, 256),
        ),
    ),
    # Sermanet et al. 2013.
    "overfeat": Stack(
        "overfeat",
        (
            Convolution("conv1", 11, 64, stride=4, same=False),
            Pooling(2),
            Convolution("conv2", 5, 256, same=False),
            Pooling(2),
            Convolution("conv3", 3, 512),
            Convolution("conv4", 3, 1024),
            Convolution("conv5", 3, 1024),
        ),
    ),
    # For CIFAR-10's pictures of 32 x 32 pixels.
    "cifarnet": Stack(
        "CifarNet",
        (Convolution("conv1", 5, 64), Pooling(2), _CIFAR_NORM, Convolution("conv2", 5, 64)),
        STANDARDIZED,
    ),
    # For MNIST's digits of 28 x 28 pixels.
    "lenet": Stack(
        "LeNet",
        (Convolution("conv1", 5, 32), Pooling(2), Convolution("conv2", 5, 64)),
        SCALED,
    ),
}
NAMES = (*vgg.MODELS, *_OTHERS)


def default_file(model: str) -> str:
    """Returns where the file of a network of `NAMES` is looked for by default."""
    if model == "vgg_19":
        # As MatConvNet publishes it.
        return "pretrained/imagenet-vgg-verydeep-19.mat"
    return f"pretrained/{model}.ckpt"


def stack(model: str) -> Stack:
    """Returns a network of `NAMES`."""
    if model in _OTHERS:
        return _OTHERS[model]
    steps: list[Step] = []
    for block, (repeats, channels) in enumerate(vgg.MODELS[model], start=1):
        steps += [Pooling(2)] if steps else []
        steps += [
            Convolution(f"conv{block}/conv{block}_{index}", 3, channels)
            for index in range(1, repeats + 1)
        ]
    return Stack(model, tuple(steps))


def convolutions(model: str) -> dict[str, Convolution]:
    """Returns the convolutions of a network of `NAMES` by layer, in order."""
    return {step.layer: step for step in stack(model).steps if isinstance(step, Convolution)}


def layers(model: str) -> list[Layer]:
    """Describes the layers of a network of `NAMES`, in order."""
    found = []
    stride = field = 1
    for step in stack(model).steps:
        if isinstance(step, Normalization):
            continue
        field += (step.side - 1) * stride
        stride *= step.stride
        if isinstance(step, Convolution):
            found.append(Layer(step.layer, step.channels, stride, field))
    return found


def smallest_side(model: str, chosen: collections.abc.Collection[str]) -> int:
    """Returns the smallest side of a picture at which these layers have a position.

    Args:
        model: One of `NAMES`.
        chosen: Layers of it.
    """
    steps = stack(model).steps
    last = max(
        (
            index
            for index, step in enumerate(steps)
            if isinstance(step, Convolution) and step.layer in chosen
        ),
        default=-1,
    )
    side = 1
    for step in reversed(steps[: last + 1]):
        if isinstance(step, Convolution) and step.same:
            # The border is mirrored, up to half a kernel.
            side = max((side - 1) * step.stride + 1, step.side // 2)
        elif not isinstance(step, Normalization):
            side = (side - 1) * step.stride + step.side
    return side


def variables(model: str, layer: str) -> tuple[str, str]:
    """Returns slim's names of the weights and the biases of a layer of a network of `NAMES`."""
    path = f"{stack(model).scope}/{convolutions(model)[layer].scope}"
    return f"{path}/weights", f"{path}/biases"


def layer_named(name: str) -> str | None:
    """Returns the layer that a name stands for in any of the networks, or None.

    Args:
        name: The layer (relu3_3), its convolution (conv3_3), or slim's end point
            (vgg_16/conv3/conv3_3).
    """
    for model in NAMES:
        for layer, convolution in convolutions(model).items():
            path = convolution.scope
            prefixes = {model, stack(model).scope}
            if name in {layer, path.rpartition("/")[2], *(f"{each}/{path}" for each in prefixes)}:
                return layer
    return None
