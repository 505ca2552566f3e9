"""Builds the pictures of docs/your-own-style.md: `python -m tools.build_guide`.

Trains thirteen small networks, each in about seven minutes on two cores. Networks that are already
trained in build/guide are kept, so the script can be interrupted and rerun.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from fastnst import config, images
from fastnst.models import loading
from fastnst.reports import contact_sheet

ROOT = Path(__file__).resolve().parent.parent
PHOTO = ROOT / "img" / "photos" / "astronaut.jpg"
MODELS = ROOT / "build" / "guide"
PICTURES = ROOT / "img" / "guide"
STYLES = ("candy", "starry", "kandinsky")
STRENGTHS = (0.25, 1, 4)
STYLE_SIZES = (192, 320, 512)
STEPS = (100, 300, 1000)
_SIDE = 256


def main() -> int:
    """Builds the three pictures."""
    strengths = {
        f"{style}, strength {strength:g}": _stylized(style, strength=strength)
        for style in STYLES
        for strength in STRENGTHS
    }
    _write("strength", strengths, len(STRENGTHS))
    sizes = {f"style_size {size}": _stylized("starry", style_size=size) for size in STYLE_SIZES}
    _write("style_size", sizes, len(STYLE_SIZES))
    steps = {f"{count} steps": _stylized("starry", max_steps=count) for count in STEPS}
    _write("steps", steps, len(STEPS))
    return 0


def _stylized(style: str, **keys: float) -> np.ndarray:
    """Trains a network unless it exists, and stylizes the photo: uint8 RGB [H, W, 3]."""
    conf = ROOT / f"conf/{style}.yml"
    settings = config.load(conf, quick=True).flat()
    # Named after the keys that differ from the conf, so that several pictures can share a network.
    changes = {key: value for key, value in keys.items() if value != settings[key]}
    naming = "-".join([style, *(f"{key}-{value:g}" for key, value in changes.items())])
    command = [sys.executable, str(ROOT / "train.py"), "-c", str(conf)]
    command += ["--quick", "--model_path", str(MODELS)]
    for key, value in {"naming": naming, "start_from": "null", **changes}.items():
        command += ["--set", f"{key}={value}"]
    # The command returns immediately if the run is finished.
    subprocess.run(command, check=True)
    return loading.load(MODELS / naming)(images.to_uint8(images.read(PHOTO, _SIDE)))


def _write(name: str, pictures: dict[str, np.ndarray], columns: int) -> None:
    path = PICTURES / f"{name}.jpg"
    images.write(path, contact_sheet.render(pictures, columns), quality=88)
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
