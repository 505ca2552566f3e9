"""Stylizes large photos in strips: the same picture with a fraction of the memory.

The layers at full size need nearly all of the memory: 32 channels of floats take 2 GiB at 4096 x
4096 pixels, several times over. They are computed strip by strip. Because an instance norm needs
the moments of the whole image, the outputs of the convolution before it are kept until the moments
are known, and freed strip by strip while the next layer is computed.
"""

from __future__ import annotations

import collections.abc
import dataclasses
from typing import Any, TypeAlias

import tensorflow as tf

from fastnst.nets import norms, transform_net

# Extra rows to compute on either side of a strip, because padding makes the outer ones wrong: 4 in
# the first layer, 2 in upsampling and 4 in the last layer. Strips begin at multiples of 4.
_HALO = 12
_ROWS = 256


@dataclasses.dataclass(frozen=True)
class _Strip:
    """Rows [first, last) of a picture, and the rows [begin, end) computed for them."""

    first: int
    last: int
    begin: int
    end: int

    def of(self, images: tf.Tensor, scale: int = 1) -> tf.Tensor:
        """Returns the rows to compute from images at 1 / scale of the picture's size."""
        return images[:, self.begin // scale : -(-self.end // scale)]

    def own(self, scale: int = 1) -> tf.Tensor:
        """Returns begin and end of the strip's own rows among those computed, at 1 / scale size."""
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
# Entries of a style's row by name.
_Style: TypeAlias = dict[str, tf.Tensor]

# The output for a strip, and the moments of its own rows.
_Part: TypeAlias = tuple[tf.Tensor, _Moments]


class StripPainter:
    """Stylizes large photos with a network that is not lite."""

    def __init__(self, net: transform_net.TransformNet) -> None:
        """Creates the functions that compute a strip; they are traced with the first photo."""
        self._net = net
        self._enter = _function(self._enter_strip)
        self._encode = _function(self._encode_strip)
        self._begin_trunk = _function(net.begin_trunk)
        self._pass_trunk = _function(net.pass_trunk)
        self._upsample = _function(self._upsample_strip)
        self._decode = _function(self._decode_strip)
        self._finish = _function(net.finish)

    def __call__(
        self, photo: tf.Tensor, row: tf.Tensor, keep: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Stylizes a photo.

        Args:
            photo: float32 RGB [1, H, W, 3] in [0, 255].
            row: Row of the style, float32 [R].
            keep: As in `TransformNet.__call__`.

        Returns:
            float32 RGB of the same shape.
        """
        style = self._net.style(row)
        strips = _strips(photo.shape[1])
        entered = [self._enter(strip.of(photo), strip.own()) for strip in strips]
        encoder = _merge([moments for _, moments in entered], strips)
        # One call per strip, so that its input is freed before the next begins.
        net = tf.concat(
            [
                self._encode(full, encoder, style, strip.own(2))
                for (full, _), strip in zip(_consumed(entered), strips, strict=True)
            ],
            axis=1,
        )
        net = self._begin_trunk(net, style)
        net = self._pass_trunk(net, style)
        upsampled = [
            self._upsample(strip.of(net, 2), strip.of(photo), strip.own()) for strip in strips
        ]
        del net
        decoder = _merge([moments for _, moments in upsampled], strips)
        stylized = [
            self._decode(full, strip.of(photo), encoder, decoder, style, strip.own())
            for (full, _), strip in zip(_consumed(upsampled), strips, strict=True)
        ]
        return self._finish(tf.concat(stylized, axis=1), style, photo, keep)

    def _enter_strip(self, photo: tf.Tensor, own: tf.Tensor) -> _Part:
        full = self._net.enter(photo)
        return full, norms.moments(full[:, own[0] : own[1]])

    def _encode_strip(
        self, full: tf.Tensor, encoder: _Moments, style: _Style, own: tf.Tensor
    ) -> tf.Tensor:
        return self._net.conv2(_normalize("norm1", full, encoder, style))[:, own[0] : own[1]]

    def _upsample_strip(self, net: tf.Tensor, photo: tf.Tensor, own: tf.Tensor) -> _Part:
        full = self._net.upsample2(net, photo)
        return full, norms.moments(full[:, own[0] : own[1]])

    def _decode_strip(
        self,
        full: tf.Tensor,
        photo: tf.Tensor,
        encoder: _Moments,
        decoder: _Moments,
        style: _Style,
        own: tf.Tensor,
    ) -> tf.Tensor:
        net = _normalize("norm5", full, decoder, style)
        # The skip's input is recomputed, because keeping it would take 2 GiB during the trunk.
        entered = self._net.enter(photo)
        entered = _normalize("norm1", entered, encoder, style)
        return self._net.leave(net, entered, photo, style)[:, own[0] : own[1]]


def _normalize(name: str, net: tf.Tensor, moments: _Moments, style: _Style) -> tf.Tensor:
    scale, shift = style[f"{name}/scale"], style[f"{name}/shift"]
    return tf.nn.relu(norms.normalize(net, *moments, scale, shift))


def _function(method: collections.abc.Callable[..., Any]) -> collections.abc.Callable[..., Any]:
    return tf.function(method, autograph=False, reduce_retracing=True)


def _consumed(parts: list[_Part]) -> collections.abc.Iterator[_Part]:
    """Yields and drops each part, so that its memory is freed before the next is computed."""
    while parts:
        yield parts.pop(0)


def _merge(
    parts: collections.abc.Sequence[_Moments], strips: collections.abc.Sequence[_Strip]
) -> _Moments:
    """Combines the moments of strips into those of the whole image (Chan et al. 1979)."""
    means, variances = (tf.stack(each) for each in zip(*parts, strict=True))
    rows = tf.constant([strip.last - strip.first for strip in strips], tf.float32)
    shares = tf.reshape(rows / tf.reduce_sum(rows), [-1, 1, 1, 1, 1])
    mean = tf.reduce_sum(shares * means, axis=0)
    return mean, tf.reduce_sum(shares * (variances + tf.square(means - mean)), axis=0)
