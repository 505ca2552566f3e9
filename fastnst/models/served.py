"""Networks and exported SavedModels as functions that stylize."""

from __future__ import annotations

import collections.abc
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import errors, files
from fastnst.controls import blends
from fastnst.models import model, work

# Height and width of the photo with which the models of other programs are tried.
_SIDE = 64
# The largest value of pictures that are not in [0, 255], but in [-1, 1] or [0, 1].
_UNIT = 2.0


def load(path: Path, names: collections.abc.Sequence[str]) -> tuple[work.Paint, work.Check]:
    """Loads an exported SavedModel, of fastnst or of another program.

    Args:
        path: Its folder.
        names: Names of its styles.

    Returns:
        A function that stylizes, and one that checks a choice.

    Raises:
        UserError: If it is damaged, or takes no photos.
    """
    try:
        with files.plain(path) as folder:
            signatures = tf.saved_model.load(str(folder)).signatures
        default = signatures["serving_default"]
        (given,) = default.structured_input_signature[1]
        (returned,) = default.structured_outputs
    # TensorFlow raises exceptions of many types if the file is damaged.
    except Exception as error:
        raise errors.UserError(f"{path}: not an exported style ({errors.reason(error)})") from None

    def check(style: str | None, strength: float | None) -> list[float]:
        if strength is not None and strength != 1.0:
            if "serving_strength" not in signatures:
                raise errors.UserError(
                    f"{path}: strength {strength:g}: this SavedModel supports 1 only; name the "
                    "run or its weights, or export a model with `identity: on` again"
                )
            blends.check_strength(strength)
        return blends.parse(style, names)

    def compute(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        shares = check(style, strength)
        if strength is not None and strength != 1.0:
            chosen = signatures["serving_strength"]
            choices = {"style": tf.constant(shares), "strength": tf.constant(strength)}
            return chosen(images=photos, **choices)["stylized"]
        if style is None or len(names) == 1:
            return default(**{given: photos})[returned]
        of_styles = signatures["serving_styles"]
        return of_styles(images=photos, style=tf.constant(shares))["stylized"]

    def paint(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        try:
            return compute(photos, style, strength)
        except tf.errors.ResourceExhaustedError:
            raise
        # Signatures of other programs take other sizes, types or numbers of photos.
        except (TypeError, ValueError, tf.errors.OpError) as error:
            size = " x ".join(map(str, photos.shape))
            raise errors.UserError(
                f"{path}: cannot stylize RGB of {size} ({errors.reason(error)})"
            ) from None

    return _on_arrays(paint), check


def check_pictures(paint: work.Paint, path: Path) -> None:
    """Checks that the SavedModel of another program takes photos and returns pictures.

    Raises:
        UserError: If its results have another shape, or other values than RGB in [0, 255].
    """
    ramp = np.linspace(0.0, 255.0, _SIDE * _SIDE * 3, dtype=np.float32)
    pictures = paint(ramp.reshape(1, _SIDE, _SIDE, 3), None, None)
    expected = "RGB in 0..255 of the photo's size, as float32 or uint8"
    if pictures.shape != (1, _SIDE, _SIDE, 3):
        found = f"the shape {list(pictures.shape)} for a photo of {[1, _SIDE, _SIDE, 3]}"
    elif not np.issubdtype(pictures.dtype, np.number) or not np.isfinite(pictures).all():
        found = f"{pictures.dtype} with values that are no finite numbers"
    elif np.abs(pictures).max() <= _UNIT:
        found = "values of about 0..1"
    else:
        return
    raise errors.UserError(f"{path}: returns {found}; a model should return {expected}")


def of_network(restored: model.Model, net: model.Net) -> work.Paint:
    """Returns a function that stylizes with a network.

    Args:
        restored: The model, which selects the rows.
        net: Its network, frozen.
    """
    row = tf.TensorSpec([net.layout.size])
    photos = [tf.TensorSpec([count, None, None, 3]) for count in (1, None)]
    whole = {
        (one, keeps): tf.function(
            net, [batch, row, *([tf.TensorSpec([])] if keeps else [])], autograph=False
        )
        for one, batch in zip((True, False), photos, strict=True)
        for keeps in (True, False)
    }

    def compute(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        row, keep = restored.select(style, strength)
        chosen = [tf.constant(row), *([] if keep is None else [tf.constant(keep)])]
        return whole[len(photos) == 1, keep is not None](photos, *chosen)

    return _on_arrays(compute)


def _on_arrays(
    compute: collections.abc.Callable[[tf.Tensor, str | None, float | None], tf.Tensor],
) -> work.Paint:
    """Returns a function of arrays that computes with tensors."""

    def paint(photos: np.ndarray, style: str | None, strength: float | None) -> np.ndarray:
        try:
            stylized = compute(tf.constant(photos, tf.float32), style, strength)
        except tf.errors.ResourceExhaustedError as error:
            raise MemoryError(str(error)) from None
        # Unlike .numpy(), np.asarray does not copy.
        return np.asarray(stylized)

    return paint
