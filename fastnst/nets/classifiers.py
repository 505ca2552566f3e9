"""Networks that classify pictures.

`mnist` and `cifar10` are those of McClure's TensorFlow cookbook, chapter 8, the second after
TensorFlow's CIFAR-10 tutorial. `residual` is a small network with skips for either. `vgg_16` and
`vgg_19` are VGG's convolutions (Simonyan & Zisserman 2014), with one layer in place of the three
that know ImageNet's classes.

    shapes = classifier_architecture.Architecture("mnist", side=28, channels=1, classes=10)
    net = classifiers.make(shapes)
    logits = net(pictures)
"""

from __future__ import annotations

import collections.abc
import math
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.nets import classifier_architecture, padding

# A shape, and the standard deviation of the initial values.
Spec: TypeAlias = tuple[tuple[int, ...], float]
HEAD = ("head/weights", "head/biases")
_GROUPS = classifier_architecture.GROUPS
_EPSILON = 1e-5
# Side of the part of a picture that `cifar10` sees.
_SEEN = 24


class Classifier(tf.Module):
    """A network for square pictures of one size.

    Subclasses define `specs` and `features`.

    Attributes:
        architecture: Its shapes.
        compute_dtype: Dtype of its convolutions.
        weights: Its variables by name, float32.
        trained: Whether gradients pass through it, as in `padding.reflect`.
    """

    trained: bool = True

    def __init__(
        self,
        architecture: classifier_architecture.Architecture,
        compute_dtype: tf.DType = tf.float32,
        seed: int = 0,
    ) -> None:
        """Draws the initial weights from truncated normal distributions."""
        super().__init__()
        self.architecture = architecture
        self.compute_dtype = compute_dtype
        self.weights = {
            name: tf.Variable(
                tf.random.stateless_truncated_normal(
                    shape, [seed, number], stddev=deviation, alg="philox"
                ),
                name=name.replace("/", "_"),
            )
            for number, (name, (shape, deviation)) in enumerate(self.specs(architecture).items())
        }

    @staticmethod
    def specs(shapes: classifier_architecture.Architecture) -> dict[str, Spec]:
        """Returns the shape and the initial deviation of each variable by name."""
        raise NotImplementedError

    def features(self, pictures: tf.Tensor) -> tf.Tensor:
        """Computes the features that the last layer sees (the bottleneck), float32 [B, F].

        Args:
            pictures: float32 [B, S, S, C] in [0, 255], with the sides of `crop`.
        """
        raise NotImplementedError

    def crop(self, pictures: tf.Tensor) -> tf.Tensor:
        """Returns the part of pictures that the network sees; all of them by default."""
        return pictures

    def classify(self, features: tf.Tensor) -> tf.Tensor:
        """Maps features to logits, float32 [B, classes]."""
        weights, biases = (self.weights[name] for name in HEAD)
        return tf.matmul(features, weights) + biases

    def __call__(self, pictures: tf.Tensor) -> tf.Tensor:
        """Computes the logits of pictures.

        Args:
            pictures: [B, side, side, channels] in [0, 255], of any dtype.

        Returns:
            float32 [B, classes].
        """
        return self.classify(self.features(self.crop(tf.cast(pictures, tf.float32))))

    @property
    def head(self) -> list[tf.Variable]:
        """The variables of the last layer."""
        return [self.weights[name] for name in HEAD]

    def tensors(self) -> dict[str, np.ndarray]:
        """Returns the weights by name, float32."""
        return {name: variable.numpy() for name, variable in self.weights.items()}

    def assign(self, tensors: collections.abc.Mapping[str, np.ndarray]) -> None:
        """Sets those weights that are given.

        Raises:
            UserError: If one is unknown or has another shape.
        """
        for name, tensor in tensors.items():
            expected = tuple(self.weights[name].shape) if name in self.weights else "nothing"
            if expected != tensor.shape:
                raise errors.UserError(
                    f"weights of another classifier: {name:.80} has the shape {tensor.shape}, "
                    f"should have {expected}"
                )
        for name, tensor in tensors.items():
            self.weights[name].assign(tensor.astype(np.float32))

    def _kernel(self, name: str) -> tf.Tensor:
        return tf.cast(self.weights[f"{name}/weights"], self.compute_dtype)

    def _biased(self, values: tf.Tensor, name: str) -> tf.Tensor:
        return tf.nn.bias_add(values, tf.cast(self.weights[f"{name}/biases"], self.compute_dtype))

    def _convolve(self, values: tf.Tensor, name: str, stride: int = 1) -> tf.Tensor:
        return tf.nn.conv2d(values, self._kernel(name), stride, "SAME")

    def _dense(self, values: tf.Tensor, name: str) -> tf.Tensor:
        flat = tf.reshape(values, [-1, math.prod(values.shape[1:])])
        return tf.nn.relu(self._biased(tf.matmul(flat, self._kernel(name)), name))


