"""A network as a list of steps, one per convolution, for work on parts of a picture.

A network computes a whole picture at once. Tiles need more: each layer's size relative to the
photo, how far it reaches beyond its pixel, and the places where an instance norm needs the moments
of the whole picture.
"""

from __future__ import annotations

import collections.abc
import dataclasses
from typing import TypeAlias

import tensorflow as tf

from fastnst.nets import layers, listing, network, norms

PHOTO = listing.PHOTO
# Moments of the whole picture by the name of the step.
Moments: TypeAlias = dict[str, norms.Moments]


@dataclasses.dataclass(frozen=True)
class Step:
    """A layer that reads neighboring pixels, and the layers after it that do not.

    Attributes:
        name: Name of the last layer, which is that of the step's result.
        source: The step whose result the first layer reads, or PHOTO.
        before: The layers up to the output that the norm sees.
        after: The norm, if there is one, and the layers that follow.
        scale: The result has 1 / scale of the photo's height and width.
        halo: Pixels of the photo by which wrong values spread inward from the edge of a cut source.
        channels: Channels of the result.
        dtype: Dtype of the output.
    """

    name: str
    source: str
    before: tuple[listing.Layer, ...]
    after: tuple[listing.Layer, ...]
    scale: int
    halo: int
    channels: int
    dtype: tf.DType

    @property
    def normed(self) -> bool:
        """Whether there is a norm."""
        return bool(self.after) and isinstance(self.after[0], listing.Norm)

    @property
    def adds(self) -> tuple[str, ...]:
        """Other steps whose results the layers of `after` read."""
        return tuple(layer.other for layer in self.after if isinstance(layer, listing.Add))

    @property
    def coarsens(self) -> bool:
        """Whether a convolution reduces the size."""
        return any(
            isinstance(each, listing.Convolve) and each.conv.stride > 1 for each in self.before
        )


def of(net: network.Network) -> tuple[Step, ...]:
    """Lists the steps of a network, in the order in which it computes them."""
    found: dict[str, Step] = {}
    # The dtype of each step's result.
    dtypes = {PHOTO: tf.float32}
    for group in _groups(net.list_layers()):
        reads = next(layer for layer in group if _reads_neighbors(layer))
        source = group[0].source
        scale = found[source].scale if source in found else 1
        channels = found[source].channels if source in found else 3
        halo, scale, channels = _shape(reads, scale, channels)
        ends = group.index(reads) + 1
        while ends < len(group) and isinstance(group[ends], listing.Cast):
            ends += 1
        before, after = tuple(group[:ends]), tuple(group[ends:])
        dtype = _cast(before, dtypes[source])
        name = group[-1].name
        dtypes[name] = _cast(after, dtype)
        found[name] = Step(name, source, before, after, scale, halo, channels, dtype)
    return tuple(found.values())


def _groups(
    network_layers: collections.abc.Iterable[listing.Layer],
) -> collections.abc.Iterator[list[listing.Layer]]:
    """Groups the layers, each with one that reads neighboring pixels."""
    group: list[listing.Layer] = []
    for layer in network_layers:
        if _reads_neighbors(layer) and any(map(_reads_neighbors, group)):
            yield group
            group = []
        group.append(layer)
    yield group


def _reads_neighbors(layer: listing.Layer) -> bool:
    spatial = (listing.Convolve, listing.Upsample, listing.Halve, listing.Double)
    return isinstance(layer, spatial)


def _shape(layer: listing.Layer, scale: int, channels: int) -> tuple[int, int, int]:
    """Returns the halo, scale and channels of a layer whose source has this scale and channels."""
    match layer:
        case listing.Convolve(conv=conv):
            return conv.reach * scale, scale * conv.stride, conv.kernel.shape[-1]
        case listing.Upsample(conv=conv):
            return conv.reach * scale, scale // 2, conv.kernel.shape[-1]
        case listing.Halve():
            return layers.LOW_PASS_REACH * scale, 2 * scale, channels
        case listing.Double():
            return layers.LOW_PASS_REACH * scale, scale // 2, channels
    raise TypeError(f"cannot be computed in tiles: {layer}")


def _cast(each: collections.abc.Iterable[listing.Layer], dtype: tf.DType) -> tf.DType:
    """Returns the dtype of a result after some layers."""
    casts = [layer.dtype for layer in each if isinstance(layer, listing.Cast)]
    return casts[-1] if casts else dtype


class Values:
    """The steps' outputs and results for one tile, each computed once, when it is first needed."""

    def __init__(
        self,
        net: network.Network,
        each: collections.abc.Mapping[str, Step],
        photo: tf.Tensor,
        style: network.Entries,
        kept: collections.abc.Mapping[str, tf.Tensor],
        settled: collections.abc.Set[str],
        moments: Moments,
    ) -> None:
        """Computes nothing yet.

        Args:
            net: The network.
            each: Its steps by name.
            photo: The tile's window of the photo, float32 RGB [1, h, w, 3].
            style: Entries of the style's row.
            kept: The same window of outputs that are known.
            settled: Those of `kept` that are results already.
            moments: Those of the whole picture, as far as they are known. A norm without takes
                the tile for the whole picture.
        """
        self._net, self._steps, self._style = net, each, style
        self.photo, self.moments = photo, moments
        self._kept, self._settled = kept, settled
        self._outputs, self._results = dict(kept), dict[str, tf.Tensor]()

    def output(self, name: str) -> tf.Tensor:
        """Returns a step's output, before the norm."""
        if name not in self._outputs:
            step = self._steps[name]
            self._outputs[name] = self._apply(step.before, step, self.result(step.source))
        return self._outputs[name]

    def result(self, name: str) -> tf.Tensor:
        """Returns a step's result, after the norm."""
        if name == PHOTO:
            return self.photo
        if name in self._settled:
            return self._kept[name]
        if name not in self._results:
            step = self._steps[name]
            self._results[name] = self._apply(step.after, step, self.output(name))
        return self._results[name]

    def _apply(
        self, chain: collections.abc.Iterable[listing.Layer], step: Step, images: tf.Tensor
    ) -> tf.Tensor:
        """Computes layers one after the other."""

        def like(name: str) -> tf.Tensor:
            # Only its height and width matter; the layers of this scale may not be computed.
            return self.photo[:, :: step.scale, :: step.scale]

        moments = self.moments.get(step.name)
        for layer in chain:
            images = self._net.apply(layer, images, self._style, self.result, like, moments)
        return images
