"""Stylizes a photo with an exported ONNX file. Needs only ONNX Runtime and Pillow.

pip install onnxruntime pillow
fastnst export --model gallery --format onnx -o exports/gallery-onnx
python examples/onnxruntime_app.py exports/gallery-onnx photo.jpg stylized.png --style wave
"""

from __future__ import annotations

import argparse
import json
import os
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def main() -> None:
    """Reads a photo, stylizes it, and writes the picture."""
    parser = argparse.ArgumentParser(description="Stylize a photo with an ONNX file.")
    parser.add_argument("model", help="folder of the ONNX file")
    parser.add_argument("photo", help="image file")
    parser.add_argument("picture", help="image file to write")
    parser.add_argument("--style", help="name of a style (default: the first)")
    parser.add_argument("--strength", type=float, default=1.0, help="0 to 1.5 (default: 1)")
    chosen = parser.parse_args()

    session = onnxruntime.InferenceSession(
        os.path.join(chosen.model, "model.onnx"), providers=["CPUExecutionProvider"]
    )
    metadata = json.loads(session.get_modelmeta().custom_metadata_map["fastnst"])
    names = [style["name"] for style in metadata["styles"]]
    if chosen.style and chosen.style not in names:
        sys.exit(f"no style {chosen.style}; choose from {', '.join(names)}")
    inputs = [each.name for each in session.get_inputs()]
    if chosen.strength != 1.0 and "strength" not in inputs:
        sys.exit("this model has no strength; train it with `identity: on`")

    with Image.open(chosen.photo) as image:
        photo = np.asarray(ImageOps.exif_transpose(image).convert("RGB"), np.float32)
    given = {
        "images": photo[np.newaxis],  # [1, H, W, 3] in 0..255
        "style": np.eye(len(names), dtype=np.float32)[names.index(chosen.style or names[0])],
        "strength": np.array([chosen.strength], np.float32),
    }
    # A model of a single style takes no `style`, one without `identity: on` no `strength`.
    (stylized,) = session.run(["stylized"], {name: given[name] for name in inputs})
    Image.fromarray(stylized[0]).save(chosen.picture)  # uint8, of the photo's size


if __name__ == "__main__":
    main()
