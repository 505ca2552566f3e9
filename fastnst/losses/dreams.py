"""What a dream maximizes: the activity of a layer or of channels, or the likeness to a guide."""

from __future__ import annotations

import collections.abc
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from fastnst.features import networks

# Maps float32 RGB [1, H, W, 3] in [0, 255] to a float32 scalar.
Objective: TypeAlias = collections.abc.Callable[[tf.Tensor], tf.Tensor]
# Positions of the guide that each position of the picture is compared with.
_MOST_POSITIONS = 2048


def activity(
    network: networks.Network,
    layers: collections.abc.Mapping[str, float],
    picture: np.ndarray,
) -> Objective:
    """Returns the mean squared features of layers (Mordvintsev et al. 2015).

    A layer that is as active as can be shows more of everything that it already sees.

    Args:
        network: Computes the features.
        layers: The share of each layer.
        picture: float32 RGB [H, W, 3] in [0, 255]. The features of a deep layer may be a thousand
            times those of another, so several layers are divided by their activity here.
    """
    names = tuple(layers)
    units = dict.fromkeys(names, 1.0)
    if len(names) > 1:
        found = _features(network, picture, names)
        units = {name: max(float(tf.reduce_mean(found[name] ** 2)), 1e-6) for name in names}

    def objective(pictures: tf.Tensor) -> tf.Tensor:
        features = network(pictures, names)
        return tf.add_n(
            [
                layers[name] / units[name] * tf.reduce_mean(tf.square(features[name]))
                for name in names
            ]
        )

    return objective


def channels(
    network: networks.Network, layer: str, shares: collections.abc.Mapping[int, float]
) -> Objective:
    """Returns the weighted mean of some channels of a layer, each of which sees one kind of motif.

    Args:
        network: Computes the features.
        layer: The layer.
        shares: The share of each channel.
    """

    def objective(pictures: tf.Tensor) -> tf.Tensor:
        features = network(pictures, (layer,))[layer]
        return tf.add_n(
            [share * tf.reduce_mean(features[..., channel]) for channel, share in shares.items()]
        )

    return objective


def likeness(
    network: networks.Network, layers: collections.abc.Mapping[str, float], guide: np.ndarray
) -> Objective:
    """Returns how much of a guide a picture shows: the guided dream of Mordvintsev et al. 2015.

    At each position, the features are multiplied with those of the position of the guide that they
    are most alike, max_j <f_i, g_j> / ||g_j||; the objective is the mean over the positions.

    Args:
        network: Computes the features.
        layers: The share of each layer.
        guide: float32 RGB [H, W, 3] in [0, 255].
    """
    names = tuple(layers)
    goals = {}
    for name, found in _features(network, guide, names).items():
        positions = found.numpy().reshape(-1, found.shape[-1]).astype(np.float32)
        positions = positions[:: -(-len(positions) // _MOST_POSITIONS)]
        lengths = np.linalg.norm(positions, axis=1, keepdims=True)
        # The mean length keeps several layers in proportion.
        goals[name] = positions / np.maximum(lengths * lengths.mean(), 1e-6)

    def objective(pictures: tf.Tensor) -> tf.Tensor:
        features = network(pictures, names)
        return tf.add_n([layers[name] * _best(features[name], goals[name]) for name in names])

    return objective


def _best(features: tf.Tensor, goals: np.ndarray) -> tf.Tensor:
    """Returns the mean over the positions of the largest product with one of [N, C] goals."""
    positions = tf.reshape(tf.cast(features, tf.float32), [-1, goals.shape[-1]])
    return tf.reduce_mean(tf.reduce_max(tf.matmul(positions, goals, transpose_b=True), axis=1))


def _features(
    network: networks.Network, picture: np.ndarray, layers: tuple[str, ...]
) -> dict[str, tf.Tensor]:
    compute = tf.function(lambda images: network(images, layers), autograph=False)
    return dict(compute(tf.constant(picture[np.newaxis], tf.float32)))
