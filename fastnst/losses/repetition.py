"""Repetition: how strongly small motifs repeat in the flat areas of a photo, such as its sky.

A convolutional network has nothing to draw in a flat area but what its own grid gives it: the same
motif again and again, as on wallpaper. The loss is the lattice figure of `evaluation.lattice`, made
differentiable.
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from fastnst import images

# Side of the areas, and the distance between them, in pixels.
_SIDE = 128
_STEP = 64
# Side of the transform: the shifts of an area against itself must not wrap around.
_PADDED = 2 * _SIDE
# Larger shapes are composition, not wallpaper.
_SIGMA = 12.0
_NEAREST, _FARTHEST = 4.0, 30.0
# Shifts of the autocorrelation that are kept: one more, to tell the maxima among the farthest.
_REACH = int(_FARTHEST) + 1
# Mean gradient of the luma, in levels per pixel: up to the first an area counts in full, from the
# second not at all.
_FLAT, _BUSY = 1.0, 2.0
# Random texture correlates with itself as much as this by chance.
_CHANCE = 0.15
# Keeps areas of a single color finite, in squared levels.
_EPSILON = 1.0


def wallpaper(content: tf.Tensor, stylized: tf.Tensor) -> tf.Tensor:
    """Returns the excess autocorrelation of stylized images where the photos are flat.

    Args:
        content: The photos, float32 RGB [B, H, W, 3] in [0, 255], of known height and width.
        stylized: Their stylized versions, of the same shape.

    Returns:
        The mean over all areas of the squared peaks of the autocorrelation above chance, at
        distances of 4 to 30 pixels, weighted by the area's flatness; a float32 scalar, 0 for
        pictures smaller than an area.
    """
    height, width = content.shape[1:3]
    if min(height, width) < _SIDE:
        return tf.constant(0.0)
    flatness = tf.stop_gradient(_flatness(_areas(_blur(_luma(content), 2.0))))
    luma = _luma(stylized)
    correlation = _autocorrelation(_areas(luma - _blur(luma, _SIGMA)))
    around = tf.nn.max_pool2d(correlation[..., tf.newaxis], 3, 1, "SAME")[..., 0]
    considered = tf.constant(_mask()) * tf.cast(correlation >= around, tf.float32)
    excess = tf.square(tf.nn.relu(correlation - _CHANCE)) * tf.stop_gradient(considered)
    return tf.reduce_mean(flatness * tf.reduce_sum(excess, axis=[1, 2]))


def _luma(pictures: tf.Tensor) -> tf.Tensor:
    """Returns the luma, [B, H, W]."""
    return tf.reduce_sum(pictures * tf.constant(images.LUMA, tf.float32), axis=-1)


def _blur(luma: tf.Tensor, sigma: float) -> tf.Tensor:
    """Applies a Gaussian to [B, H, W]."""
    reach = int(3 * sigma)
    taps = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / sigma))
    taps = tf.constant(taps / taps.sum(), tf.float32)
    net = tf.pad(luma, [[0, 0], [reach, reach], [reach, reach]], "REFLECT")[..., tf.newaxis]
    net = tf.nn.conv2d(net, taps[:, tf.newaxis, tf.newaxis, tf.newaxis], 1, "VALID")
    return tf.nn.conv2d(net, taps[tf.newaxis, :, tf.newaxis, tf.newaxis], 1, "VALID")[..., 0]


def _areas(luma: tf.Tensor) -> tf.Tensor:
    """Cuts [B, H, W] into overlapping areas, [N, SIDE, SIDE]."""
    height, width = luma.shape[1:]
    return tf.concat(
        [
            luma[:, top : top + _SIDE, left : left + _SIDE]
            for top in range(0, height - _SIDE + 1, _STEP)
            for left in range(0, width - _SIDE + 1, _STEP)
        ],
        axis=0,
    )


def _flatness(areas: tf.Tensor) -> tf.Tensor:
    """Returns the weight of each area of a photo, [N] in [0, 1]."""
    down = areas[:, 2:, 1:-1] - areas[:, :-2, 1:-1]
    right = areas[:, 1:-1, 2:] - areas[:, 1:-1, :-2]
    gradient = tf.reduce_mean(tf.sqrt(tf.square(down) + tf.square(right)) / 2.0, axis=[1, 2])
    return tf.clip_by_value((_BUSY - gradient) / (_BUSY - _FLAT), 0.0, 1.0)


def _autocorrelation(areas: tf.Tensor) -> tf.Tensor:
    """Returns the normalized autocorrelation of each area at shifts of up to 31 pixels."""
    window, expected = _window()
    spectrum = tf.signal.rfft2d(areas * window, [_PADDED, _PADDED])
    power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
    found = tf.signal.irfft2d(tf.complex(power, tf.zeros_like(power)), [_PADDED, _PADDED])
    found = tf.roll(found, [_REACH, _REACH], axis=[1, 2])[:, : 2 * _REACH + 1, : 2 * _REACH + 1]
    energy = found[:, _REACH, _REACH] + _EPSILON * float(np.square(window).sum())
    return found / energy[:, tf.newaxis, tf.newaxis] / expected


@functools.cache
def _window() -> tuple[np.ndarray, np.ndarray]:
    """Returns the window of an area, and its own autocorrelation, float32."""
    window = np.outer(np.hanning(_SIDE), np.hanning(_SIDE))
    power = np.square(np.abs(np.fft.fft2(window, [_PADDED, _PADDED])))
    found = np.roll(np.fft.ifft2(power).real, [_REACH, _REACH], [0, 1])
    found = found[: 2 * _REACH + 1, : 2 * _REACH + 1]
    return window.astype(np.float32), (found / found.max()).astype(np.float32)


@functools.cache
def _mask() -> np.ndarray:
    """Returns which shifts are considered, float32."""
    axis = np.arange(-_REACH, _REACH + 1)
    distance = np.hypot(axis[:, np.newaxis], axis)
    return ((distance >= _NEAREST) & (distance <= _FARTHEST)).astype(np.float32)
