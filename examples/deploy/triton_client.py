"""Has a photo stylized by Triton, over the KServe protocol. Needs only NumPy and Pillow.

python examples/deploy/triton_client.py http://localhost:8000/v2/models/gallery \
    photo.jpg stylized.png --style wave
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request

import numpy as np
from PIL import Image, ImageOps


def infer(model: str, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Sends a request with binary tensors, which are smaller and faster than numbers in JSON.

    https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md

    Args:
        model: Address of the model.
        inputs: float32 tensors by name.

    Returns:
        The output `stylized`, uint8 [B, H, W, 3].
    """
    described = [
        {
            "name": name,
            "shape": values.shape,
            "datatype": "FP32",
            "parameters": {"binary_data_size": values.nbytes},
        }
        for name, values in inputs.items()
    ]
    wanted = [{"name": "stylized", "parameters": {"binary_data": True}}]
    header = json.dumps({"inputs": described, "outputs": wanted}).encode()
    request = urllib.request.Request(
        f"{model}/infer",
        header + b"".join(values.astype("<f4").tobytes() for values in inputs.values()),
        {
            "Content-Type": "application/octet-stream",
            "Inference-Header-Content-Length": str(len(header)),
        },
    )
    with urllib.request.urlopen(request) as answer:
        content = answer.read()
        length = int(answer.headers["Inference-Header-Content-Length"])
    (output,) = json.loads(content[:length])["outputs"]
    return np.frombuffer(content[length:], np.uint8).reshape(output["shape"])


def main() -> None:
    """Reads a photo, has it stylized, and writes the picture."""
    parser = argparse.ArgumentParser(description="Stylize a photo with a model on Triton.")
    parser.add_argument("model", help="address of the model")
    parser.add_argument("photo", help="image file")
    parser.add_argument("picture", help="image file to write")
    parser.add_argument("--style", help="name of a style (default: the first)")
    parser.add_argument("--strength", type=float, default=1.0, help="0 to 1.5 (default: 1)")
    chosen = parser.parse_args()

    with urllib.request.urlopen(f"{chosen.model}/config") as answer:
        config = json.load(answer)
    names = config["parameters"]["styles"]["string_value"].split(",")
    if chosen.style and chosen.style not in names:
        sys.exit(f"no style {chosen.style}; choose from {', '.join(names)}")

    with Image.open(chosen.photo) as image:
        photo = np.asarray(ImageOps.exif_transpose(image).convert("RGB"), np.float32)
    given = {
        "images": photo[np.newaxis],  # [1, H, W, 3] in 0..255
        "style": np.eye(len(names), dtype=np.float32)[names.index(chosen.style or names[0])],
        "strength": np.array([chosen.strength], np.float32),
    }
    # A model of a single style takes no `style`, one without `identity: on` no `strength`.
    stylized = infer(chosen.model, {each["name"]: given[each["name"]] for each in config["input"]})
    Image.fromarray(stylized[0]).save(chosen.picture)


if __name__ == "__main__":
    main()
