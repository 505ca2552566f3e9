"""Paints large pictures tile by tile.

Every pixel of a tile is computed as in the whole picture: a tile is cut with a halo as wide as the
convolutions reach, and all tiles share the moments of the instance norms. These are either exact,
collected from all tiles in one sweep for each norm, or those of a small version of the picture.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import threading
from concurrent import futures
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

from fastnst import planes
from fastnst.nets import network, norms, steps, sweeps, transform_net

# Bytes for the tiles that are computed at once. In sweeps over each layer, tiles are so small that
# the allocator keeps the memory of one for the next, instead of returning it to the system, which
# takes longer than some of the layers. With known moments, the halo is much wider, so larger tiles
# repeat less work.
TILE_MEMORY, WIDE_TILE_MEMORY = 480 * 2**20, 640 * 2**20
# Name of the moments that `TransformNet.keeping` needs, beside those of the steps.
_COLORS = "colors"


# Receives the rows and columns of a part, and its pixels, float32 RGB [1, h, w, 3] in [0, 255]. It
# is called in any order and from other threads, but once at a time.
Write: TypeAlias = collections.abc.Callable[[slice, slice, np.ndarray], None]


@dataclasses.dataclass(frozen=True)
class Resources:
    """The resources that tiles may use.

    Attributes:
        memory: Bytes for the outputs that are kept between sweeps, and for the tiles that are
            computed at once.
        folder: Folder for outputs that do not fit into memory; None keeps all in memory.
        progress: Called after each tile with the number of tiles done and their total.
        tile_memory: Bytes for the tiles that are computed at once; None for the fastest.
    """

    memory: float = float("inf")
    folder: Path | None = None
    progress: collections.abc.Callable[[int, int], None] = lambda done, total: None
    tile_memory: float | None = None


class Choice(NamedTuple):
    """A style, as `TransformNet.__call__` takes it, and the photo's contrast if it is known."""

    row: tf.Tensor
    keep: tf.Tensor | None = None
    contrast: tf.Tensor | None = None


class TilePainter:
    """Stylizes photos of any size with one network."""

    def __init__(self, net: transform_net.TransformNet) -> None:
        """Lists the steps of the network. A tile's functions are traced when they are needed."""
        self.net = net
        self.steps = {step.name: step for step in steps.of(net)}
        self._functions: dict[sweeps.Sweep, tf.types.experimental.PolymorphicFunction] = {}
        self._record = tf.function(self._record_moments, autograph=False, reduce_retracing=True)

    def moments(self, photo: planes.Pixels, choice: Choice, resources: Resources) -> steps.Moments:
        """Returns the moments at each norm of a photo.

        Args:
            photo: As in `paint`.
            choice: The style.
            resources: The resources to use.
        """
        height, width = photo.shape[1:3]
        whole = sweeps.tile_memory(tuple(self.steps.values())) * height * width
        if whole <= min(sweeps.WHOLE_MEMORY, resources.memory):
            return self._record(tf.constant(planes.whole(photo), tf.float32), choice.row)
        return self._exact(photo, choice, resources).run(picture=False)

    def paint(
        self,
        photo: planes.Pixels,
        write: Write,
        choice: Choice,
        moments: steps.Moments | None = None,
        resources: Resources = Resources(),
    ) -> None:
        """Stylizes a photo.

        Args:
            photo: RGB [1, H, W, 3] in 0..255.
            write: Receives the picture part by part.
            choice: The style.
            moments: Those of a small version, from `moments`; None for the photo's own, so that
                the picture is the same as if painted whole.
            resources: The resources to use. If memory is short, outputs that several sweeps need
                are computed again instead of kept, and at last kept in files.
        """
        choice = choice._replace(contrast=tf.constant([[_contrast(photo)]]))
        if moments is None:
            self._exact(photo, choice, resources, write).run()
            return
        plan = sweeps.Plan(tuple(self.steps.values()), moments_known=True)
        tile_memory = min(resources.tile_memory or WIDE_TILE_MEMORY, resources.memory)
        _Run(self, plan, photo, write, choice, moments, resources, tile_memory).run()

    def _exact(
        self,
        photo: planes.Pixels,
        choice: Choice,
        resources: Resources,
        write: Write = lambda rows, columns, pixels: None,
    ) -> _Run:
        height, width = photo.shape[1:3]
        tile_memory = resources.tile_memory or TILE_MEMORY
        listed = tuple(self.steps.values())
        plan = sweeps.choose(listed, height * width, resources.memory, tile_memory)
        tile_memory = min(tile_memory, resources.memory)
        return _Run(self, plan, photo, write, choice, {}, resources, tile_memory)

    def function(self, each: sweeps.Sweep) -> tf.types.experimental.PolymorphicFunction:
        """Returns the function that computes a tile in a sweep."""
        if each not in self._functions:
            compute = functools.partial(self._compute, each)
            self._functions[each] = tf.function(compute, autograph=False)
        return self._functions[each]

    def compute(
        self,
        each: sweeps.Sweep,
        photo: tf.Tensor,
        kept: collections.abc.Mapping[str, tf.Tensor],
        inner: tf.Tensor,
        moments: steps.Moments,
        style: network.Entries,
    ) -> dict[str, Any]:
        """Computes a tile.

        Args:
            each: The sweep.
            photo: The tile's window of the photo, [1, h, w, 3]; of any values and channels if the
                sweep does not read it.
            kept: The same window of the outputs that the sweep reads.
            inner: First and last row, and first and last column, of the tile's own pixels in the
                window: int32 [2, 2].
            moments: Those known so far.
            style: Entries of the style's row.

        Returns:
            The tile's own pixels: "picture"; or its "moments", and by name the steps that the sweep
            makes.
        """
        values = steps.Values(self.net, self.steps, photo, style, kept, each.settled, moments)
        if each.target is None:
            return {"picture": own(values.result(next(reversed(self.steps))), inner, 1)}
        output = own(values.output(each.target), inner, self.steps[each.target].scale)
        results: dict[str, Any] = {
            "moments": norms.moments_of_one(output, fused=self.net.fused_norms)
        }
        if each.keeps:
            results[each.target] = output
        if each.settles:
            scale = self.steps[each.settles].scale
            results[each.settles] = own(values.result(each.settles), inner, scale)
        return results

    def _compute(
        self,
        each: sweeps.Sweep,
        photo: tf.Tensor,
        kept: dict[str, tf.Tensor],
        inner: tf.Tensor,
        moments: steps.Moments,
        choice: Choice,
    ) -> dict[str, Any]:
        """Computes a tile, and the "colors" of its photo if the style keeps some."""
        results = self.compute(each, photo, kept, inner, moments, self._style(moments, choice))
        if choice.keep is not None and not moments:
            results[_COLORS] = self.net.color_moments(own(photo, inner, 1))
        return results

    def _style(self, moments: steps.Moments, choice: Choice) -> network.Entries:
        style = self.net.style(choice.row)
        if choice.keep is not None and _COLORS in moments and self.net.architecture.output_norm:
            style = self.net.keeping(style, choice.keep, moments[_COLORS])
        return style if choice.contrast is None else self.net.fading(style, choice.contrast)

    def _record_moments(self, photo: tf.Tensor, row: tf.Tensor) -> steps.Moments:
        values = steps.Values(self.net, self.steps, photo, self.net.style(row), {}, frozenset(), {})
        found = {_COLORS: self.net.color_moments(photo)}
        for name, step in self.steps.items():
            if step.normed:
                found[name] = values.moments[name] = norms.moments(values.output(name))
        return found


