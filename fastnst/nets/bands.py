"""Paints photos of any size inside one graph, which other programs run without this package.

Computing a whole picture at once is fastest, but takes up to 800 bytes per pixel. Large photos are
therefore computed in bands of rows, by the sweeps that `tiling` runs over tiles. Here, each sweep
is a loop of the graph.
"""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

import tensorflow as tf

from fastnst.nets import network, norms, steps, sweeps, tiling, transform_net

# Photos with more pixels are painted in bands.
LARGE = 2**22
# Bytes of the largest layer of a band.
BAND_MEMORY = 2**25

_Arrays: TypeAlias = dict[str, tf.TensorArray]


class BandPainter:
    """Stylizes photos of any number and size with one network, inside the graph that calls it."""

    def __init__(self, net: network.Network) -> None:
        """Plans the sweeps.

        Args:
            net: The network, whose kernels the graph holds as constants. Only those of
                `transform_net` can be painted in bands, others are always computed whole.
        """
        self._net = net
        self._tiles = None
        if isinstance(net, transform_net.TransformNet):
            self._tiles = tiling.TilePainter(net)
            self._plan = sweeps.Plan(tuple(self._tiles.steps.values()), kept_scale=2)

    def __call__(
        self, images: tf.Tensor, row: tf.Tensor, keep: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Stylizes images.

        Args:
            images: float32 RGB [B, H, W, 3] in [0, 255], at least 16 x 16.
            row: Row of the style, float32 [R].
            keep: As in `TransformNet.__call__`, a scalar; None for none.

        Returns:
            float32 RGB of the same shape, in [0, 255].
        """
        self._net.share_kernels()
        batch, height, width, _ = tf.unstack(tf.shape(images))
        # The product of two sides may exceed int32.
        is_large = tf.cast(height, tf.int64) * tf.cast(width, tf.int64) > LARGE
        pictures = tf.TensorArray(tf.float32, batch, element_shape=[1, None, None, 3])

        def paint(index: tf.Tensor, done: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            # For a single photo, TensorFlow has faster norms, and merges them with their ReLUs.
            photo = tf.ensure_shape(images[index : index + 1], [1, None, None, 3])
            style = self._net.fading(self._style(photo, row, keep), network.contrast(photo))
            if self._tiles is None:
                return index + 1, done.write(index, self._net.compute(photo, style))
            # Inlined, the loops would be prepared for the first small photo too, which takes long.
            in_bands = tf.function(
                lambda: _Painting(self._tiles, self._plan, photo, style).run(),
                autograph=False,
                experimental_attributes={"_noinline": True},
            )
            picture = tf.cond(is_large, in_bands, lambda: self._net.compute(photo, style))
            return index + 1, done.write(index, picture)

        # Image by image, because of the memory.
        _, pictures = tf.while_loop(
            lambda index, done: index < batch, paint, (0, pictures), parallel_iterations=1
        )
        return tf.reshape(pictures.concat(), tf.shape(images))

    def _style(self, photo: tf.Tensor, row: tf.Tensor, keep: tf.Tensor | None) -> network.Entries:
        style, net = self._net.style(row), self._net
        # Other networks have no row that reproduces the photo.
        if keep is None or not isinstance(net, transform_net.TransformNet):
            return style
        if not net.architecture.output_norm:
            return style
        nothing = tf.zeros([1, 1, 1, 3])
        # The logarithms take long, and most pictures keep nothing.
        colors = tf.cond(keep > 0.0, lambda: net.color_moments(photo), lambda: (nothing, nothing))
        return net.keeping(style, keep, colors)


@dataclasses.dataclass(frozen=True)
class _Plane:
    """An output that is kept for later sweeps, in bands.

    Attributes:
        bands: [1, h, W / scale, C] each, all equally high except the last.
        height: Rows of the photo in a band, a multiple of `scale`.
        many: The multiple of the lowest bands' height.
        scale: The plane has 1 / scale of the photo's size.
    """

    bands: tf.TensorArray
    height: tf.Tensor
    many: int
    scale: int

    def window(self, begin: tf.Tensor, end: tf.Tensor, pieces: int) -> tf.Tensor:
        """Returns the rows that belong to some rows of the photo.

        Args:
            begin: The first row of the photo, a multiple of the scale.
            end: The end, exclusive.
            pieces: The largest number of bands that have a part in them.
        """
        rows = self.height // self.scale
        first, last = begin // self.scale, -(-end // self.scale)
        parts = []
        for piece in range(pieces):
            index = first // rows + piece
            offset = index * rows
            # Beyond the last band, the part of the last one is empty.
            band = self.bands.read(tf.minimum(index, self.bands.size() - 1))
            parts.append(band[:, tf.maximum(first - offset, 0) : tf.maximum(last - offset, 0)])
        return tf.concat(parts, axis=1)


class _Painting:
    """The state of building the loops for one photo: kept planes, and the moments so far."""

    def __init__(
        self,
        tiles: tiling.TilePainter,
        plan: sweeps.Plan,
        photo: tf.Tensor,
        style: network.Entries,
    ) -> None:
        self._tiles, self._plan, self._photo, self._style = tiles, plan, photo, style
        self._height, self._width = tf.unstack(tf.shape(photo)[1:3])
        self._planes: dict[str, _Plane] = {}
        self._moments: steps.Moments = {}
        self._bytes = max(each.bytes_per_pixel for each in plan.sweeps)
        # A window reaches at most into the next bands.
        least = max(each.halo for each in plan.sweeps) + plan.align
        fitting = tf.cast(BAND_MEMORY / self._bytes / tf.cast(self._width, tf.float64), tf.int32)
        count = -(-self._height // tf.maximum(fitting, least))
        self._least = _aligned(tf.maximum(-(-self._height // count), least), plan.align)

    def run(self) -> tf.Tensor:
        """Returns the picture, float32 [1, H, W, 3]."""
        for each in self._plan.sweeps:
            results = self._sweep(each)
            for name in each.drops:
                del self._planes[name]
        return results

    def _sweep(self, each: sweeps.Sweep) -> tf.Tensor:
        # Smaller layers have higher bands, with relatively smaller halos.
        many = 1
        while 2 * many * each.bytes_per_pixel <= self._bytes:
            many *= 2
        band = many * self._least
        count = -(-self._height // band)
        arrays = {
            name: tf.TensorArray(
                spec.dtype,
                count,
                element_shape=spec.shape,
                infer_shape=False,
                clear_after_read=False,
            )
            for name, spec in self._results(each).items()
        }

        def compute(index: tf.Tensor, arrays: _Arrays) -> tuple[tf.Tensor, _Arrays]:
            results = self._compute(each, index * band, many, band)
            return index + 1, {name: arrays[name].write(index, results[name]) for name in arrays}

        _, arrays = tf.while_loop(
            lambda index, arrays: index < count, compute, (0, arrays), parallel_iterations=1
        )
        if each.target is None:
            return arrays["picture"].concat()[tf.newaxis]
        scale = self._tiles.steps[each.target].scale
        ends = tf.minimum(tf.range(1, count + 1) * band, self._height)
        rows = -(-ends // scale) - tf.range(count) * band // scale
        parts = arrays["mean"].stack(), arrays["variance"].stack()
        self._moments = self._moments | {each.target: norms.merge(parts, rows)}
        for name in each.made:
            scale = self._tiles.steps[name].scale
            self._planes[name] = _Plane(arrays[name], band, many, scale)
        return ends

    def _results(self, each: sweeps.Sweep) -> dict[str, tf.TensorSpec]:
        """Describes what a sweep computes for each band."""
        if each.target is None:
            return {"picture": tf.TensorSpec([None, None, 3])}
        made = {name: self._tiles.steps[name] for name in each.made}
        moments = tf.TensorSpec([1, 1, 1, self._tiles.steps[each.target].channels])
        return {
            "mean": moments,
            "variance": moments,
            **{
                name: tf.TensorSpec([1, None, None, step.channels], step.dtype)
                for name, step in made.items()
            },
        }

    def _compute(
        self, each: sweeps.Sweep, first: tf.Tensor, many: int, band: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Computes a band, which begins at a row of the photo."""
        begin = tf.maximum(first - each.halo, 0) // each.align * each.align
        last = tf.minimum(first + band, self._height)
        end = tf.minimum(_aligned(last + each.halo, each.align), self._height)
        if each.reads_photo:
            photo = self._photo[:, begin:end]
        else:
            # Only its height and width matter.
            photo = tf.zeros([1, end - begin, self._width, 1], tf.uint8)
        kept = {}
        for name in each.reads:
            plane = self._planes[name]
            kept[name] = plane.window(begin, end, max(many // plane.many, 1) + 2)
        inner = tf.stack([tf.stack([first - begin, last - begin]), tf.stack([0, self._width])])
        results = self._tiles.compute(each, photo, kept, inner, self._moments, self._style)
        if each.target is None:
            return {"picture": results["picture"][0]}
        mean, variance = results.pop("moments")
        return {"mean": mean, "variance": variance, **results}


def _aligned(rows: tf.Tensor, align: int) -> tf.Tensor:
    """Returns the next multiple."""
    return -(-rows // align) * align
