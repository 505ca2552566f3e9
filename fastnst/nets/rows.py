"""The row of a style: the weights in which the styles of a network differ.

These are the scales and shifts of the norms and the weights of the skips, as one vector. Rows can
be interpolated: between two styles, or towards the row that reproduces the photo.
"""

from __future__ import annotations

import collections.abc
import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Entry:
    """One layer's part of a row.

    Attributes:
        name: Path of the layer and kind of value, for example "norm1/scale".
        size: Number of channels.
        initial: Value before training.
    """

    name: str
    size: int
    initial: float


@dataclasses.dataclass(frozen=True)
class Layout:
    """The order of the entries in a row.

    Attributes:
        entries: In the order of the layers.
    """

    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Numbers in a row."""
        return sum(entry.size for entry in self.entries)

    def initial(self) -> np.ndarray:
        """Returns the row of a new network, float32 [size]."""
        parts = [np.full(entry.size, entry.initial, np.float32) for entry in self.entries]
        # Of a network without norms, a row is empty.
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def split(self, row: tf.Tensor) -> dict[str, tf.Tensor]:
        """Splits rows, [size] or [B, size], into the entries by name, [C] or [B, C]."""
        if not self.entries:
            return {}
        # Takes seconds, which reading a model's description does not need.
        import tensorflow as tf

        parts = tf.split(row, [entry.size for entry in self.entries], axis=-1)
        return {entry.name: part for entry, part in zip(self.entries, parts, strict=True)}

    def pack(self, tensors: collections.abc.Mapping[str, np.ndarray]) -> np.ndarray:
        """Builds a row, float32 [size], from its entries by name.

        Raises:
            KeyError: If an entry is missing.
        """
        parts = [np.asarray(tensors[entry.name], np.float32) for entry in self.entries]
        return np.concatenate([np.zeros(0, np.float32), *parts])
