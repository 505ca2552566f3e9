"""Stylizes a photo with an exported SavedModel. Needs only TensorFlow.

pip install tensorflow
fastnst export --model gallery -o exports/gallery
python examples/tensorflow_app.py exports/gallery photo.jpg stylized.png --style wave --strength 0.8
"""

from __future__ import annotations

import argparse
import sys

import tensorflow as tf


def main() -> None:
    """Reads a photo, stylizes it, and writes the picture."""
    parser = argparse.ArgumentParser(description="Stylize a photo with a SavedModel.")
    parser.add_argument("model", help="folder of the SavedModel")
    parser.add_argument("photo", help="JPEG, PNG, GIF or BMP file, upright")
    parser.add_argument("picture", help="PNG or JPEG file to write")
    parser.add_argument("--style", help="name of a style (default: the first)")
    parser.add_argument("--strength", type=float, default=1.0, help="0 to 1.5 (default: 1)")
    chosen = parser.parse_args()

    model = tf.saved_model.load(chosen.model)
    names = [name.decode() for name in model.style_names().numpy()]
    if chosen.style and chosen.style not in names:
        sys.exit(f"no style {chosen.style}; choose from {', '.join(names)}")
    has_strength = "serving_strength" in model.signatures
    if chosen.strength != 1.0 and not has_strength:
        sys.exit("this model has no strength; train it with `identity: on`")

    photo = tf.io.decode_image(
        tf.io.read_file(chosen.photo), channels=3, expand_animations=False
    )  # uint8 [H, W, 3]
    choices = [tf.constant(names.index(chosen.style or names[0])), tf.constant(chosen.strength)]
    # A model of a single style without strength takes the photo alone.
    count = 2 if has_strength else int(len(names) > 1)
    stylized = model(photo[tf.newaxis], *choices[:count])[0]  # uint8, of the photo's size

    is_jpeg = chosen.picture.lower().endswith((".jpg", ".jpeg"))
    encoded = tf.io.encode_jpeg(stylized, quality=92) if is_jpeg else tf.io.encode_png(stylized)
    tf.io.write_file(chosen.picture, encoded)


if __name__ == "__main__":
    main()