def _contrast(photo: planes.Pixels) -> float:
    """Returns `network.contrast` of one photo; of most photos, only the first rows are read."""
    lowest, highest = np.full(3, np.inf, np.float32), np.full(3, -np.inf, np.float32)
    for part in planes.bands(photo):
        pixels = photo.read(*part)
        lowest = np.minimum(lowest, pixels.min((0, 1, 2)), dtype=np.float32)
        highest = np.maximum(highest, pixels.max((0, 1, 2)), dtype=np.float32)
        if (highest - lowest).max() >= 1.0:
            return 1.0
    return float((highest - lowest).max())


def own(image: tf.Tensor, inner: tf.Tensor, scale: int) -> tf.Tensor:
    """Cuts a tile's own pixels out of its window, [1, h, w, C] with 1 / scale of the photo's size.

    Args:
        image: The window.
        inner: As in `TilePainter.compute`.
        scale: The scale.
    """
    begin, end = inner[:, 0] // scale, -(-inner[:, 1] // scale)
    return image[:, begin[0] : end[0], begin[1] : end[1]]


def _to_tensor(image: np.ndarray) -> tf.Tensor:
    if image.dtype != tf.bfloat16.as_numpy_dtype:
        return tf.convert_to_tensor(image)
    # TensorFlow copies NumPy's bfloat16 number by number.
    return tf.bitcast(tf.convert_to_tensor(image.view(np.uint16)), tf.bfloat16)


