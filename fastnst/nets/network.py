"""Networks that are given by a list of layers and by the rows of their styles."""

from __future__ import annotations

import collections.abc
from typing import TypeAlias, TypeVar

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.nets import architectures, layers, listing, norms, padding, rows

# Entries of a style's row by name.
Entries: TypeAlias = dict[str, tf.Tensor]
# Returns the result of an earlier layer.
Results: TypeAlias = collections.abc.Callable[[str], tf.Tensor]
_Copy = TypeVar("_Copy", bound="Network")


def contrast(photos: tf.Tensor) -> tf.Tensor:
    """Returns the largest difference of two pixels in a channel, at most 1, float32 [B, 1].

    Args:
        photos: float32 RGB [B, H, W, 3] in [0, 255].
    """
    differences = tf.reduce_max(photos, [1, 2]) - tf.reduce_min(photos, [1, 2])
    return tf.minimum(tf.reduce_max(differences, -1, keepdims=True), 1.0)


class Network(tf.Module):
    """A network that is given by its list of layers and by the rows of its styles.

    Subclasses hold the kernels, and define `list_layers` and `copy`.

    Attributes:
        layout: Order of the entries in a row.
        table: Rows of all styles, float32 [styles, R].
        compute_dtype: Dtype of most convolutions.
        fused_norms: Whether norms use the fused operation; see `norms.instance_norm`.
        trained: Whether gradients pass through it, as in `padding.reflect`.
    """

    trained: bool = True

    def __init__(
        self,
        layout: rows.Layout,
        styles: int,
        compute_dtype: tf.DType = tf.float32,
        *,
        fused_norms: bool = True,
    ) -> None:
        """Creates the table."""
        super().__init__()
        self.layout = layout
        self.compute_dtype = compute_dtype
        self.fused_norms = fused_norms
        self.table = tf.Variable(np.tile(layout.initial(), (styles, 1)), name=architectures.TABLE)

    def __call__(
        self, images: tf.Tensor, row: tf.Tensor | None = None, keep: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Stylizes images.

        Args:
            images: float32 RGB [B, H, W, 3] in [0, 255], at least 16 x 16.
            row: As in `TransformNet.__call__`.
            keep: Without effect, unless a subclass has a row that reproduces the photo.

        Returns:
            float32 RGB of the same shape, in [0, 255].
        """
        style = self.fading(self.style(row), contrast(images))
        return tf.ensure_shape(self.compute(images, style), images.shape)

    def list_layers(self) -> tuple[listing.Layer, ...]:
        """Lists the layers in the order in which they are computed; the last makes the picture."""
        raise NotImplementedError

    def copy(self: _Copy, styles: int) -> _Copy:
        """Returns a new network of the same layers, with a table of so many rows."""
        raise NotImplementedError

    def compute(self, images: tf.Tensor, style: Entries) -> tf.Tensor:
        """Computes all layers.

        Args:
            images: float32 RGB [B, H, W, 3] in [0, 255].
            style: Entries of a style's row.

        Returns:
            float32 RGB [B, H, W, 3] in [0, 255].
        """
        results = {listing.PHOTO: images}
        for layer in self.list_layers():
            images = results[layer.source]
            results[layer.name] = self.apply(layer, images, style, results.__getitem__)
        return results[layer.name]

    def apply(
        self,
        layer: listing.Layer,
        images: tf.Tensor,
        style: Entries,
        result: Results,
        like: Results | None = None,
        of_whole: norms.Moments | None = None,
    ) -> tf.Tensor:
        """Computes one layer.

        Args:
            layer: The layer.
            images: The result of its source, [B, H, W, C].
            style: Entries of a style's row.
            result: Returns the result of an earlier layer.
            like: Returns images as large as the result of a layer; None for `result`.
            of_whole: For a norm of a tile: the moments of the whole picture.
        """
        like = like or result
        match layer:
            case listing.Affine(factor=factor, offset=offset):
                return images * factor + offset
            case listing.Cast(dtype=dtype):
                return tf.cast(images, dtype)
            case listing.Convolve(conv=conv):
                return conv(images)
            case listing.Upsample(conv=conv, like=name):
                return conv(images, like(name))
            case listing.ConvolveValid(conv=conv):
                return conv(images)
            case listing.ConvolveTransposed(conv=conv, like=name):
                return conv(images, like(name))
            case listing.Pad(margins=margins, mode=mode):
                return padding.pad(images, margins, mode)
            case listing.Extend(multiple=multiple):
                return padding.extend(images, multiple)
            case listing.Trim(margin=margin):
                return images[:, margin:-margin, margin:-margin] if margin else images
            case listing.Crop(like=name):
                return layers.crop(images, 0, like(name))
            case listing.DepthToSpace():
                return tf.nn.depth_to_space(images, 2)
            case listing.Repeat():
                return layers.repeat(images)
            case listing.Halve():
                return layers.halve(images, trained=self.trained)
            case listing.Double(like=name):
                return layers.double(images, like(name), trained=self.trained)
            case listing.Norm(entries=entries, epsilon=epsilon):
                return norms.instance_norm(
                    images,
                    *(style[entry] for entry in entries),
                    fused=self.fused_norms,
                    of_whole=of_whole,
                    epsilon=epsilon,
                )
            case listing.Relu():
                return tf.nn.relu(images)
            case listing.LeakyRelu(slope=slope):
                return tf.nn.leaky_relu(images, slope)
            case listing.Tanh():
                return tf.tanh(images)
            case listing.Clip(low=low, high=high):
                return tf.clip_by_value(images, low, high)
            case listing.Skip(other=other, entry=entry):
                return layers.skip(images, result(other), style[entry])
            case listing.Subtract(other=other):
                return images - result(other)
            case listing.Add(other=other):
                return images + result(other)
            case listing.Concat(other=other):
                return tf.concat([images, result(other)], axis=-1)
        raise TypeError(f"no such layer: {layer}")

    def style(self, row: tf.Tensor | None = None) -> Entries:
        """Splits a row, [R] or [B, R], into its entries; None for the first row of `table`."""
        return self.layout.split(self.table[0] if row is None else row)

    def fading(self, style: Entries, contrast: tf.Tensor) -> Entries:
        """Returns a style that paints a photo of one color in one color.

        Norms amplify the rounding of such a photo, whose variance is zero, to full contrast. With
        a scale of zero, the last norm removes this pattern. Other photos are not changed.

        Args:
            style: Entries of a style's row.
            contrast: From `contrast`, float32 [B, 1].
        """
        norm = listing.last_norm(self.list_layers())
        if norm is None:
            return style
        scale, shift = norm.entries
        whole = tf.ones_like(contrast)
        return style | {scale: contrast * style[scale], shift: whole * style[shift]}

    def named_variables(self) -> dict[str, tf.Variable]:
        """Returns the variables by name, as in `tensors`."""
        return {variable.name.removesuffix(":0"): variable for variable in self.variables}

    def tensors(self) -> dict[str, np.ndarray]:
        """Returns the weights by name, float32: kernels by their path, and "styles"."""
        return {name: variable.numpy() for name, variable in self.named_variables().items()}

    def assign(self, tensors: collections.abc.Mapping[str, np.ndarray]) -> None:
        """Sets all weights from arrays named as in `tensors`, of any float dtype.

        Raises:
            UserError: If one is missing or has another shape.
        """
        variables = self.named_variables()
        for name, variable in variables.items():
            found = tensors[name].shape if name in tensors else "nothing"
            if found != tuple(variable.shape):
                raise errors.UserError(
                    f"weights of another architecture: {name} should have the shape "
                    f"{tuple(variable.shape)}, found {found}"
                )
        for name, variable in variables.items():
            variable.assign(tensors[name].astype(np.float32))

    def with_table(self: _Copy, table: np.ndarray) -> _Copy:
        """Returns a copy with another table, float32 [styles, R]."""
        copy = self.copy(len(table))
        copy.assign(self.tensors() | {architectures.TABLE: table})
        return copy

    def with_frozen_kernels(self: _Copy, row: np.ndarray) -> _Copy:
        """Returns a copy with constant kernels, and a table of one row as its only variable.

        Args:
            row: Initial value, float32 [R].
        """
        copy = self.frozen(trained=True)
        copy.table = tf.Variable(row[np.newaxis], name=architectures.TABLE)
        return copy

    def share_kernels(self) -> None:
        """Makes the graph that is being built hold each kernel once; see `layers.Shared`."""
        for module in self.submodules:
            if hasattr(module, "shared"):
                module.shared = layers.Shared()

    def frozen(self: _Copy, *, trained: bool = False) -> _Copy:
        """Returns a copy with constants instead of variables, which graphs can fold.

        Args:
            trained: Whether gradients pass through it all the same, to a row or a photo.
        """
        copy = self.with_table(self.table.numpy())
        for module in (copy, *copy.submodules):
            if hasattr(module, "trained"):
                module.trained = trained
            for name, value in list(vars(module).items()):
                if isinstance(value, tf.Variable):
                    setattr(module, name, value.numpy())
        return copy