class Mnist(Classifier):
    """Two 4x4 convolutions of 25 and 50 channels with pooling, and a layer of 100."""

    @staticmethod
    def specs(shapes: classifier_architecture.Architecture) -> dict[str, Spec]:
        """Returns all variables, with deviations of 0.1; the convolutions begin without biases."""
        flat = math.ceil(math.ceil(shapes.side / 2) / 2) ** 2 * 50
        return {
            "conv1/weights": ((4, 4, shapes.channels, 25), 0.1),
            "conv1/biases": ((25,), 0.0),
            "conv2/weights": ((4, 4, 25, 50), 0.1),
            "conv2/biases": ((50,), 0.0),
            "full1/weights": ((flat, 100), 0.1),
            "full1/biases": ((100,), 0.1),
            HEAD[0]: ((100, shapes.classes), 0.1),
            HEAD[1]: ((shapes.classes,), 0.1),
        }

    def features(self, pictures: tf.Tensor) -> tf.Tensor:
        """Computes the outputs of the layer of 100, from pictures in [0, 1]."""
        values = tf.cast(pictures / 255.0, self.compute_dtype)
        for name in ("conv1", "conv2"):
            values = tf.nn.relu(self._biased(self._convolve(values, name), name))
            values = tf.nn.max_pool2d(values, 2, 2, "SAME")
        return tf.cast(self._dense(values, "full1"), tf.float32)


class Cifar10(Classifier):
    """Two 5x5 convolutions of 64 channels with pooling and LRN, and layers of 384 and 192.

    It sees the central 24 x 24 pixels, each picture with a mean of 0 and a deviation of 1.
    """

    @staticmethod
    def specs(shapes: classifier_architecture.Architecture) -> dict[str, Spec]:
        """Returns all variables, with deviations of 0.05 for weights and without biases."""
        side = math.ceil(math.ceil(min(_SEEN, shapes.side) / 2) / 2)
        layers = {
            "conv1": (5, 5, shapes.channels, 64),
            "conv2": (5, 5, 64, 64),
            "full1": (side * side * 64, 384),
            "full2": (384, 192),
            "head": (192, shapes.classes),
        }
        specs: dict[str, Spec] = {}
        for name, kernel in layers.items():
            specs[f"{name}/weights"] = (kernel, 0.05)
            specs[f"{name}/biases"] = (kernel[-1:], 0.0)
        return specs

    def crop(self, pictures: tf.Tensor) -> tf.Tensor:
        """Returns the central 24 x 24 pixels."""
        side = pictures.shape[1]
        margin = (side - min(side, _SEEN)) // 2
        end = margin + min(side, _SEEN)
        return pictures[:, margin:end, margin:end]

    def features(self, pictures: tf.Tensor) -> tf.Tensor:
        """Computes the outputs of the layer of 192."""
        values = tf.cast(tf.image.per_image_standardization(pictures), self.compute_dtype)
        for name in ("conv1", "conv2"):
            values = tf.nn.relu(self._biased(self._convolve(values, name), name))
            values = tf.nn.max_pool2d(values, 3, 2, "SAME")
            values = tf.nn.local_response_normalization(values, 5, bias=2.0, alpha=1e-3, beta=0.75)
        return tf.cast(self._dense(self._dense(values, "full1"), "full2"), tf.float32)


