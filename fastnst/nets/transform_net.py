"""The transform net: the one that is trained, and that paints a photo in one pass."""

from __future__ import annotations

import collections.abc
import dataclasses

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.nets import layers

MIN_SIDE = 16
# Of the untrained net's pictures, before the tanh. At full contrast the style loss of a soft
# painting begins a hundred times too high, and the net never recovers from its first steps.
_FIRST_CONTRAST = 0.3
# Side of the lite network's first and last kernels, by which its weights are known.
_LITE_REACH = 7


@dataclasses.dataclass(frozen=True)
class Architecture:
    """What decides the shapes of a transform net's weights.

    Attributes:
        width: Channels of the first convolution; the trunk has four times as many.
        residual_blocks: Their number.
        output_norm: Whether an instance norm comes before the last tanh.
        skips: Whether the decoder is given what the encoder found at the same size.
        lite: Whether the first layer halves the picture and the last doubles it, so that all
            between has a quarter of the work.
    """

    width: int = 32
    residual_blocks: int = 5
    output_norm: bool = True
    skips: bool = True
    lite: bool = False


class TransformNet(tf.Module):
    """Residual encoder and decoder (Johnson et al. 2016) with instance norm.

    9x9 convolution, two strided 3x3, residual blocks, two upsampling 3x3, 9x9 to RGB, each but
    the last followed by instance norm and ReLU. The lite network begins with a strided 7x7 and ends
    with an upsampling 7x7.

    Note:
        Reflection padding in every layer replaces the paper's padding of the input, nearest-
        neighbour upsampling its strided transposed convolutions, instance norm its batch norm.
        The last tanh is preceded by an instance norm too, and the decoder is given what the encoder
        found at the same size; both train to a lower objective.
    """

    def __init__(
        self,
        architecture: Architecture = Architecture(),
        compute_dtype: tf.DType = tf.float32,
        seed: int = 0,
    ) -> None:
        """Makes the variables, all float32.

        Args:
            architecture: Its shapes.
            compute_dtype: What the convolutions of trunk and decoder compute in.
            seed: Of the initial kernels.
        """
        super().__init__()
        self.architecture = architecture
        self.compute_dtype = compute_dtype
        width, trunk = architecture.width, 4 * architecture.width
        # Each layer draws from a seed of its own: one more block changes no other layer.
        seed *= 1000
        reach, stride = (_LITE_REACH, 2) if architecture.lite else (9, 1)
        self.conv1 = layers.Conv("conv1", reach, 3, width, stride=stride, seed=seed)
        self.norm1 = layers.InstanceNorm("norm1", width)
        self.conv2 = layers.Conv("conv2", 3, width, 2 * width, stride=2, seed=seed + 1)
        self.norm2 = layers.InstanceNorm("norm2", 2 * width)
        self.conv3 = layers.Conv("conv3", 3, 2 * width, trunk, stride=2, seed=seed + 2)
        self.norm3 = layers.InstanceNorm("norm3", trunk)
        self.residuals = [
            layers.Residual(f"residuals/{index}", trunk, seed=seed + 10 + 2 * index)
            for index in range(architecture.residual_blocks)
        ]
        self.upsample1 = layers.UpsampleConv("upsample1", 3, trunk, 2 * width, seed=seed + 3)
        self.norm4 = layers.InstanceNorm("norm4", 2 * width)
        self.skip1 = layers.Skip("skip1", 2 * width) if architecture.skips else None
        self.upsample2 = layers.UpsampleConv("upsample2", 3, 2 * width, width, seed=seed + 4)
        self.norm5 = layers.InstanceNorm("norm5", width)
        self.skip2 = layers.Skip("skip2", width) if architecture.skips else None
        last = layers.UpsampleConv if architecture.lite else layers.ConvToRgb
        self.conv4 = last("conv4", reach, width, 3, seed=seed + 5)
        self.norm6 = (
            layers.InstanceNorm("norm6", 3, scale=_FIRST_CONTRAST)
            if architecture.output_norm
            else None
        )

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Paints images.

        Args:
            images: float32 RGB [B, H, W, 3] in [0, 255], at least 16 x 16.

        Returns:
            float32 RGB of the same shape, bounded to [0, 255].
        """
        full = tf.nn.relu(self.norm1(self.enter(images)))
        net = self.pass_trunk(self.begin_trunk(self.conv2(full)))
        net = tf.nn.relu(self.norm5(self.upsample2(net, full)))
        return tf.ensure_shape(self.finish(self.leave(net, full, images)), images.shape)

    def enter(self, images: tf.Tensor) -> tf.Tensor:
        """The first convolution, of images float32 [B, H, W, 3] in [0, 255]."""
        # The encoder computes in full precision: what rounding to 8 bits leaves of a clear sky is
        # blown up by the norms, to patterns that are not in the photo.
        return self.conv1(images / 127.5 - 1.0)

    def begin_trunk(self, net: tf.Tensor) -> tf.Tensor:
        """The norm after the second convolution, apart, so that a large input can be freed."""
        return tf.nn.relu(self.norm2(net))

    def pass_trunk(self, half: tf.Tensor) -> tf.Tensor:
        """All that is done at half the size of the first layer's output, and below."""
        net = tf.nn.relu(self.norm3(self.conv3(half)))
        net = tf.cast(net, self.compute_dtype)
        for residual in self.residuals:
            net = residual(net)
        net = tf.nn.relu(self.norm4(self.upsample1(net, half)))
        return net if self.skip1 is None else self.skip1(net, half)

    def leave(self, net: tf.Tensor, full: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
        """The last skip, from the first layer's output, and the last convolution: float32."""
        if self.skip2 is not None:
            net = self.skip2(net, full)
        if isinstance(self.conv4, layers.UpsampleConv):
            net = self.conv4(net, images)
        else:
            net = self.conv4(net)
        # Three channels cost nothing: from here on the picture is made in full precision.
        return tf.cast(net, tf.float32)

    def finish(self, net: tf.Tensor) -> tf.Tensor:
        """Makes a picture in [0, 255] of what the last convolution gave, the same shape."""
        if self.norm6 is not None:
            net = self.norm6(net)
        return (tf.tanh(net) + 1.0) * 127.5

    @classmethod
    def from_tensors(
        cls,
        tensors: collections.abc.Mapping[str, np.ndarray],
        compute_dtype: tf.DType = tf.float32,
    ) -> TransformNet:
        """Makes the network that the weights are of.

        Args:
            tensors: Named as in `tensors`, of any float dtype.
            compute_dtype: What the convolutions compute in.

        Raises:
            UserError: If they are no transform net's weights.
        """
        if "conv1/kernel" not in tensors:
            raise errors.UserError("holds no transform net (there is no conv1/kernel in it)")
        blocks = {name.split("/")[1] for name in tensors if name.startswith("residuals/")}
        architecture = Architecture(
            width=tensors["conv1/kernel"].shape[-1],
            residual_blocks=len(blocks),
            output_norm="norm6/scale" in tensors,
            skips="skip1/scale" in tensors,
            lite=tensors["conv1/kernel"].shape[0] == _LITE_REACH,
        )
        net = cls(architecture, compute_dtype)
        net.assign(tensors)
        return net

    def named_variables(self) -> dict[str, tf.Variable]:
        """The variables by name, as in `tensors`."""
        return {variable.name.removesuffix(":0"): variable for variable in self.variables}

    def tensors(self) -> dict[str, np.ndarray]:
        """The weights by name, float32. A name is the path of attributes, as in checkpoints."""
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

    def frozen(self) -> TransformNet:
        """A copy with constants for variables, for export: what is fixed can be folded."""
        copy = self.from_tensors(self.tensors(), self.compute_dtype)
        for module in (copy, *copy.submodules):
            for name, value in list(vars(module).items()):
                if isinstance(value, tf.Variable):
                    setattr(module, name, value.numpy())
        return copy
