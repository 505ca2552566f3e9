"""Stylizers: restored models that stylize photos.

This module imports nothing of training: no loss network and no data pipeline.
"""

from __future__ import annotations

import collections.abc
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from fastnst import controls as controls_module
from fastnst import devices, errors, images
from fastnst.controls import rendering
from fastnst.models import model, store
from fastnst.nets import tiling, transform_net

# Larger photos are stylized in strips on a CPU.
_LARGE_PIXELS = 2048 * 2048
# Maps float32 RGB [B, H, W, 3] in [0, 255], a style or None, and a strength or None to the same
# shape, float or uint8.
Paint: TypeAlias = collections.abc.Callable[[tf.Tensor, str | None, float | None], tf.Tensor]
# Raises a UserError if a style, or None, cannot be painted with a strength, or None.
Check: TypeAlias = collections.abc.Callable[[str | None, float | None], object]


class Stylizer:
    """Stylizes photos with one trained model.

    Example:
        >>> stylizer = fastnst.load("gallery", style="wave")
        >>> stylized = stylizer(photo)  # uint8 [H, W, 3] in, uint8 [H, W, 3] out
        >>> softer = stylizer(photo, strength=0.5)
        >>> blended = stylizer(photo, style="wave:0.6,candy:0.4")
        >>> recolored = stylizer(photo, stroke=2, colors="photo")

    Attributes:
        name: Name of the model.
        styles: Names of its styles.
        controls: Choices for all calls that make none.
    """

    def __init__(
        self,
        paint: Paint,
        name: str,
        styles: collections.abc.Sequence[str] = (),
        controls: controls_module.Controls | None = None,
        *,
        first: str | None = None,
    ) -> None:
        """Wraps a function.

        Args:
            paint: Function that stylizes a batch in a style with a strength.
            name: Name of the model.
            styles: Names of its styles.
            controls: Choices for all calls that make none; None for no choices.
            first: Style to use if none is chosen; None for the first of `styles`.
        """
        self.name = name
        self.styles = tuple(styles) or (name,)
        self.controls = controls or controls_module.Controls()
        self._painter = rendering.Painter(
            lambda photos, *choices: np.asarray(paint(tf.constant(photos), *choices)),
            self.styles,
            first,
        )

    def __call__(
        self,
        photos: np.ndarray,
        style: str | None = None,
        strength: float | None = None,
        *,
        stroke: float | str | None = None,
        colors: float | str | None = None,
        masks: collections.abc.Mapping[str, np.ndarray] | None = None,
        grain: float | None = None,
        seed: int | None = None,
    ) -> np.ndarray:
        """Stylizes one photo, or a batch of photos of the same size.

        Args:
            photos: RGB [H, W, 3] or [B, H, W, 3] in 0..255, uint8 or float, at least 16 x 16;
                or anything that NumPy converts to such an array, such as a Pillow image.
            style: A style's name, or a blend such as "wave:0.6,candy:0.4"; None for the
                default.
            strength: From 0 (the photo itself) through 1 (the style as trained) to 1.5; None for
                the default.
            stroke: Size of the strokes, from 0.5 to 8 times as trained, or "auto", which fits them
                to the photo's size; None for the default.
            colors: "style", "photo", "match", or a number from 0 (style) to 1 (photo); None for
                the default.
            masks: Style to mask, [H, W] in 0..1 or uint8 in 0..255; None for the default.
            grain: Standard deviation of the grain in levels of 255; None for the default.
            seed: Seed of the grain; None for the default.
                `fastnst.controls.Controls` describes the choices.

        Returns:
            uint8 of the same shape.

        Raises:
            UserError: If the array has another shape or values that are not finite, a choice is
                not available, or memory is insufficient.
        """
        chosen = controls_module.Controls(style, strength, stroke, colors, masks, grain, seed)
        return self.paint(photos, chosen)

    def paint(
        self,
        photos: np.ndarray,
        controls: controls_module.Controls | None = None,
    ) -> np.ndarray:
        """Stylizes one photo, or a batch of the same size, with choices in one object.

        Args:
            photos: As in `__call__`.
            controls: The choices; None for the defaults.

        Returns:
            uint8 of the same shape.

        Raises:
            UserError: As in `__call__`.
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
        batch = np.asarray(photos if len(shape) == 4 else photos[np.newaxis], np.float32)
        try:
            chosen = controls.over(self.controls) if controls else self.controls
            stylized = rendering.render(self._painter, batch, chosen)
        except tf.errors.ResourceExhaustedError:
            raise errors.UserError(
                f"{len(batch)} of {width} x {height} pixels: not enough memory to stylize; scale "
                "it down (--size), or stylize fewer at once (--batch)"
            ) from None
        return images.to_uint8(stylized).reshape(shape)


def load(
    name: str | Path | store.Reference,
    precision: str = "auto",
    **defaults: Any,
) -> Stylizer:
    """Loads a model to stylize with.

    Args:
        name: Name of a model, which is looked up in ./models and then among the shipped models;
            the name of one of their styles; or the path of a run, a checkpoint or an exported
            SavedModel.
        precision: "float32"; "bfloat16", whose pictures differ slightly; or "auto", which selects
            bfloat16 if the device is fast at it. A SavedModel keeps its own precision.
        **defaults: Choices for all calls that make none, the attributes of
            `fastnst.controls.Controls`: style, strength, stroke, colors, masks, grain, seed.

    Raises:
        UserError: If the model or a choice is not available; the message says what is.
    """
    reference = name if isinstance(name, store.Reference) else store.find(name)
    controls = controls_module.Controls(**defaults)
    if (reference.path / store.SAVED_MODEL).exists():
        names, grain = store.styles(reference.path), store.grain(reference.path)
        paint, check = _saved_model(reference.path, names)
    else:
        dtype = devices.compute_dtype(precision)
        restored = store.load(reference, dtype, fused_norms=not devices.has_gpu())
        names, grain = restored.description.names, restored.description.grain
        paint, check = _painter(restored), restored.select
    controls = controls.over(controls_module.Controls(grain=grain))
    # Raises errors now rather than at the first photo.
    check(controls.style or reference.style, controls.strength)
    for style in controls.masked_styles:
        check(style, controls.strength)
    return Stylizer(paint, reference.name, names, controls, first=reference.style)


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


def _saved_model(path: Path, names: collections.abc.Sequence[str]) -> tuple[Paint, Check]:
    """Restores an exported SavedModel, of fastnst's own or of another program's."""
    try:
        signatures = tf.saved_model.load(str(path)).signatures
        default = signatures["serving_default"]
        (given,) = default.structured_input_signature[1]
        (returned,) = default.structured_outputs
    except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
        reason = str(error).strip().splitlines()[0]
        raise errors.UserError(f"{path}: not an exported style ({reason})") from None

    def check(style: str | None, strength: float | None) -> list[float]:
        if strength is not None and strength != 1.0:
            if "serving_strength" not in signatures:
                raise errors.UserError(
                    f"{path}: strength {strength:g}: this SavedModel supports 1 only; name the "
                    "run or its weights, or export a model with `identity: on` again"
                )
            model.check_strength(strength)
        return model.parse_blend(style, names)

    def paint(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        shares = check(style, strength)
        if strength is not None and strength != 1.0:
            chosen = signatures["serving_strength"]
            choices = {"style": tf.constant(shares), "strength": tf.constant(strength)}
            return chosen(images=photos, **choices)["stylized"]
        if style is None or len(names) == 1:
            return default(**{given: photos})[returned]
        of_styles = signatures["serving_styles"]
        return of_styles(images=photos, style=tf.constant(shares))["stylized"]

    return paint, check
