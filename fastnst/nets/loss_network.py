"""The loss network: slim's VGG16, convolutions only, frozen.

The one module that imports tf_slim. Slim builds variables through a variable scope; here the
scope hands it constants instead, so there is nothing to train, to save or to initialise, and
the network can be called inside any graph, under any distribution strategy.
"""

from __future__ import annotations

import collections.abc
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_slim as slim

from fastnst import checkpoint_file, errors

SCOPE = "vgg_16"
MEAN_RGB = (123.68, 116.78, 103.94)
# Blocks of VGG16's configuration D: (number of 3x3 convolutions, channels).
BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
LAYERS = tuple(
    f"relu{block}_{index}"
    for block, (repeats, _) in enumerate(BLOCKS, start=1)
    for index in range(1, repeats + 1)
)


class LossNetwork:
    """Maps images to the features that the losses compare (Simonyan & Zisserman 2014).

    Its weights are constants: no gradient reaches them and no checkpoint holds them.
    """

    def __init__(
        self,
        weights: collections.abc.Mapping[str, np.ndarray],
        layers: collections.abc.Iterable[str],
        compute_dtype: tf.DType = tf.float32,
    ) -> None:
        """Checks that the weights reach as deep as the layers asked for.

        Args:
            weights: Slim's variables by name, as `load_weights` returns them.
            layers: All layers that will be asked for, for example "relu3_3".
            compute_dtype: What the convolutions compute in.

        Raises:
            UserError: If a layer is not in the weights.
        """
        missing = [layer for layer in layers if _variable(layer, "weights") not in weights]
        if missing:
            raise errors.UserError(
                f"layer {missing[0]} is not in the loss network's file, which ends at "
                f"{_deepest(weights)}; choose shallower layers, or fetch the whole network with "
                "`python -m fastnst.weights`"
            )
        self._weights = weights
        self.compute_dtype = compute_dtype

    def __call__(
        self, images: tf.Tensor, layers: collections.abc.Collection[str]
    ) -> dict[str, tf.Tensor]:
        """Computes the features of the layers named, building the network no deeper than those.

        Args:
            images: float32 RGB [B, H, W, 3] in [0, 255].
            layers: Names such as "relu3_3": the output of conv3_3 after its ReLU, which is what
                slim calls the end point vgg_16/conv3/conv3_3.

        Returns:
            Features by layer: [B, H // 2^k, W // 2^k, C] in the compute dtype.
        """
        if tf.executing_eagerly():
            # Slim reuses nothing and collects nothing in eager mode: always give it a graph.
            build = tf.function(lambda batch: self._build(batch, layers), autograph=False)
            return build(images)
        return self._build(images, layers)

    def _build(
        self, images: tf.Tensor, layers: collections.abc.Collection[str]
    ) -> dict[str, tf.Tensor]:
        wanted = set(layers)
        features: dict[str, tf.Tensor] = {}
        net = tf.cast(images - tf.constant(MEAN_RGB), self.compute_dtype)
        with (
            warnings.catch_warnings(),
            tf.compat.v1.variable_scope(SCOPE, custom_getter=self._constant),
        ):
            # Slim stands on TensorFlow's legacy layers, which warn at every call.
            warnings.simplefilter("ignore", UserWarning)
            for block, (repeats, channels) in enumerate(BLOCKS, start=1):
                if block > 1:
                    net = slim.max_pool2d(net, [2, 2], scope=f"pool{block - 1}")
                for index in range(1, repeats + 1):
                    scope = f"conv{block}/conv{block}_{index}"
                    # Zeros beyond the border would count as strokes there, which a transform net
                    # learns to answer with a dull frame around every painting.
                    net = tf.pad(net, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
                    net = slim.conv2d(net, channels, [3, 3], padding="VALID", scope=scope)
                    layer = f"relu{block}_{index}"
                    if layer in wanted:
                        features[layer] = net
                        wanted.discard(layer)
                    if not wanted:
                        return features
        raise ValueError(f"no such layers: {sorted(wanted)}; there are {', '.join(LAYERS)}")

    def _constant(
        self, getter: object, name: str, dtype: tf.DType = tf.float32, **unused: object
    ) -> tf.Tensor:
        """Stands in for slim's variable getter."""
        return tf.constant(self._weights[name], dtype=dtype, name=name)


def load_weights(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the convolutions of a slim VGG16 checkpoint, V1 or V2, as float32.

    Raises:
        UserError: If there is no checkpoint at the path or it is none of VGG16.
    """
    weights = checkpoint_file.read_checkpoint(path, f"{SCOPE}/conv")
    if _variable("relu1_1", "weights") not in weights:
        raise errors.UserError(
            f"{path}: holds no VGG16 under slim's names ({_variable('relu1_1', 'weights')}, ...); "
            "`python -m fastnst.weights` fetches one"
        )
    return weights


def _variable(layer: str, kind: str) -> str:
    block, index = layer.removeprefix("relu").split("_")
    return f"{SCOPE}/conv{block}/conv{block}_{index}/{kind}"


def _deepest(weights: collections.abc.Mapping[str, np.ndarray]) -> str:
    return next(layer for layer in reversed(LAYERS) if _variable(layer, "weights") in weights)
