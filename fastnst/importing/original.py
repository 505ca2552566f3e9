"""Checkpoints of fast-neural-style-tensorflow (Zhang 2016), after which fastnst is named.

The photo is padded by 10 mirrored pixels, which are cut off at the end. Norms have neither scale
nor shift, and residual blocks have no norm.
"""

from __future__ import annotations

import collections.abc

import numpy as np

from fastnst.importing import builder

# A tensor that tells such a network.
MARK = "deconv3/conv/weight"
NAME = "fast-neural-style-tensorflow (checkpoint)"
_PADDING = 10
_EPSILON = 1e-9
# Of the loss network, which is subtracted from the photo.
_MEAN = np.array([123.68, 116.78, 103.94], np.float32)
_BLOCKS = 5
# Its upsampling is nearest neighbor to four times the size and a stride of 2, which equals these
# taps on the small image, whose first row and column are repeated.
_TAPS = np.array([[[1, 0, 0], [0, 1, 1]], [[0, 0, 0], [1, 1, 1]]], np.float32)


def recognizes(tensors: collections.abc.Mapping[str, np.ndarray]) -> bool:
    """Returns whether these are the tensors of such a network."""
    return {"conv1/conv/weight", "deconv3/conv/weight"} <= tensors.keys()


def translate(tensors: collections.abc.Mapping[str, np.ndarray]) -> builder.Builder:
    """Lists the layers of such a network."""
    made = builder.Builder()
    # The mean is subtracted by a convolution of one pixel.
    made.convolve(np.eye(3, dtype=np.float32)[np.newaxis, np.newaxis], bias=-_MEAN)
    made.add("Pad", margins=[_PADDING] * 4, mode="reflect")

    def convolve(name: str, stride: int = 1) -> int:
        """Adds a convolution; returns its channels."""
        kernel = tensors[f"{name}/weight"]
        made.convolve(kernel, stride=stride, pad=kernel.shape[0] // 2, mode="reflect")
        return kernel.shape[-1]

    def norm(channels: int) -> None:
        made.norm(np.ones(channels, np.float32), np.zeros(channels, np.float32), _EPSILON)

    for index, stride in ((1, 1), (2, 2), (3, 2)):
        norm(convolve(f"conv{index}/conv", stride))
        made.add("Relu")
    for index in range(1, _BLOCKS + 1):
        before = made.last
        convolve(f"res{index}/residual/conv")
        made.add("Relu")
        convolve(f"res{index}/residual/conv_1")
        made.add("Add", other=before)
    for index in (1, 2):
        kernel = tensors[f"deconv{index}/conv_transpose/conv/weight"]
        made.upsample(kernel, _TAPS, (1, 0, 1, 0), "edge")
        norm(kernel.shape[-1])
        made.add("Relu")
    norm(convolve("deconv3/conv"))
    made.add("Tanh")
    made.add("Affine", factor=127.5, offset=127.5)
    made.add("Trim", margin=_PADDING)
    made.add("Crop", like="photo")
    return made
