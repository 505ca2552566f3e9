"""Stylizers: restored models that stylize photos.

This module imports nothing of training: no loss network and no data pipeline.
"""

from __future__ import annotations

import collections.abc
from pathlib import Path
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from fastnst import devices, errors, images
from fastnst.models import model, store
from fastnst.nets import tiling, transform_net

# Larger photos are stylized in strips on a CPU.
_LARGE_PIXELS = 2048 * 2048
# Maps float32 RGB [B, H, W, 3] in [0, 255], a style or None, and a strength or None to the same
# shape, float or uint8.
Paint: TypeAlias = collections.abc.Callable[[tf.Tensor, str | None, float | None], tf.Tensor]


class Stylizer:
    """Stylizes photos with one trained model.

    Example:
        >>> stylizer = fastnst.load("gallery", style="wave")
        >>> stylized = stylizer(photo)  # uint8 [H, W, 3] in, uint8 [H, W, 3] out
        >>> softer = stylizer(photo, strength=0.5)
        >>> blended = stylizer(photo, style="wave:0.6,candy:0.4")

    Attributes:
        name: Name of the model.
        styles: Names of its styles.
    """

    def __init__(
        self,
        paint: Paint,
        name: str,
        styles: collections.abc.Sequence[str] = (),
        style: str | None = None,
        strength: float | None = None,
    ) -> None:
        """Wraps a function.

        Args:
            paint: Function that stylizes a batch in a style with a strength.
            name: Name of the model.
            styles: Names of its styles.
            style: Default style or blend; None for the first style.
            strength: Default strength; None for 1.
        """
        self._paint = paint
        self.name = name
        self.styles = tuple(styles) or (name,)
        self._style, self._strength = style, strength

    def __call__(
        self, photos: np.ndarray, style: str | None = None, strength: float | None = None
    ) -> np.ndarray:
        """Stylizes one photo, or a batch of photos of the same size.

        Args:
            photos: RGB [H, W, 3] or [B, H, W, 3] in 0..255, uint8 or float, at least 16 x 16;
                or anything that NumPy converts to such an array, such as a Pillow image.
            style: A style's name, or a blend such as "wave:0.6,candy:0.4"; None for the
                default.
            strength: From 0 (the photo itself) through 1 (the style as trained) to 1.5; None for
                the default.

        Returns:
            uint8 of the same shape.

        Raises:
            UserError: If the array has another shape or values that are not finite, the style or
                strength is not available, or memory is insufficient.
        """
        photos = np.asarray(photos)
        shape = photos.shape
        if len(shape) not in (3, 4) or shape[-1] != 3:
            raise errors.UserError(
                f"expected RGB of shape [H, W, 3] or [B, H, W, 3], found {list(shape)}"
            )
        if not (np.issubdtype(photos.dtype, np.number) and np.isfinite(photos).all()):
            raise errors.UserError(
                f"expected finite numbers in 0..255, found other values ({photos.dtype})"
            )
        height, width = shape[-3:-1]
        if min(height, width) < transform_net.MIN_SIDE:
            raise errors.UserError(
                f"{width} x {height} pixels is too small to stylize; each side should be at least "
                f"{transform_net.MIN_SIDE}"
            )
        if not photos.size:
            return np.zeros(shape, np.uint8)
        batch = tf.constant(photos if len(shape) == 4 else photos[np.newaxis], tf.float32)
        try:
            stylized = self._paint(
                batch, style or self._style, self._strength if strength is None else strength
            )
            # Unlike .numpy(), this does not copy.
            stylized = np.asarray(stylized)
        except tf.errors.ResourceExhaustedError:
            raise errors.UserError(
                f"{len(batch)} of {width} x {height} pixels: not enough memory to stylize; scale "
                "it down (--size), or stylize fewer at once (--batch)"
            ) from None
        return images.to_uint8(stylized).reshape(shape)


