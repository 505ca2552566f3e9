"""A style of a model, as the evaluation sees it: a function of photos, and a painting."""

from __future__ import annotations

import collections.abc
import dataclasses

import numpy as np
import tensorflow as tf

from fastnst import controls, planes
from fastnst.controls import rendering
from fastnst.models import model


@dataclasses.dataclass(frozen=True)
class Subject:
    """One style of a model.

    Attributes:
        name: Name of the style in the results.
        paint: Stylizes a photo as `fastnst eval` does: RGB [H, W, 3] in [0, 255] to float32 of the
            same shape.
        paint_frame: Stylizes a frame of a video, without grain.
        painting: The painting, float32 RGB [H, W, 3] in [0, 255].
    """

    name: str
    paint: collections.abc.Callable[[np.ndarray], np.ndarray]
    paint_frame: collections.abc.Callable[[np.ndarray], np.ndarray]
    painting: np.ndarray


def of(restored: model.Model, style: str, name: str, painting: np.ndarray) -> Subject:
    """Makes a subject of a style of a model.

    Args:
        restored: The model.
        style: Name of the style, as in the model.
        name: Name of the style in the results.
        painting: Its painting, float32 RGB [H, W, 3] in [0, 255].

    Raises:
        UserError: If the model has no such style.
    """
    row, _ = restored.select(style)
    paint, paint_frame = (
        _painter(restored, row, grain) for grain in (restored.description.grain, 0.0)
    )
    return Subject(name, paint, paint_frame, painting)


def _painter(
    restored: model.Model, row: np.ndarray, grain: float
) -> collections.abc.Callable[[np.ndarray], np.ndarray]:
    net = restored.net.frozen()
    batch = tf.TensorSpec([1, None, None, 3])
    painted = tf.function(lambda photos: net(photos, row), [batch], autograph=False)

    def paint_once(photos: planes.Pixels, *_: object) -> planes.Pixels:
        return planes.Plane(painted(tf.constant(planes.whole(photos))).numpy())

    painter = rendering.Painter(paint_once, ("",))
    defaults = controls.Controls(grain=grain)

    def paint(photo: np.ndarray) -> np.ndarray:
        # Without rounding to 8 bits, which would hide small changes.
        photos = planes.Plane(photo[np.newaxis].astype(np.float32))
        return planes.whole(rendering.render(painter, photos, defaults))[0]

    return paint
