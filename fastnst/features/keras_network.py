"""InceptionV3 (Szegedy et al. 2015) with the weights that Keras downloads and verifies."""

from __future__ import annotations

import collections.abc
import contextlib
import sys

import keras
import tensorflow as tf

from fastnst import errors


class KerasNetwork:
    """A network of Keras for RGB pictures in [-1, 1].

    Attributes:
        layers: The number of channels of each layer by name, such as "mixed3", in order.
    """

    def __init__(self, network: keras.Model) -> None:
        """Lists the layers.

        Args:
            network: A network of one input, float32 [B, H, W, 3] in [-1, 1].
        """
        self._network = network
        self.layers = {
            layer.name: layer.output.shape[-1]
            for layer in network.layers
            if len(layer.output.shape) == 4 and layer.output is not network.input
        }

    def __call__(
        self, images: tf.Tensor, layers: collections.abc.Collection[str]
    ) -> dict[str, tf.Tensor]:
        """Computes the features of some layers.

        Args:
            images: float32 RGB [B, H, W, 3] in [0, 255].
            layers: Names from `layers`.

        Returns:
            Features by layer, float32 [B, h, w, C].
        """
        outputs = {name: self._network.get_layer(name).output for name in layers}
        part = keras.Model(self._network.input, outputs)
        return dict(part(images / 127.5 - 1.0, training=False))


def inception_v3() -> KerasNetwork:
    """Loads InceptionV3, trained on ImageNet, from Keras's cache, or downloads 84 MB.

    Raises:
        UserError: If the weights cannot be downloaded.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):  # for Keras's progress bar
            network = keras.applications.InceptionV3(include_top=False, weights="imagenet")
    except Exception as error:  # Keras raises plain Exception if a download fails
        raise errors.UserError(
            f"inception_v3: its weights cannot be downloaded ({' '.join(str(error).split())})"
        ) from error
    return KerasNetwork(network)
