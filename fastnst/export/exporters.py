"""Exporting a trained network for other programs.

An exporter writes one format into a folder and checks what it wrote against the live network;
`EXPORTERS` names them all.
"""

from __future__ import annotations

import collections.abc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import checkpoint_file, errors, files, images
from fastnst.models import store, stylizer
from fastnst.nets import transform_net

_IMAGES = tf.TensorSpec([None, None, None, 3], tf.float32, name="images")
_IMAGES_UINT8 = tf.TensorSpec([None, None, None, 3], tf.uint8, name="images")
_ENCODED = tf.TensorSpec([None], tf.string, name="image_bytes")

# What an app does with an export, run by a Python that is kept from seeing fastnst.
_FOREIGN_PROGRAM = """
import sys
import numpy as np
import tensorflow as tf

model, photos, painted = sys.argv[1:]
signature = tf.saved_model.load(model).signatures["serving_default"]
np.save(painted, signature(images=np.load(photos))["stylized"].numpy())
assert "fastnst" not in sys.modules
"""

# What exports, and the cards of those that are shipped, consist of.
_OWN = frozenset(
    {
        "saved_model.pb",
        "fingerprint.pb",
        "variables",
        "assets",
        f"{store.WEIGHTS}.index",
        f"{store.WEIGHTS}.data-00000-of-00001",
        "config.yml",
        "README.md",
        "training.json",
        "quality.json",
        "sample.jpg",
    }
)

# Takes the network and the folder to write, returns the largest difference from the live
# network, in levels of 255.
Exporter = collections.abc.Callable[[transform_net.TransformNet, Path], float]


class _Served(tf.Module):
    """The network with the edges that an app wants: uint8 out, encoded files in and out."""

    def __init__(self, net: transform_net.TransformNet) -> None:
        super().__init__()
        # The weights are constants of this one function, which all signatures call.
        self._paint = tf.function(net.frozen(), input_signature=[_IMAGES], autograph=False)

    @tf.function(autograph=False)
    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        painted = self._paint(tf.cast(images, tf.float32))
        return tf.saturate_cast(tf.round(painted), tf.uint8)

    @tf.function(input_signature=[_IMAGES], autograph=False)
    def serve(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"stylized": self(images)}

    @tf.function(input_signature=[_IMAGES_UINT8], autograph=False)
    def serve_uint8(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"stylized": self(images)}

    @tf.function(input_signature=[_ENCODED], autograph=False)
    def stylize_encoded(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        def paint(data: tf.Tensor) -> tf.Tensor:
            photo = tf.io.decode_image(data, channels=3, expand_animations=False)
            return tf.io.encode_png(self(photo[tf.newaxis])[0])

        return {"stylized_bytes": tf.map_fn(paint, image_bytes)}


def export_saved_model(net: transform_net.TransformNet, folder: Path) -> float:
    """Exports a TensorFlow SavedModel for any batch, any height and any width from 16 px.

    Signatures:
        serving_default: `images` RGB [B, H, W, 3] in 0..255, float32 (TensorFlow converts arrays
            of uint8) -> `stylized` uint8 [B, H, W, 3].
        serving_uint8: the same for uint8 tensors.
        stylize_encoded: `image_bytes` string [B], a JPEG, PNG, GIF or BMP file each ->
            `stylized_bytes` string [B], a PNG file each.

    The loaded object itself can be called with uint8 or float32 tensors.

    Raises:
        UserError: If what was written paints something else than the network does.
    """
    served = _Served(net)
    for spec in (_IMAGES, _IMAGES_UINT8):
        served.__call__.get_concrete_function(spec)
    signatures = {
        "serving_default": served.serve,
        "serving_uint8": served.serve_uint8,
        "stylize_encoded": served.stylize_encoded,
    }
    tf.saved_model.save(served, str(folder), signatures=signatures)
    photos = _probe()
    return _difference(net, photos, _paint_elsewhere(folder, photos))


def export_weights(net: transform_net.TransformNet, folder: Path) -> float:
    """Exports what `eval.py --model` needs and no more: the weights in float16, 3.4 MB."""
    weights = {name: tensor.astype(np.float16) for name, tensor in net.tensors().items()}
    checkpoint_file.write_checkpoint(folder / store.WEIGHTS, weights)
    photos = _probe()
    return _difference(net, photos, stylizer.load(folder.resolve(), "float32")(photos))


EXPORTERS: dict[str, Exporter] = {"savedmodel": export_saved_model, "weights": export_weights}
# float32 must come out the same; rounding weights to 11 bits may move a level or two.
TOLERANCES = {"savedmodel": 1.0, "weights": 6.0}


def export(
    net: transform_net.TransformNet,
    folder: Path,
    file_format: str,
    extra_files: collections.abc.Mapping[str, str],
) -> float:
    """Exports a network, whole or not at all.

    Args:
        net: What to export.
        folder: Where to; an earlier export there is replaced once the new one is complete.
        file_format: One of `EXPORTERS`.
        extra_files: Texts to lay beside it by name, for example a model card.

    Returns:
        The largest difference from the live network, in levels of 255.

    Raises:
        UserError: If the folder holds something else, cannot be written, or the check fails.
    """
    if folder.exists() and (foreign := _foreign(folder)):
        raise errors.UserError(
            f"{foreign}: is not of an export, which would replace all of {folder}; take it away, "
            "or name another folder with -o"
        )
    try:
        with files.replacing(folder) as partial:
            difference = EXPORTERS[file_format](net, partial)
            if difference > TOLERANCES[file_format]:
                raise errors.UserError(
                    f"{folder}: the export differs from the network by {difference:g} levels of "
                    "255; it was not kept"
                )
            for name, text in extra_files.items():
                (partial / name).write_text(text, encoding="utf-8")
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or str(error).strip().splitlines()[0]
        raise errors.UserError(f"{folder}: cannot be written ({reason})") from None
    return difference


def _foreign(folder: Path) -> Path | None:
    """Something there that no export has written, and that would be lost with it."""
    if not folder.is_dir():
        return folder
    names = sorted(path.name for path in folder.iterdir())
    exported = "saved_model.pb" in names or f"{store.WEIGHTS}.index" in names
    return next((folder / name for name in names if not (exported and name in _OWN)), None)


def _probe() -> np.ndarray:
    """Two pictures of odd size with gradients and noise, uint8 [2, 53, 70, 3]."""
    noise = np.random.default_rng(0).integers(0, 60, (2, 53, 70, 3))
    ramp = np.linspace(0, 195, 70).astype(np.int64)[:, np.newaxis]
    return (noise + ramp).astype(np.uint8)


def _difference(net: transform_net.TransformNet, photos: np.ndarray, painted: np.ndarray) -> float:
    expected = images.to_uint8(net(tf.constant(photos, tf.float32)).numpy())
    return float(np.abs(painted.astype(np.float32) - expected).max())


def _paint_elsewhere(folder: Path, photos: np.ndarray) -> np.ndarray:
    """Paints with an exported SavedModel in a fresh process that has only TensorFlow."""
    with tempfile.TemporaryDirectory() as scratch:
        given, returned = Path(scratch, "photos.npy"), Path(scratch, "painted.npy")
        np.save(given, photos)
        arguments = [str(folder.resolve()), str(given), str(returned)]
        finished = subprocess.run(
            [sys.executable, "-c", _FOREIGN_PROGRAM, *arguments],
            cwd=scratch,
            env=os.environ | {"PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            reason = (finished.stderr.strip().splitlines() or ["no message"])[-1]
            raise errors.UserError(f"{folder}: the export cannot be used elsewhere ({reason})")
        return np.load(returned)
