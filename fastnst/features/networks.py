"""Opens the networks whose features can be visualized, by name."""

from __future__ import annotations

import collections.abc
from pathlib import Path
from typing import Protocol

import numpy as np
import tensorflow as tf

from fastnst import errors, files
from fastnst.features import frozen_graph, loss_network, matconvnet, stacks, vgg

# The file of each network; None for one that Keras downloads. vgg_16 ships up to relu4_3.
FILES = {
    **{name: stacks.default_file(name) for name in stacks.NAMES},
    "inception5h": "pretrained/tensorflow_inception_graph.pb",
    "inception_v3": None,
}
# Google's archive with the file of inception5h.
ARCHIVE = "https://storage.googleapis.com/download.tensorflow.org/models/inception5h.zip"


class Network(Protocol):
    """A network that computes features."""

    @property
    def layers(self) -> collections.abc.Mapping[str, int]:
        """The number of channels of each layer by name, in order of computation."""

    def __call__(
        self, images: tf.Tensor, layers: collections.abc.Collection[str]
    ) -> dict[str, tf.Tensor]:
        """Maps RGB [B, H, W, 3] in [0, 255] to features [B, h, w, C] by layer."""


def load(name: str, path: Path | None = None) -> Network:
    """Loads a network.

    Args:
        name: One of `FILES`.
        path: Its file: a checkpoint with slim's variable names, for VGG also a .mat file of
            MatConvNet, for inception5h a frozen graph. None for the default.

    Raises:
        UserError: If the file is missing or invalid, or cannot be downloaded.
    """
    default = FILES[name]
    if default is None:
        # Imports Keras, which no other network needs.
        from fastnst.features import keras_network

        return keras_network.inception_v3()
    path = files.find(path or default)
    if name not in stacks.NAMES:
        if not path.is_file():
            raise errors.UserError(
                f"{path}: no such file; name it with --network_file, or unpack it from {ARCHIVE}"
            )
        return frozen_graph.FrozenGraph(path)
    tensors, mean = read_weights(path, name)
    return loss_network.LossNetwork(tensors, (), model=name, mean_rgb=mean)


def read_weights(path: Path, model: str) -> tuple[dict[str, np.ndarray], list[float]]:
    """Reads the convolutions of a loss network, and the mean color of its training pictures.

    Args:
        path: A checkpoint with slim's variable names, or for VGG a .mat file of MatConvNet.
        model: The network in the file, one of `stacks.NAMES`.

    Returns:
        Slim's variables by name, float32, and RGB in [0, 255].

    Raises:
        UserError: If the file is missing, or is not one of this network.
    """
    if path.suffix != ".mat":
        return loss_network.load_weights(path, model), list(vgg.MEAN_RGB)
    if model not in vgg.MODELS:
        raise errors.UserError(
            f"{path}: .mat files hold {', '.join(vgg.MODELS)}; for {model}, name a checkpoint with "
            "slim's variable names"
        )
    tensors, mean = matconvnet.read(path, model)
    return tensors, mean.tolist()