class _Run:
    """The state of painting one photo: kept outputs, and the moments known so far."""

    def __init__(
        self,
        painter: TilePainter,
        plan: sweeps.Plan,
        photo: planes.Pixels,
        write: Write,
        choice: Choice,
        moments: steps.Moments,
        resources: Resources,
        tile_memory: float,
    ) -> None:
        self._painter, self._plan = painter, plan
        self._photo, self._write, self._choice = photo, write, choice
        self._moments, self._resources = moments, resources
        self._kept: dict[str, planes.AnyPlane] = {}
        self._height, self._width = photo.shape[1:3]
        left = resources.memory - plan.kept_memory * self._height * self._width
        folder = resources.folder if left < tile_memory else None
        self._workspace = planes.Workspace(folder)
        self._tile_memory = tile_memory
        # With two, one tile is copied while the other is computed.
        self._threads = 1 if moments else 2
        self._writing = threading.Lock()

    def run(self, *, picture: bool = True) -> steps.Moments:
        """Runs the sweeps; without the picture, all but the last. Returns all moments."""
        chosen = self._plan.sweeps if picture else self._plan.sweeps[:-1]
        cuts = [self._cut(each) for each in chosen]
        total = sum(map(len, cuts))
        done = 0
        pool = futures.ThreadPoolExecutor(self._threads)
        try:
            for each, tiles in zip(chosen, cuts, strict=True):
                new = {name: self._plane(name) for name in each.made}
                compute = functools.partial(self._compute, each, self._function(each), new)
                found = []
                for future in [pool.submit(compute, tile) for tile in tiles]:
                    found.append(future.result())
                    done += 1
                    self._resources.progress(done, total)
                self._finish(each, tiles, new, found)
            return self._moments
        finally:
            # After Ctrl-C or an error, the tiles that have not begun are left out.
            pool.shutdown(cancel_futures=True)
            for name in list(self._kept):
                self._drop(name)

    def _cut(self, each: sweeps.Sweep) -> list[sweeps.Tile]:
        pixels = self._height * self._width
        if not each.whole:
            pixels = int(self._tile_memory / self._threads / each.tile_memory)
        return sweeps.cut(self._height, self._width, pixels, each.halo, self._plan.align)

    def _function(self, each: sweeps.Sweep) -> collections.abc.Callable[..., dict[str, Any]]:
        """Returns the function of a sweep for tiles of any size, because tracing takes long."""

        def any_size(channels: int, dtype: Any) -> tf.TensorSpec:
            return tf.TensorSpec([1, None, None, channels], dtype)

        photo = any_size(3, tf.float32) if each.reads_photo else any_size(1, tf.uint8)
        kept = {
            name: any_size(step.channels, step.dtype)
            for name, step in self._painter.steps.items()
            if name in each.reads
        }
        # A style may keep no colors.
        known = tf.nest.map_structure(
            lambda value: value if value is None else tf.TensorSpec.from_tensor(value),
            (self._moments, self._choice),
        )
        function = self._painter.function(each)
        return function.get_concrete_function(photo, kept, tf.TensorSpec([2, 2], tf.int32), *known)

    def _compute(
        self,
        each: sweeps.Sweep,
        function: collections.abc.Callable[..., dict[str, Any]],
        new: collections.abc.Mapping[str, planes.AnyPlane],
        tile: sweeps.Tile,
    ) -> steps.Moments:
        """Computes a tile; returns its moments, by step."""
        results = function(*self._arguments(each, tile))
        if each.target is None:
            with self._writing:
                picture = np.asarray(results["picture"])
                self._write(tile.rows.own(), tile.columns.own(), picture)
            return {}
        for name, plane in new.items():
            scale = self._painter.steps[name].scale
            part = tile.rows.own(scale), tile.columns.own(scale)
            # Unlike .numpy(), this does not copy.
            plane.write(*part, np.asarray(results[name]))
        colors = {_COLORS: results[_COLORS]} if _COLORS in results else {}
        return {each.target: results["moments"], **colors}

    def _finish(
        self,
        each: sweeps.Sweep,
        tiles: collections.abc.Sequence[sweeps.Tile],
        new: collections.abc.Mapping[str, planes.AnyPlane],
        found: collections.abc.Sequence[steps.Moments],
    ) -> None:
        """Merges the moments of a sweep, and replaces the planes."""
        for name in found[0]:
            scale = 1 if name == _COLORS else self._painter.steps[name].scale
            pixels = [tile.pixels(scale) for tile in tiles]
            means, variances = zip(*(moments[name] for moments in found), strict=True)
            parts = tf.stack(means), tf.stack(variances)
            self._moments = self._moments | {name: norms.merge(parts, pixels)}
        for name, plane in new.items():
            self._drop(name)
            self._kept[name] = plane
        for name in each.drops:
            self._drop(name)

    def _arguments(self, each: sweeps.Sweep, tile: sweeps.Tile) -> tuple[Any, ...]:
        """Returns the arguments of `TilePainter._compute`, except the sweep."""

        def window(image: planes.Pixels, scale: int) -> np.ndarray:
            part = image.read(tile.rows.window(scale), tile.columns.window(scale))
            return np.ascontiguousarray(part)

        rows, columns = tile.rows.window(), tile.columns.window()
        if each.reads_photo:
            photo = tf.convert_to_tensor(window(self._photo, 1).astype(np.float32, copy=False))
        else:
            # Only its height and width matter.
            photo = tf.zeros([1, rows.stop - rows.start, columns.stop - columns.start, 1], tf.uint8)
        kept = {
            name: _to_tensor(window(self._kept[name], self._painter.steps[name].scale))
            for name in each.reads
        }
        inner = [[span.inner().start, span.inner().stop] for span in (tile.rows, tile.columns)]
        return photo, kept, tf.constant(inner), self._moments, self._choice

    def _plane(self, name: str) -> planes.AnyPlane:
        step = self._painter.steps[name]
        shape = (1, -(-self._height // step.scale), -(-self._width // step.scale), step.channels)
        return self._workspace.new(shape, step.dtype.as_numpy_dtype)

    def _drop(self, name: str) -> None:
        if kept := self._kept.pop(name, None):
            kept.free()
