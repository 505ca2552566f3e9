"""The loss network: one of slim's networks, convolutions only, frozen.

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
from fastnst.features import stacks, vgg
from fastnst.nets import padding

POOLINGS = {"max": slim.max_pool2d, "avg": slim.avg_pool2d}
# Half the range of a picture.
_MIDDLE = 128.0


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
            model: One of `stacks.NAMES`.
            mean_rgb: Mean color to subtract from the images, in [0, 255]; networks whose pictures
                are not `stacks.CENTERED` ignore it.
            pooling: "max", as in training, or "avg", which Gatys et al. 2015 prefer.

        Raises:
            UserError: If a layer is not in the weights.
        """
        known = stacks.convolutions(model)
        for layer in layers:
            if layer not in known:
                near = errors.did_you_mean(layer, known)
                raise errors.UserError(
                    f"{model} has no layer {layer}{near}; `fastnst layers {model}` lists its own"
                )
            if stacks.variables(model, layer)[0] not in weights:
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
        self._model, self._stack = model, stacks.stack(model)
        self._mean_rgb = tuple(map(float, mean_rgb))
        self._pool = POOLINGS[pooling]
        self.compute_dtype = compute_dtype

    @property
    def layers(self) -> dict[str, int]:
        """The number of channels of each layer that the weights contain, in order."""
        kernels = {
            layer: self._weights.get(stacks.variables(self._model, layer)[0])
            for layer in stacks.convolutions(self._model)
        }
        return {layer: kernel.shape[-1] for layer, kernel in kernels.items() if kernel is not None}

    def smallest_side(self, layers: collections.abc.Collection[str]) -> int:
        """Returns the smallest side of a picture at which these layers have a position."""
        return stacks.smallest_side(self._model, layers)

    def __call__(
        self, images: tf.Tensor, layers: collections.abc.Collection[str]
    ) -> dict[str, tf.Tensor]:
        """Computes the features of the given layers; deeper layers are not built.

        Args:
            images: float32 RGB [B, H, W, 3] in [0, 255].
            layers: Names such as "relu3_3", the output of conv3_3 after its ReLU, which slim calls
                the end point vgg_16/conv3/conv3_3.

        Returns:
            Features by layer in the compute dtype, for VGG [B, H // 2^k, W // 2^k, C].

        Raises:
            UserError: If the images are too small.
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
        if unknown := set(layers) - set(stacks.convolutions(self._model)):
            known = ", ".join(stacks.convolutions(self._model))
            raise ValueError(f"unknown layers: {sorted(unknown)}; choose from {known}")
        self._check_size(images, layers)
        features: dict[str, tf.Tensor] = {}
        net = tf.cast(self._prepared(images), self.compute_dtype)
        with (
            warnings.catch_warnings(),
            tf.compat.v1.variable_scope(self._stack.scope, custom_getter=self._constant),
        ):
            # Slim uses TensorFlow's legacy layers, which warn at every call.
            warnings.simplefilter("ignore", UserWarning)
            for step in self._stack.steps:
                if len(features) == len(set(layers)):
                    break
                net = self._stepped(net, step)
                if isinstance(step, stacks.Convolution) and step.layer in layers:
                    features[step.layer] = net
        return features

    def _check_size(self, images: tf.Tensor, layers: collections.abc.Collection[str]) -> None:
        """Raises a UserError if images of a known size have no position in one of the layers."""
        needed = self.smallest_side(layers)
        height, width = images.shape[1:3]
        if any(side is not None and side < needed for side in (height, width)):
            raise errors.UserError(
                f"{self._model}: pictures of {width} x {height} px are too small for its layers "
                f"{', '.join(layers)}, which need at least {needed} px; use larger pictures, or "
                "choose shallower layers"
            )

    def _prepared(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the images as the network was trained on them."""
        first = next(iter(stacks.convolutions(self._model)))
        kernel = self._weights[stacks.variables(self._model, first)[0]]
        match self._stack.pictures:
            case stacks.STANDARDIZED:
                images = tf.image.per_image_standardization(images)
            case stacks.SCALED:
                images = (images - _MIDDLE) / _MIDDLE
            case _:
                images = images - tf.constant(self._mean_rgb)
        # A network for digits sees only brightness.
        return tf.image.rgb_to_grayscale(images) if kernel.shape[2] == 1 else images

    def _stepped(self, net: tf.Tensor, step: stacks.Step) -> tf.Tensor:
        match step:
            case stacks.Pooling():
                return self._pool(net, [step.side, step.side], step.stride)
            case stacks.Normalization():
                return tf.nn.lrn(net, step.radius, step.bias, step.alpha, step.beta)
        if step.same:
            # Zero padding would look like strokes along the border. A transform net would
            # compensate for them with a dull frame around every stylized image.
            net = padding.repeat_edge(net, step.side // 2)
        return slim.conv2d(
            net,
            step.channels,
            [step.side, step.side],
            step.stride,
            padding="VALID",
            scope=step.scope,
        )

    def _constant(
        self, getter: object, name: str, dtype: tf.DType = tf.float32, **unused: object
    ) -> tf.Tensor:
        """Replaces slim's variable getter and returns a constant."""
        return tf.constant(self._weights[name], dtype=dtype, name=name)


def load_weights(path: str | Path, model: str = "vgg_16") -> dict[str, np.ndarray]:
    """Reads the convolutions of a checkpoint with slim's variable names, V1 or V2, as float32.

    Args:
        path: The checkpoint.
        model: The network in it, one of `stacks.NAMES`.

    Raises:
        UserError: If there is no checkpoint at the path, or it is not one of this network.
    """
    weights = checkpoint_file.read_checkpoint(path, f"{stacks.stack(model).scope}/conv")
    first, _ = stacks.variables(model, next(iter(stacks.convolutions(model))))
    _check(path, weights, model)
    if first not in weights:
        advice = "download one with `fastnst weights`"
        if model != "vgg_16":
            advice = "name a checkpoint of it with loss_model_file"
        raise errors.UserError(
            f"{path}: contains no {model} with slim's names ({first}, ...); {advice}"
        )
    return weights


def _check(path: str | Path, weights: collections.abc.Mapping[str, np.ndarray], model: str) -> None:
    """Raises a UserError unless the layers that a file has are those of the network."""
    inputs = 0
    for layer, convolution in stacks.convolutions(model).items():
        names = stacks.variables(model, layer)
        # The first layer sees colors, or brightness only.
        kernel = weights.get(names[0])
        gray = kernel is not None and kernel.ndim == 4 and kernel.shape[2] == 1
        inputs = inputs or (1 if gray else 3)
        side, outputs = convolution.side, convolution.channels
        shapes = ((side, side, inputs, outputs), (outputs,))
        inputs = outputs
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
    held = [
        layer
        for layer in stacks.convolutions(model)
        if stacks.variables(model, layer)[0] in weights
    ]
    return held[-1] if held else "nothing"
