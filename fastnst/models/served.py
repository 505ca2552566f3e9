"""Networks and exported SavedModels as functions that stylize."""

from __future__ import annotations

import collections.abc
from pathlib import Path
from typing import TypeAlias

import tensorflow as tf

from fastnst import errors
from fastnst.models import model

# Maps float32 RGB [B, H, W, 3] in [0, 255], a style or None, and a strength or None to the same
# shape, float or uint8.
Paint: TypeAlias = collections.abc.Callable[[tf.Tensor, str | None, float | None], tf.Tensor]
# Raises a UserError if a style, or None, cannot be painted with a strength, or None.
Check: TypeAlias = collections.abc.Callable[[str | None, float | None], object]


def load(path: Path, names: collections.abc.Sequence[str]) -> tuple[Paint, Check]:
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


def of_network(restored: model.Model, net: model.Net) -> Paint:
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

    def paint(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        row, keep = restored.select(style, strength)
        chosen = [tf.constant(row), *([] if keep is None else [tf.constant(keep)])]
        return whole[len(photos) == 1, keep is not None](photos, *chosen)

    return paint
