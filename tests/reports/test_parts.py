"""What the pages share."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from fastnst.reports import parts


def test_a_picture_is_embedded_as_a_jpeg_without_metadata() -> None:
    pixels = np.full((20, 30, 3), 128, np.uint8)
    kind, _, data = parts.data_uri(pixels, 90).partition(",")
    assert kind == "data:image/jpeg;base64"
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert (image.format, image.size) == ("JPEG", (30, 20))
    assert np.abs(np.asarray(image).astype(int) - 128).max() <= 1
    assert not image.getexif() and "icc_profile" not in image.info


def test_only_large_pictures_are_scaled_down() -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    assert parts.at_most(pixels, 40) is pixels
    assert parts.at_most(pixels, 20).shape == (20, 30, 3)


def test_the_files_of_the_package_are_read_as_text() -> None:
    assert "--paper" in parts.read("theme.css")