class Residual(Classifier):
    """Three residual blocks at the full size, a half and a quarter (He et al. 2016).

    With group norms (Wu & He 2018), which need no moving averages, before each activation.
    """

    @staticmethod
    def specs(shapes: classifier_architecture.Architecture) -> dict[str, Spec]:
        """Returns all variables, with deviations that keep the variance (He et al. 2015)."""
        specs: dict[str, Spec] = {}

        def convolve(name: str, side: int, inputs: int, outputs: int) -> None:
            deviation = math.sqrt(2.0 / (side * side * inputs))
            specs[f"{name}/weights"] = ((side, side, inputs, outputs), deviation)

        def norm(name: str, channels: int) -> None:
            specs[f"{name}/scale"] = specs[f"{name}/shift"] = ((channels,), 0.0)

        inputs = shapes.width
        convolve("stem", 3, shapes.channels, inputs)
        for block in range(3):
            outputs = shapes.width * 2**block
            norm(f"block{block}/norm1", inputs)
            convolve(f"block{block}/conv1", 3, inputs, outputs)
            norm(f"block{block}/norm2", outputs)
            convolve(f"block{block}/conv2", 3, outputs, outputs)
            if block:
                convolve(f"block{block}/skip", 1, inputs, outputs)
            inputs = outputs
        norm("norm", inputs)
        return specs | {
            HEAD[0]: ((inputs, shapes.classes), 0.01),
            HEAD[1]: ((shapes.classes,), 0.0),
        }

    def features(self, pictures: tf.Tensor) -> tf.Tensor:
        """Computes the means of the last block's channels."""
        values = tf.cast(pictures / 127.5 - 1.0, self.compute_dtype)
        values = self._convolve(values, "stem")
        for block in range(3):
            stride = 2 if block else 1
            active = self._activate(values, f"block{block}/norm1")
            inner = self._convolve(active, f"block{block}/conv1", stride)
            inner = self._convolve(
                self._activate(inner, f"block{block}/norm2"), f"block{block}/conv2"
            )
            if block:
                values = self._convolve(
                    tf.nn.avg_pool2d(active, 2, 2, "SAME"), f"block{block}/skip"
                )
            values += inner
        return tf.reduce_mean(tf.cast(self._activate(values, "norm"), tf.float32), [1, 2])

    def _activate(self, values: tf.Tensor, name: str) -> tf.Tensor:
        """Normalizes groups of channels, scales and shifts them, and applies ReLU."""
        height, width, channels = values.shape[1:]
        groups = [-1, height, width, _GROUPS, channels // _GROUPS]
        split = tf.reshape(tf.cast(values, tf.float32), groups)
        mean, variance = tf.nn.moments(split, [1, 2, 4], keepdims=True)
        normal = (split - mean) * tf.math.rsqrt(variance + _EPSILON)
        whole = tf.reshape(normal, [-1, height, width, channels])
        # A scale is stored as its difference from 1.
        whole = whole * (1.0 + self.weights[f"{name}/scale"]) + self.weights[f"{name}/shift"]
        return tf.cast(tf.nn.relu(whole), self.compute_dtype)


class Vgg(Classifier):
    """VGG's convolutions, the means of their last channels, and one layer.

    The convolutions have slim's names and repeat the edge as the loss network does, so that its
    features are those of this network.
    """

    @staticmethod
    def specs(shapes: classifier_architecture.Architecture) -> dict[str, Spec]:
        """Returns all variables; the last layer begins with zeros."""
        specs: dict[str, Spec] = {}
        inputs = shapes.channels
        for name, channels in _convolutions(shapes):
            deviation = math.sqrt(2.0 / (9 * inputs))
            specs[f"{name}/weights"] = ((3, 3, inputs, channels), deviation)
            specs[f"{name}/biases"] = ((channels,), 0.0)
            inputs = channels
        specs[HEAD[0]] = ((inputs, shapes.classes), 0.0)
        specs[HEAD[1]] = ((shapes.classes,), 0.0)
        return specs

    def features(self, pictures: tf.Tensor) -> tf.Tensor:
        """Computes the means of the last channels, each picture's with mean 0 and deviation 1."""
        values = tf.cast(pictures - tf.constant(self.architecture.mean), self.compute_dtype)
        earlier = "conv1"
        for name, _ in _convolutions(self.architecture):
            block = name.split("/")[1]
            if block != earlier:
                values = tf.nn.max_pool2d(values, 2, 2, "VALID")
            earlier = block
            values = padding.repeat_edge(values, 1, trained=self.trained)
            values = tf.nn.conv2d(values, self._kernel(name), 1, "VALID")
            values = tf.nn.relu(self._biased(values, name))
        return bottleneck(values)

    def last_blocks(self, blocks: int) -> list[tf.Variable]:
        """Returns the variables of the last blocks, 0 or more, and of the last layer."""
        first = len(self.architecture.blocks) - blocks + 1
        chosen = [
            variable
            for name, variable in self.weights.items()
            if name not in HEAD and int(name.split("/")[1].removeprefix("conv")) >= first
        ]
        return [*chosen, *self.head]


def _convolutions(shapes: classifier_architecture.Architecture) -> list[tuple[str, int]]:
    """Returns slim's scope and the channels of each convolution of VGG, in order."""
    return [
        (f"{shapes.network}/conv{block}/conv{block}_{number}", channels)
        for block, (repeats, channels) in enumerate(shapes.blocks, start=1)
        for number in range(1, repeats + 1)
    ]


def bottleneck(values: tf.Tensor) -> tf.Tensor:
    """Returns the means of channels, each picture's with mean 0 and deviation 1, float32 [B, C].

    Args:
        values: The last features of VGG, [B, h, w, C] of any float dtype.
    """
    means = tf.reduce_mean(tf.cast(values, tf.float32), [1, 2])
    # Features of hundreds would make the first steps of the last layer diverge.
    mean, variance = tf.nn.moments(means, [1], keepdims=True)
    return (means - mean) * tf.math.rsqrt(variance + _EPSILON)


NETWORKS: dict[str, type[Classifier]] = {
    "mnist": Mnist,
    "cifar10": Cifar10,
    "residual": Residual,
    "vgg_16": Vgg,
    "vgg_19": Vgg,
}


def make(
    architecture: classifier_architecture.Architecture,
    compute_dtype: tf.DType = tf.float32,
    seed: int = 0,
) -> Classifier:
    """Makes the network of an architecture, with initial weights from a seed."""
    return NETWORKS[architecture.network](architecture, compute_dtype, seed)


def shapes_of(architecture: classifier_architecture.Architecture) -> dict[str, tuple[int, ...]]:
    """Returns the shape of each variable by name, without creating any."""
    specs = NETWORKS[architecture.network].specs(architecture)
    return {name: shape for name, (shape, _) in specs.items()}
