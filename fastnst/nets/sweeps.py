"""Plans the sweeps over a large picture: which layers are computed and kept when, in which tiles.

An instance norm needs the moments of the whole picture. Each sweep therefore computes one step up
to its norm for every tile, and keeps the output, or computes it again in the sweeps that need it.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import math

from fastnst.nets import steps

# Peak memory of a tile, as a multiple of its largest layer in float32; measured, rounded up.
LAYERS_AT_ONCE = 7
# Bytes for a whole picture, or its trunk, at once: 2048 x 2048 pixels of the default network, or
# the trunk of 4096 x 4096. Beyond, tiles save more memory than they take time.
WHOLE_MEMORY = 3_758_096_384


@dataclasses.dataclass(frozen=True)
class Span:
    """Rows or columns of a photo that belong to a tile, and those that are computed for them.

    Attributes:
        first: The first that belongs to the tile.
        last: The end of those that belong to it, exclusive.
        begin: The first that is computed, a multiple of every layer's scale.
        end: The end of those computed, exclusive.
    """

    first: int
    last: int
    begin: int
    end: int

    def window(self, scale: int = 1) -> slice:
        """Returns the part to compute of an image with 1 / scale of the photo's size."""
        return slice(self.begin // scale, -(-self.end // scale))

    def own(self, scale: int = 1) -> slice:
        """Returns the part of an image of 1 / scale of the size that belongs to the tile."""
        return slice(self.first // scale, -(-self.last // scale))

    def inner(self, scale: int = 1) -> slice:
        """Returns the part that belongs to the tile, relative to `window`."""
        own, offset = self.own(scale), self.begin // scale
        return slice(own.start - offset, own.stop - offset)


@dataclasses.dataclass(frozen=True)
class Tile:
    """A part of a photo."""

    rows: Span
    columns: Span

    def pixels(self, scale: int = 1) -> int:
        """Returns how many pixels of an image with 1 / scale of the size belong to the tile."""
        rows, columns = self.rows.own(scale), self.columns.own(scale)
        return (rows.stop - rows.start) * (columns.stop - columns.start)


def cut(height: int, width: int, pixels: int, halo: int, align: int) -> list[Tile]:
    """Cuts a photo into tiles of about the same size, row by row.

    Args:
        height: Height of the photo.
        width: Width of the photo.
        pixels: Largest number of pixels to compute for a tile, halo included. A tile is at least
            `align` pixels high and wide.
        halo: Pixels to compute around each tile.
        align: Tiles begin at multiples of this.
    """
    across = _spans(width, max(math.isqrt(pixels), pixels // height), halo, align)
    widest = max(span.end - span.begin for span in across)
    return [
        Tile(rows, columns)
        for rows in _spans(height, pixels // widest, halo, align)
        for columns in across
    ]


def _spans(size: int, longest: int, halo: int, align: int) -> list[Span]:
    if longest >= size:
        return [Span(0, size, 0, size)]
    # The begin is rounded down to a multiple, which takes up to align - 1 pixels more.
    step = max((longest - 2 * halo - align + 1) // align * align, align)
    count = -(-size // step)
    step = -(-size // (count * align)) * align
    return [
        Span(
            first,
            min(first + step, size),
            max(first - halo, 0) // align * align,
            min(-(-(first + step + halo) // align) * align, size),
        )
        for first in range(0, size, step)
    ]


@dataclasses.dataclass(frozen=True)
class Sweep:
    """One sweep over all tiles.

    Attributes:
        target: The step whose convolution is computed, or None to compute the picture.
        reads: Steps whose kept outputs are read.
        reads_photo: Whether the photo is read.
        settled: Those of `reads` that are results already.
        keeps: Whether the output of `target` is kept.
        settles: A step whose result is kept instead of its output, because later sums need it.
        drops: Steps whose outputs no later sweep reads.
        whole: Whether there is one tile, the whole picture. It computes the moments of norms in
            between by itself.
        halo: Pixels of the photo to compute around a tile.
        align: Largest scale of a layer; windows begin at its multiples.
        bytes_per_pixel: Largest layer, in bytes per pixel of the photo.
    """

    target: str | None
    reads: tuple[str, ...]
    reads_photo: bool
    settled: frozenset[str]
    keeps: bool
    settles: str | None
    drops: tuple[str, ...]
    whole: bool
    halo: int
    align: int
    bytes_per_pixel: float

    @property
    def made(self) -> list[str]:
        """The steps that the sweep makes planes of: outputs, or the results that replace them."""
        names = [self.target if self.keeps else None, self.settles]
        return [name for name in names if name]

    @property
    def tile_memory(self) -> float:
        """Bytes that a tile takes per pixel."""
        return LAYERS_AT_ONCE * self.bytes_per_pixel


class Plan:
    """The sweeps that compute a picture.

    Attributes:
        sweeps: The sweeps in order.
        align: Largest scale of a layer; tiles begin at its multiples.
        kept_memory: Peak of all kept outputs, in bytes per pixel of the photo.
    """

    def __init__(
        self,
        network: collections.abc.Sequence[steps.Step],
        kept_scale: int = 1,
        *,
        trunk_at_once: bool = False,
        moments_known: bool = False,
    ) -> None:
        """Plans the sweeps.

        Args:
            network: The steps.
            kept_scale: Outputs at this scale and smaller ones are kept, others are computed again.
                The RGB output is always kept.
            trunk_at_once: Whether one sweep computes all steps of the trunk.
            moments_known: Whether the moments of all norms are known, so that one sweep suffices.
        """
        self._steps = {step.name: step for step in network}
        self.align = max(step.scale for step in network)
        self.sweeps: list[Sweep] = []
        self.kept_memory = 0.0
        # Outputs that sweeps may keep, those that are kept so far, and those replaced by results.
        self._keepable = {step.name for step in network if step.scale >= kept_scale}
        self._keepable = set() if moments_known else self._keepable | {network[-1].name}
        self._kept, self._settled = set[str](), set[str]()
        trunk = self._trunk(network) if trunk_at_once else []
        targets: list[str | None] = [
            step.name
            for step in network
            if step.normed and not moments_known and step.name not in trunk[:-1]
        ]
        targets.append(None)
        for index, target in enumerate(targets):
            whole = target is not None and target in trunk
            self._add(target, targets[index + 1 :], whole=whole)

    def _add(
        self, target: str | None, later: collections.abc.Sequence[str | None], *, whole: bool
    ) -> None:
        """Adds a sweep, before the sweeps to later targets."""
        halo, reads, layers = self._needs(target)
        assert reads <= self._kept, "a sweep reads only what earlier ones kept"
        settled = frozenset(self._settled & reads)
        # The result of the whole trunk at once, because it adds layers that are not kept.
        settles = target if whole else self._sum_to_settle(target)
        replaced = self._size(settles or "") if settles in self._kept else 0.0
        if target in self._keepable:
            self._kept.add(target)
        if settles:
            self._settled.add(settles)
        memory = sum(map(self._size, self._kept)) + replaced
        self.kept_memory = max(self.kept_memory, memory)
        needed = set[str]().union(*(self._needs(each)[1] for each in later))
        drops = self._kept - needed
        self._kept -= drops
        self.sweeps.append(
            Sweep(
                target=target,
                reads=tuple(sorted(reads)),
                reads_photo=steps.PHOTO in layers,
                settled=settled,
                keeps=target in self._keepable and target != settles,
                settles=settles,
                drops=tuple(sorted(drops)),
                whole=whole,
                halo=halo,
                align=max(map(self._scale, layers)),
                bytes_per_pixel=max(self._size(name, 4) for name in layers),
            )
        )

    def _sum_to_settle(self, target: str | None) -> str | None:
        """Returns the kept sum that a step is computed from, if later sums need its result."""
        source = self._steps[target].source if target else steps.PHOTO
        while source in self._steps and source not in self._kept:
            source = self._steps[source].source
        if source not in self._kept - self._settled or not self._steps[source].adds:
            return None
        return source if any(source in step.adds for step in self._steps.values()) else None

    def _trunk(self, network: collections.abc.Sequence[steps.Step]) -> list[str]:
        """Returns the names of the steps from the trunk's first layer to its last."""
        coarsest = trunk_scale(network)
        return [
            step.name for step in network if min(step.scale, self._scale(step.source)) >= coarsest
        ]

    @property
    def whole_memory(self) -> float:
        """Bytes per pixel of sweeps that compute the whole picture; 0 without them."""
        return max((each.tile_memory for each in self.sweeps if each.whole), default=0.0)

    def _scale(self, name: str) -> int:
        return self._steps[name].scale if name in self._steps else 1

    def _size(self, name: str, item: int | None = None) -> float:
        """Returns the bytes of a step's output per pixel of the photo."""
        if name not in self._steps:
            return 0.0
        step = self._steps[name]
        return step.channels * (item or step.dtype.size) / step.scale**2

    def _needs(self, target: str | None) -> tuple[int, set[str], set[str]]:
        """Returns the halo, the kept outputs and all layers that a sweep needs."""
        reads, layers = set[str](), set[str]()

        def output(name: str) -> int:
            layers.add(name)
            step = self._steps[name]
            halo = step.halo + result(step.source)
            # A pixel at a smaller scale is wrong as a whole if a part of it is.
            return -(-halo // step.scale) * step.scale

        def result(name: str) -> int:
            if name == steps.PHOTO:
                layers.add(name)
                return 0
            step = self._steps[name]
            if name in self._kept:
                reads.add(name)
                layers.add(name)
                halo = 0
            else:
                halo = output(name)
            if name in self._settled:
                return halo
            return max(halo, *map(result, step.adds), 0)

        halo = output(target) if target else result(next(reversed(self._steps)))
        return halo, reads, layers


def choose(
    network: collections.abc.Sequence[steps.Step], pixels: int, memory: float, tile_memory: float
) -> Plan:
    """Returns the fastest plan that fits into memory, else the most frugal one.

    Args:
        network: The steps.
        pixels: Number of pixels of the photo.
        memory: Bytes for kept outputs and a tile.
        tile_memory: Bytes for a tile.
    """
    # Layers of the largest size take longer to keep than to compute again.
    coarsest = trunk_scale(network)
    scales = sorted({step.scale for step in network if 1 < step.scale <= coarsest})
    for scale in scales:
        for at_once in (True, False):
            plan = Plan(network, scale, trunk_at_once=at_once)
            whole = plan.whole_memory * pixels
            fits = plan.kept_memory * pixels + max(tile_memory, whole) <= memory
            if fits and whole <= WHOLE_MEMORY:
                return plan
    return plan


def tile_memory(network: collections.abc.Sequence[steps.Step]) -> float:
    """Returns the bytes per pixel that it takes to compute all steps at once."""
    (only,) = Plan(network, moments_known=True).sweeps
    return only.tile_memory


def most_frugal(network: collections.abc.Sequence[steps.Step]) -> Plan:
    """Returns the plan that keeps least."""
    return Plan(network, trunk_scale(network))


def trunk_scale(network: collections.abc.Sequence[steps.Step]) -> int:
    """Returns the scale of the residual blocks; those inside may have a larger one."""
    return max((step.scale for step in network if step.coarsens), default=1)
