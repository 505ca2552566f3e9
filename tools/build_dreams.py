"""Builds the sheet of docs/dreaming.md: `python -m tools.build_dreams`.

Takes about ten minutes on two cores.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from fastnst import images
from fastnst.features import networks
from fastnst.losses import dreams
from fastnst.pixels import deepdream
from fastnst.reports import contact_sheet

ROOT = Path(__file__).resolve().parent.parent
SHEET = ROOT / "img" / "guide" / "dreams.jpg"
PHOTO = ROOT / "img" / "photos" / "mountains.jpg"
GUIDE = "points"
LAYERS = ("relu2_2", "relu3_2", "relu3_3", "relu4_1", "relu4_2", "relu4_3")
_SIDE, _GUIDE_SIDE = 288, 224
_OPTIONS = deepdream.Options()


def main() -> int:
    """Builds the sheet."""
    network = networks.load("vgg_16")
    photo = images.read(PHOTO, _SIDE)
    pictures = {"the photo": images.to_uint8(photo)}
    for layer in LAYERS:
        pictures[layer] = _dream(dreams.activity(network, {layer: 1.0}, photo), photo)
    guide = images.read(ROOT / "img" / f"{GUIDE}.jpg", _GUIDE_SIDE)
    objective = dreams.likeness(network, {"relu4_1": 1.0}, guide)
    pictures[f"relu4_1, guided by {GUIDE}"] = _dream(objective, photo)
    height, width = photo.shape[:2]
    noise = 100.0 + images.noise(height, width, seed=0) / 10.0
    from_noise = deepdream.Options(iterations=20, details=False, gradient="laplacian")
    objective = dreams.activity(network, {"relu4_3": 1.0}, noise)
    pictures["relu4_3, from noise"] = _dream(objective, noise, from_noise)
    images.write(SHEET, contact_sheet.render(pictures, 3), quality=72)
    print(SHEET.relative_to(ROOT))
    return 0


def _dream(
    objective: dreams.Objective,
    picture: np.ndarray,
    options: deepdream.Options = _OPTIONS,
) -> np.ndarray:
    return images.to_uint8(deepdream.Dreamer(objective, options)(picture).picture)


if __name__ == "__main__":
    sys.exit(main())
