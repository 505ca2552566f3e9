"""Painting a large photo in strips: the same picture, in a fraction of the memory.

Nearly all memory goes to the layers at full size: 32 channels of floats are 2 GiB at 4096 x 4096
pixels, several times over. These are computed strip by strip and never held whole, once for the
moments of the whole that the instance norms need, and once more for what follows.
"""

from __future__ import annotations

import collections.abc
import dataclasses
from typing import Any, TypeAlias

import tensorflow as tf

from fastnst.nets import layers, transform_net

# Rows beside a strip's own that are computed along: padding makes those at the rim wrong, 4 in the
# first layer, 2 in upsampling, 4 in the last one. Strips begin at multiples of 4.
_HALO = 12
_ROWS = 256


@dataclasses.dataclass(frozen=True)
class _Strip:
    """Some rows of a picture, [first, last), and those computed for them, [begin, end)."""

    first: int
    last: int
    begin: int
    end: int

    def of(self, images: tf.Tensor, scale: int = 1) -> tf.Tensor:
        """The rows to compute with, of what is at 1 / scale of the picture's size."""
        return images[:, self.begin // scale : -(-self.end // scale)]

    def own(self, scale: int = 1) -> tf.Tensor:
        """Where its own rows lie among those computed, at 1 / scale of the size: begin and end."""
        first, last = self.first - self.begin, self.last - self.begin
        return tf.constant([first // scale, -(-last // scale)])


def _strips(height: int) -> list[_Strip]:
    firsts = range(0, height, _ROWS)
    return [
        _Strip(
            first,
            min(first + _ROWS, height),
            max(first - _HALO, 0),
            min(first + _ROWS + _HALO, height),
        )
        for first in firsts
    ]


# Mean and variance of each channel, float32 [1, 1, 1, C].
_Moments: TypeAlias = tuple[tf.Tensor, tf.Tensor]


class StripPainter:
    """Paints large photos with one network, which is not a lite one."""

    def __init__(self, net: transform_net.TransformNet) -> None:
        """Makes the functions that compute a strip, to be traced with the first photo."""
        self._net = net
        self._encoder_moments = _function(self._encoder_moments_of)
        self._encode = _function(self._encode_strip)
        self._begin_trunk = _function(net.begin_trunk)
        self._pass_trunk = _function(net.pass_trunk)
        self._decoder_moments = _function(self._decoder_moments_of)
        self._decode = _function(self._decode_strip)
        self._finish = _function(net.finish)

    def __call__(self, photo: tf.Tensor) -> tf.Tensor:
        """Paints a photo.

        Args:
            photo: float32 RGB [1, H, W, 3] in [0, 255].

        Returns:
            float32 RGB of the same shape.
        """
        strips = _strips(photo.shape[1])
        encoder = _merge(
            [self._encoder_moments(strip.of(photo), strip.own()) for strip in strips], strips
        )
        # Each in a call of its own, so that what went in is freed before the next begins.
        net = tf.concat(
            [self._encode(strip.of(photo), encoder, strip.own(2)) for strip in strips], axis=1
        )
        net = self._begin_trunk(net)
        net = self._pass_trunk(net)
        decoder = _merge(
            [
                self._decoder_moments(strip.of(net, 2), strip.of(photo), strip.own())
                for strip in strips
            ],
            strips,
        )
        painted = [
            self._decode(strip.of(net, 2), strip.of(photo), encoder, decoder, strip.own())
            for strip in strips
        ]
        return self._finish(tf.concat(painted, axis=1))

    def _full(self, photo: tf.Tensor, moments: _Moments) -> tf.Tensor:
        return tf.nn.relu(self._net.norm1.normalize(self._net.enter(photo), *moments))

    def _encoder_moments_of(self, photo: tf.Tensor, own: tf.Tensor) -> _Moments:
        return layers.moments(self._net.enter(photo)[:, own[0] : own[1]])

    def _encode_strip(self, photo: tf.Tensor, moments: _Moments, own: tf.Tensor) -> tf.Tensor:
        return self._net.conv2(self._full(photo, moments))[:, own[0] : own[1]]

    def _decoder_moments_of(self, net: tf.Tensor, photo: tf.Tensor, own: tf.Tensor) -> _Moments:
        return layers.moments(self._net.upsample2(net, photo)[:, own[0] : own[1]])

    def _decode_strip(
        self,
        net: tf.Tensor,
        photo: tf.Tensor,
        encoder: _Moments,
        decoder: _Moments,
        own: tf.Tensor,
    ) -> tf.Tensor:
        net = tf.nn.relu(self._net.norm5.normalize(self._net.upsample2(net, photo), *decoder))
        return self._net.leave(net, self._full(photo, encoder), photo)[:, own[0] : own[1]]


def _function(method: collections.abc.Callable[..., Any]) -> collections.abc.Callable[..., Any]:
    return tf.function(method, autograph=False, reduce_retracing=True)


def _merge(
    parts: collections.abc.Sequence[_Moments], strips: collections.abc.Sequence[_Strip]
) -> _Moments:
    """The moments of a whole from those of its strips (Chan et al. 1979)."""
    means, variances = (tf.stack(each) for each in zip(*parts, strict=True))
    rows = tf.constant([strip.last - strip.first for strip in strips], tf.float32)
    shares = tf.reshape(rows / tf.reduce_sum(rows), [-1, 1, 1, 1, 1])
    mean = tf.reduce_sum(shares * means, axis=0)
    return mean, tf.reduce_sum(shares * (variances + tf.square(means - mean)), axis=0)
