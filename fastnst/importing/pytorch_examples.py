"""Networks of pytorch/examples, fast_neural_style, and those that were trained with its code."""

from __future__ import annotations

import collections.abc

import numpy as np

from fastnst.importing import builder

# A tensor that tells such a network.
MARK = "deconv3.conv2d.weight"
NAME = "pytorch/examples (.pth or .safetensors)"
_EPSILON = 1e-5
_BLOCKS = 5
# Nearest neighbor, one mirrored pixel around, and three taps: even rows of the large image and the
# odd ones before them read the same two rows of the small one.
_TAPS = np.array([[[1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]]], np.float32)


def recognizes(tensors: collections.abc.Mapping[str, np.ndarray]) -> bool:
    """Returns whether these are the tensors of such a network."""
    return {"conv1.conv2d.weight", "in1.weight", "deconv3.conv2d.weight"} <= tensors.keys()


def translate(tensors: collections.abc.Mapping[str, np.ndarray]) -> builder.Builder:
    """Lists the layers of such a network."""
    made = builder.Builder()

    def kernel(name: str) -> np.ndarray:
        # PyTorch has outputs and inputs first.
        return tensors[f"{name}.conv2d.weight"].transpose(2, 3, 1, 0)

    def convolve(name: str, stride: int = 1) -> None:
        weights = kernel(name)
        bias = tensors[f"{name}.conv2d.bias"]
        made.convolve(weights, bias=bias, stride=stride, pad=weights.shape[0] // 2, mode="reflect")

    def norm(name: str) -> None:
        made.norm(tensors[f"{name}.weight"], tensors[f"{name}.bias"], _EPSILON)

    for index, stride in ((1, 1), (2, 2), (3, 2)):
        convolve(f"conv{index}", stride)
        norm(f"in{index}")
        made.add("Relu")
    for index in range(1, _BLOCKS + 1):
        before = made.last
        convolve(f"res{index}.conv1")
        norm(f"res{index}.in1")
        made.add("Relu")
        convolve(f"res{index}.conv2")
        norm(f"res{index}.in2")
        made.add("Add", other=before)
    for index in (1, 2):
        # The norm removes the bias.
        made.upsample(kernel(f"deconv{index}"), _TAPS, (1, 1, 1, 1), "edge")
        made.add("Trim", margin=1)
        norm(f"in{index + 3}")
        made.add("Relu")
    convolve("deconv3")
    made.add("Clip", low=0.0, high=builder.WHITE)
    made.add("Crop", like="photo")
    return made
