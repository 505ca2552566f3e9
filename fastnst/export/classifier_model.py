"""TensorFlow SavedModels of classifiers, for any program with TensorFlow.

Signature:
    serving_default: `pictures` uint8 [B, H, W, channels] of any size, of which the largest central
        square counts -> `probabilities` float32 [B, classes], and `class` string [B].

The names of the classes are also in labels.txt, one per line.
"""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from fastnst import errors, export, files
from fastnst.models import classifier, descriptions

LABELS = "labels.txt"


def write(found: classifier.PictureClassifier, folder: Path) -> None:
    """Exports a classifier; an earlier export in the folder is replaced once this one is complete.

    Args:
        found: The classifier.
        folder: The folder to write.

    Raises:
        UserError: If the folder contains other files, or cannot be written.
    """
    export.check_folder(folder)
    served = _Served(found)
    try:
        with files.replacing(folder) as new, files.plain(new) as plain:
            tf.saved_model.save(
                served, str(plain), signatures={"serving_default": served.serving_default}
            )
            (new / LABELS).write_text("\n".join(found.classes) + "\n", encoding="utf-8")
            described = classifier.Description(found.net.architecture, found.classes).to_json()
            (new / descriptions.FILE).write_text(described, encoding="utf-8")
            export.write_metadata(new, described)
    except (OSError, tf.errors.OpError) as error:
        raise errors.UserError(f"{folder}: cannot be written: {errors.reason(error)}") from None


class _Served(tf.Module):
    """A classifier as a program: pictures of any size in, classes out."""

    def __init__(self, found: classifier.PictureClassifier) -> None:
        super().__init__()
        self._net, self._names = found.net, list(found.classes)
        channels = found.net.architecture.channels
        pictures = tf.TensorSpec([None, None, None, channels], tf.uint8, name="pictures")
        self.serving_default = tf.function(
            self._classify, input_signature=[pictures], autograph=False
        )

    def _classify(self, pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        side = self._net.architecture.side
        sizes = tf.shape(pictures)[1:3]
        square = tf.reduce_min(sizes)
        top, left = tf.unstack((sizes - square) // 2)
        central = tf.cast(pictures, tf.float32)[:, top : top + square, left : left + square]
        # Pictures of the right size stay exactly as they are.
        resized = tf.image.resize(central, [side, side], "lanczos3", antialias=True)
        levels = tf.clip_by_value(tf.round(resized), 0.0, 255.0)
        probabilities = tf.nn.softmax(self._net(levels))
        names = tf.gather(tf.constant(self._names), tf.argmax(probabilities, axis=1))
        return {"probabilities": probabilities, "class": names}
