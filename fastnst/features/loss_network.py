"""The loss network: slim's VGG16 or VGG19, convolutions only, frozen.

This is the only module that imports tf_slim. Slim creates variables through a variable scope. Here
the scope returns constants instead, so there is nothing to train, save or initialize, and the
network can be called inside any graph and under any distribution strategy.
"""

from __future__ import annotations

import collections.abc
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_slim as slim

from fastnst import checkpoint_file, errors
from fastnst.features import vgg
from fastnst.nets import padding

POOLINGS = {"max": slim.max_pool2d, "avg": slim.avg_pool2d}


class LossNetwork:
    """Maps images to the features that the losses compare (Simonyan & Zisserman 2014).

    Its weights are constants: they get no gradients and are not saved in checkpoints.
    """

    def __init__(
        self,
        weights: collections.abc.Mapping[str, np.ndarray],
        layers: collections.abc.Iterable[str],
        compute_dtype: tf.DType = tf.float32,
        *,
        model: str = "vgg_16",
        mean_rgb: collections.abc.Sequence[float] = vgg.MEAN_RGB,
        pooling: str = "max",
    ) -> None:
        """Stores the weights and checks that they contain the layers.

        Args:
            weights: Slim's variables by name, as returned by `load_weights`.
            layers: All layers that will be requested, for example "relu3_3".
            compute_dtype: The dtype of the convolutions.
            model: One of `vgg.MODELS`.
            mean_rgb: Mean color to subtract from the images, in [0, 255].
            pooling: "max", as in training, or "avg", which Gatys et al. 2015 prefer.

        Raises:
            UserError: If a layer is not in the weights.
        """
        known = vgg.layers_of(model)
        for layer in layers:
            if layer not in known:
                raise errors.UserError(
                    f"{model} has no layer {layer}{errors.did_you_mean(layer, known)}"
                )
            if vgg.variables(model, layer)[0] not in weights:
                whole = (
                    "fetch the whole network with `fastnst weights`"
                    if model == "vgg_16"
                    else "name a file of the whole network"
                )
                raise errors.UserError(
                    f"layer {layer} is not in the loss network's file, which ends at "
                    f"{_deepest(weights, model)}; {whole}, or choose shallower layers"
                )
        self._weights = weights
        self._model = model
        self._mean_rgb = tuple(map(float, mean_rgb))
        self._pool = POOLINGS[pooling]
        self.compute_dtype = compute_dtype

    @property
    def layers(self) -> dict[str, int]:
        """The number of channels of each layer that the weights contain, in order."""
        kernels = {
            layer: self._weights.get(vgg.variables(self._model, layer)[0])
            for layer in vgg.layers_of(self._model)
        }
        return {layer: kernel.shape[-1] for layer, kernel in kernels.items() if kernel is not None}

    def __call__(
        self, images: tf.Tensor, layers: collections.abc.Collection[str]
    ) -> dict[str, tf.Tensor]:
        """Computes the features of the given layers; deeper layers are not built.

        Args:
            images: float32 RGB [B, H, W, 3] in [0, 255].
            layers: Names such as "relu3_3", the output of conv3_3 after its ReLU, which slim calls
                the end point vgg_16/conv3/conv3_3.

        Returns:
            Features by layer: [B, H // 2^k, W // 2^k, C] in the compute dtype.

        Raises:
            ValueError: If there is no such layer.
        """
        if tf.executing_eagerly():
            # Slim neither reuses nor collects variables in eager mode, so it always needs a graph.
            build = tf.function(lambda batch: self._build(batch, layers), autograph=False)
            return build(images)
        return self._build(images, layers)

    def _build(
        self, images: tf.Tensor, layers: collections.abc.Collection[str]
    ) -> dict[str, tf.Tensor]:
        wanted = set(layers)
        features: dict[str, tf.Tensor] = {}
        net = tf.cast(images - tf.constant(self._mean_rgb), self.compute_dtype)
        with (
            warnings.catch_warnings(),
            tf.compat.v1.variable_scope(self._model, custom_getter=self._constant),
        ):
            # Slim uses TensorFlow's legacy layers, which warn at every call.
            warnings.simplefilter("ignore", UserWarning)
            for block, (repeats, channels) in enumerate(vgg.MODELS[self._model], start=1):
                if block > 1:
                    net = self._pool(net, [2, 2], scope=f"pool{block - 1}")
                for index in range(1, repeats + 1):
                    # Zero padding would look like strokes along the border. A transform net would
                    # compensate for them with a dull frame around every stylized image.
                    net = padding.repeat_edge(net, 1)
                    layer = f"relu{block}_{index}"
                    scope = vgg.scope(layer)
                    net = slim.conv2d(net, channels, [3, 3], padding="VALID", scope=scope)
                    if layer in wanted:
                        features[layer] = net
                        wanted.discard(layer)
                    if not wanted:
                        return features
        known = ", ".join(vgg.layers_of(self._model))
        raise ValueError(f"unknown layers: {sorted(wanted)}; choose from {known}")

    def _constant(
        self, getter: object, name: str, dtype: tf.DType = tf.float32, **unused: object
    ) -> tf.Tensor:
        """Replaces slim's variable getter and returns a constant."""
        return tf.constant(self._weights[name], dtype=dtype, name=name)


def load_weights(path: str | Path, model: str = "vgg_16") -> dict[str, np.ndarray]:
    """Reads the convolutions of a slim VGG checkpoint, V1 or V2, as float32.

    Args:
        path: The checkpoint.
        model: The network in it, one of `vgg.MODELS`.

    Raises:
        UserError: If there is no checkpoint at the path, or it is not one of this network.
    """
    weights = checkpoint_file.read_checkpoint(path, f"{model}/conv")
    first, _ = vgg.variables(model, "relu1_1")
    _check(path, weights, model)
    if first not in weights:
        name = model.upper().replace("_", "")
        hint = "; download one with `fastnst weights`" if model == "vgg_16" else ""
        raise errors.UserError(f"{path}: contains no {name} with slim's names ({first}, ...){hint}")
    return weights


def _check(path: str | Path, weights: collections.abc.Mapping[str, np.ndarray], model: str) -> None:
    """Raises a UserError unless the layers that a file has are those of the network."""
    inputs = 3
    outputs = [channels for repeats, channels in vgg.MODELS[model] for _ in range(repeats)]
    for layer, channels in zip(vgg.layers_of(model), outputs, strict=True):
        names = vgg.variables(model, layer)
        shapes = ((3, 3, inputs, channels), (channels,))
        inputs = channels
        # A file may end early.
        if not any(name in weights for name in names):
            continue
        for name, shape in zip(names, shapes, strict=True):
            found = weights.get(name)
            if found is None:
                problem = "nothing"
            elif found.shape != shape or found.dtype != np.float32:
                problem = f"{found.dtype} {found.shape}"
            elif not np.isfinite(found).all():
                problem = "values that are not finite"
            else:
                continue
            raise errors.UserError(
                f"{path}: {name} should be float32 {shape}, found {problem}; use another file"
            )


def _deepest(weights: collections.abc.Mapping[str, np.ndarray], model: str) -> str:
    held = [layer for layer in vgg.layers_of(model) if vgg.variables(model, layer)[0] in weights]
    return held[-1] if held else "nothing"
