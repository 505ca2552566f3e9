"""Networks and exported SavedModels as functions that stylize."""

from __future__ import annotations

import collections.abc
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.controls import blends
from fastnst.models import model, work


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

    return _on_arrays(compute), check


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
