"""Parts that all HTML pages share: files of the package, and embedded pictures."""

from __future__ import annotations

import base64
from importlib import resources

import numpy as np

from fastnst import images


def read(name: str) -> str:
    """Reads a template, a style sheet or a script of this package."""
    return resources.files("fastnst.reports").joinpath(name).read_text(encoding="utf-8")


def data_uri(pixels: np.ndarray, quality: int) -> str:
    """Encodes uint8 RGB [H, W, 3] as a JPEG that a page can embed, without any metadata."""
    data = images.encode(images.Picture(pixels), "JPEG", quality)
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode('ascii')}"


def at_most(pixels: np.ndarray, side: int) -> np.ndarray:
    """Scales uint8 RGB [H, W, 3] down to a shorter side of `side`; smaller ones are unchanged."""
    return images.resize_shorter_side(pixels, side) if min(pixels.shape[:2]) > side else pixels
