"""Networks of lengstrom/fast-style-transfer: zero padding, transposed convolutions, no names."""

from __future__ import annotations

import collections.abc

import numpy as np

from fastnst.importing import builder

# A tensor that tells such a network.
MARK = "Variable_47"
NAME = "lengstrom/fast-style-transfer (checkpoint or .npz)"
_EPSILON = 1e-3
_BLOCKS = 5


def _name(index: int) -> str:
    """Returns the name of a variable, which TensorFlow 1 has numbered."""
    return f"Variable_{index}" if index else "Variable"


def recognizes(tensors: collections.abc.Mapping[str, np.ndarray]) -> bool:
    """Returns whether these are the tensors of such a network."""
    shapes = [tensors[_name(index)].shape for index in range(48) if _name(index) in tensors]
    return len(shapes) == 48 and len(shapes[0]) == 4 and shapes[0][:3] == (9, 9, 3)


def translate(tensors: collections.abc.Mapping[str, np.ndarray]) -> builder.Builder:
    """Lists the layers of such a network."""
    made = builder.Builder()
    made.add("Extend", multiple=4)
    layers = iter(range(0, 48, 3))

    def weights() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns the next layer's kernel, and the scale and shift of its norm."""
        first = next(layers)
        kernel, shift, scale = (tensors[_name(first + part)] for part in range(3))
        return kernel, scale, shift

    def convolve(stride: int = 1) -> None:
        kernel, scale, shift = weights()
        # TensorFlow's "SAME": of an even size, a stride of 2 adds a pixel at the end only.
        margin = kernel.shape[0] // 2
        made.convolve(kernel, stride=stride, pad=margin if stride == 1 else (0, 1, 0, 1))
        made.norm(scale, shift, _EPSILON)

    for stride in (1, 2, 2):
        convolve(stride)
        made.add("Relu")
    for _ in range(_BLOCKS):
        before = made.last
        convolve()
        made.add("Relu")
        convolve()
        made.add("Add", other=before)
    for _ in range(2):
        kernel, scale, shift = weights()
        made.transposed(kernel.transpose(0, 1, 3, 2), before=0)
        made.norm(scale, shift, _EPSILON)
        made.add("Relu")
    convolve()
    made.add("Tanh")
    made.add("Affine", factor=150.0, offset=127.5)
    made.add("Clip", low=0.0, high=builder.WHITE)
    made.add("Crop", like="photo")
    return made
