"""Has a photo stylized by TensorFlow Serving, over REST. Needs nothing but Python.

python examples/deploy/tf_serving_client.py http://localhost:8501/v1/models/wave \
    photo.jpg stylized.png
"""

from __future__ import annotations

import argparse
import base64
import json
import urllib.request
from pathlib import Path


def stylize(model: str, photo: bytes) -> bytes:
    """Sends one request.

    Args:
        model: Address of the model.
        photo: Content of a JPEG, PNG, GIF or BMP file.

    Returns:
        Content of a PNG file.
    """
    # Names of tensors that end in `_bytes` tell TensorFlow Serving to use base64.
    instance = {"image_bytes": {"b64": base64.b64encode(photo).decode()}}
    content = {"signature_name": "stylize_encoded", "instances": [instance]}
    request = urllib.request.Request(f"{model}:predict", json.dumps(content).encode())
    with urllib.request.urlopen(request) as answer:
        (picture,) = json.load(answer)["predictions"]
    return base64.b64decode(picture["b64"])


def main() -> None:
    """Reads a photo, has it stylized, and writes the picture."""
    parser = argparse.ArgumentParser(description="Stylize a photo with TensorFlow Serving.")
    parser.add_argument("model", help="address of the model")
    parser.add_argument("photo", type=Path, help="JPEG, PNG, GIF or BMP file, upright")
    parser.add_argument("picture", type=Path, help="PNG file to write")
    chosen = parser.parse_args()
    chosen.picture.write_bytes(stylize(chosen.model, chosen.photo.read_bytes()))


if __name__ == "__main__":
    main()
