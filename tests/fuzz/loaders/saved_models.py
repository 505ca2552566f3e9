"""SavedModels that the user trusts, with one file damaged."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst.models import loading

_PLACES = {
    "saved_model.pb": ".",
    "variables.index": "variables",
    "variables.data-00000-of-00001": "variables",
}


class _Inverter(tf.Module):
    """Inverts photos by a kernel of 1 x 1."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = tf.Variable(-np.eye(3, dtype=np.float32)[np.newaxis, np.newaxis])

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], name="images")])
    def serve(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"stylized": 255.0 + tf.nn.conv2d(images, self.kernel, 1, "SAME")}


@functools.cache
def _valid() -> dict[str, bytes]:
    """The files of the model."""
    model = _Inverter()
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(model, folder, {"serving_default": model.serve})
        return {name: Path(folder, place, name).read_bytes() for name, place in _PLACES.items()}


def seeds() -> dict[str, bytes]:
    """Each file."""
    return _valid()


def load(path: Path, output: Path) -> None:
    """Loads the model with this file and the valid others, and paints a photo."""
    folder = output / "model"
    (folder / "variables").mkdir(parents=True)
    for name, data in (_valid() | {path.name: path.read_bytes()}).items():
        (folder / _PLACES[name] / name).write_bytes(data)
    model = loading.load(folder, trust=True)
    model(np.linspace(0, 255, 24 * 32 * 3).astype(np.uint8).reshape(24, 32, 3))
