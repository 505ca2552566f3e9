"""Builds the list of a network's layers, one after the other."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np

from fastnst.models import descriptions
from fastnst.models import model as model_module
from fastnst.nets import architectures, listed_net, listing

# The margins of a layer: pixels at the top, at the bottom, on the left and on the right.
Margins = tuple[int, int, int, int]
# The output of published networks is tanh(x) * 150 + 127.5, clipped: beyond what can be shown.
WHITE = 255.0


class Builder:
    """Collects layers and their weights.

    Every method adds a layer that reads the last one, or that of `source`, and returns its name.
    """

    def __init__(self) -> None:
        self.last = listing.PHOTO
        self._layers: list[dict[str, Any]] = []
        self._weights: dict[str, np.ndarray] = {}
        self._row: dict[str, np.ndarray] = {}
        self._counts = collections.Counter[str]()

    def add(self, kind: str, source: str | None = None, **attributes: Any) -> str:
        """Adds a layer by the name of its class in `listing`."""
        self._counts[kind] += 1
        name = f"{kind.lower()}{self._counts[kind]}"
        described = {"kind": kind, "name": name, "source": source or self.last}
        self._layers.append(described | attributes)
        self.last = name
        return name

    def convolve(
        self,
        kernel: np.ndarray,
        *,
        bias: np.ndarray | None = None,
        stride: int = 1,
        pad: int | Margins = 0,
        mode: str = "zero",
    ) -> str:
        """Adds padding and a convolution.

        Args:
            kernel: [height, width, inputs, outputs].
            bias: [outputs], or None.
            stride: 1 or 2.
            pad: Pixels to add on each side.
            mode: How to fill them, one of `padding.MODES`.
        """
        margins = (pad,) * 4 if isinstance(pad, int) else pad
        if any(margins):
            self.add("Pad", margins=list(margins), mode=mode)
        shape = list(map(int, kernel.shape))
        name = self.add("ConvolveValid", shape=shape, stride=stride, bias=bias is not None)
        self._weights[f"{name}/kernel"] = np.asarray(kernel, np.float32)
        if bias is not None:
            self._weights[f"{name}/bias"] = np.asarray(bias, np.float32)
        return name

    def norm(self, scale: np.ndarray, shift: np.ndarray, epsilon: float) -> str:
        """Adds an instance norm with scale and shift, [C] each."""
        name = self.add("Norm", epsilon=epsilon, channels=len(scale))
        self._row |= {f"{name}/scale": scale, f"{name}/shift": shift}
        return name

    def upsample(self, kernel: np.ndarray, taps: np.ndarray, pad: Margins, mode: str) -> str:
        """Adds a convolution that doubles the size, as one to four times the channels.

        Args:
            kernel: [size, size, inputs, outputs], of the operation that is replaced.
            taps: Which of its taps fall onto which of the small image, for even and odd rows of
                the result: [2, taps, size].
            pad: Pixels to add to the small image.
            mode: How to fill them.
        """
        _, count, _ = taps.shape
        folded = np.einsum("pat,qbs,tsio->abipqo", taps, taps, kernel)
        inputs, outputs = kernel.shape[2:]
        self.convolve(folded.reshape(count, count, inputs, 4 * outputs), pad=pad, mode=mode)
        return self.add("DepthToSpace")

    def transposed(self, kernel: np.ndarray, before: int) -> str:
        """Adds a transposed convolution with stride 2, whose result is twice as large.

        Args:
            kernel: [size, size, inputs, outputs].
            before: Rows and columns that are cut off at the top and on the left: the pixel i of
                the small image adds to the pixels 2 i - before, 2 i - before + 1, ...
        """
        size = kernel.shape[0]
        # The row 2 j + parity of the result reads the row j + offset of the small image.
        offsets = {
            (parity, tap): (parity + before - tap) // 2
            for parity in range(2)
            for tap in range(size)
            if (parity + before - tap) % 2 == 0
        }
        first, last = min(offsets.values()), max(offsets.values())
        taps = np.zeros((2, last - first + 1, size), np.float32)
        for (parity, tap), offset in offsets.items():
            taps[parity, offset - first, tap] = 1.0
        return self.upsample(kernel, taps, (-first, last) * 2, "zero")

    def model(self, name: str) -> model_module.Model:
        """Returns the network as a model with one style of this name."""
        architecture = architectures.Listed(tuple(self._layers))
        net = listed_net.ListedNet(architecture)
        net.assign(self._weights | {architectures.TABLE: net.layout.pack(self._row)[np.newaxis]})
        description = descriptions.Description(architecture, (descriptions.Style(name),))
        return model_module.Model(net, description)
