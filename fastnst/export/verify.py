"""Compares an export with the live network."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fastnst import images
from fastnst.models import model as model_module


def probe() -> np.ndarray:
    """Returns two pictures of odd size with gradients and noise, uint8 [2, 53, 70, 3]."""
    noise = np.random.default_rng(0).integers(0, 60, (2, 53, 70, 3))
    ramp = np.linspace(0, 195, 70).astype(np.int64)[:, np.newaxis]
    return (noise + ramp).astype(np.uint8)


def difference(model: model_module.Model, photos: np.ndarray, stylized: np.ndarray) -> float:
    """Returns the largest difference from the live network over all styles, in levels of 255.

    Args:
        model: The model.
        photos: uint8 RGB [B, H, W, 3].
        stylized: The photos stylized by the export, [styles, B, H, W, 3].
    """
    batch = tf.constant(photos, tf.float32)
    styles = range(len(model.description.styles))
    rows = (tf.constant(model.net.table[index]) for index in styles)
    expected = np.stack([images.to_uint8(model.net(batch, row).numpy()) for row in rows])
    return float(np.abs(stylized.astype(np.float32) - expected).max())