def load(
    name: str | Path | store.Reference,
    precision: str = "auto",
    *,
    style: str | None = None,
    strength: float | None = None,
) -> Stylizer:
    """Loads a model to stylize with.

    Args:
        name: Name of a model, which is looked up in ./models and then among the shipped models;
            the name of one of their styles; or the path of a run, a checkpoint or an exported
            SavedModel.
        precision: "float32"; "bfloat16", whose pictures differ slightly; or "auto", which selects
            bfloat16 if the device is fast at it. A SavedModel keeps its own precision.
        style: Default style or blend, such as "wave" or "wave:0.6,candy:0.4"; None for the model's
            first style.
        strength: Default strength, from 0 (the photo itself) through 1 (the style as trained) to
            1.5; None for 1.

    Raises:
        UserError: If the model, style or strength is not available; the message lists the choices.
    """
    reference = name if isinstance(name, store.Reference) else store.find(name)
    style = style or reference.style
    if (reference.path / store.SAVED_MODEL).exists():
        names = store.styles(reference.path)
        paint = _saved_model(reference.path, names)
        _check_exported(reference.path, names, style, strength)
        return Stylizer(paint, reference.name, names, style, strength)
    dtype = devices.compute_dtype(precision)
    restored = store.load(reference, dtype, fused_norms=not devices.has_gpu())
    restored.select(style, strength)  # Raises errors now rather than at the first photo.
    names = restored.description.names
    return Stylizer(_painter(restored), reference.name, names, style, strength)


def _painter(restored: model.Model) -> Paint:
    # Constants can be folded, and single photos have faster norms.
    net = restored.net.frozen()
    row = tf.TensorSpec([net.layout.size])
    photos = [tf.TensorSpec([count, None, None, 3]) for count in (1, None)]
    whole = {
        (one, keeps): tf.function(
            net, [batch, row, *([tf.TensorSpec([])] if keeps else [])], autograph=False
        )
        for one, batch in zip((True, False), photos, strict=True)
        for keeps in (True, False)
    }
    # A GPU is faster with whole photos, and the lite network needs only a quarter of the memory.
    tiled = None if net.architecture.lite or not net.fused_norms else tiling.StripPainter(net)

    def paint(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        row, keep = restored.select(style, strength)
        chosen = [tf.constant(row), *([] if keep is None else [tf.constant(keep)])]
        if tiled is None or photos.shape[1] * photos.shape[2] <= _LARGE_PIXELS:
            return whole[len(photos) == 1, keep is not None](photos, *chosen)
        return tf.concat([tiled(photo, *chosen) for photo in tf.split(photos, len(photos))], 0)

    return paint


def _saved_model(path: Path, names: collections.abc.Sequence[str]) -> Paint:
    """Restores an exported SavedModel, of fastnst's own or of another program's."""
    try:
        signatures = tf.saved_model.load(str(path)).signatures
        default = signatures["serving_default"]
        (given,) = default.structured_input_signature[1]
        (returned,) = default.structured_outputs
    except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
        reason = str(error).strip().splitlines()[0]
        raise errors.UserError(f"{path}: not an exported style ({reason})") from None

    def paint(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        shares = _check_exported(path, names, style, strength)
        if style is None or len(names) == 1:
            return default(**{given: photos})[returned]
        of_styles = signatures["serving_styles"]
        return of_styles(images=photos, style=tf.constant(shares))["stylized"]

    return paint


def _check_exported(
    path: Path, names: collections.abc.Sequence[str], style: str | None, strength: float | None
) -> list[float]:
    """Returns the shares of an exported model's styles.

    Raises:
        UserError: If the style is unknown, or the strength is not 1.
    """
    if strength is not None and strength != 1.0:
        raise errors.UserError(
            f"{path}: strength {strength:g}: an exported SavedModel supports 1 only; name the "
            "run or its weights"
        )
    return model.parse_blend(style, names)
