"""Masks: read, and fitted to a photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from fastnst import images
from fastnst.controls import masks
from tests.fuzz.loaders import photos


def seeds() -> dict[str, bytes]:
    """A mask in gray, one with 16 bits, and one with transparency."""
    ramp = np.linspace(0, 65535, 40 * 56).astype(np.uint16).reshape(40, 56)
    gray = Image.fromarray((ramp // 256).astype(np.uint8))
    return {
        "gray.png": photos.encoded(gray, "PNG"),
        "deep.png": photos.encoded(Image.fromarray(ramp), "PNG"),
        "alpha.webp": photos.encoded(gray.convert("RGBA"), "WEBP", lossless=True),
        "gray.tif": photos.encoded(gray, "TIFF"),
    }


def load(path: Path, output: Path) -> None:
    """Reads a mask and computes its shares of a photo."""
    (mask,) = masks.read_all([f"{path}=wave"]).values()
    plan = masks.fit({"wave": mask}, None, 80, 112)
    everything = slice(0, 80), slice(0, 112)
    shares = plan.covered(80, 112).read(*everything)
    images.write(output / "mask.png", images.to_uint8(np.repeat(shares[0], 3, axis=-1) * 255))


need = photos.need
