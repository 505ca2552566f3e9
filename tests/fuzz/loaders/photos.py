"""Photos in every format: decoded with their metadata, and encoded again."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from fastnst import images


def seeds() -> dict[str, bytes]:
    """A small photo in each format and color mode."""
    random = np.random.default_rng(0)
    rgb = Image.fromarray(random.integers(0, 256, (40, 56, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a photo"
    deep = Image.fromarray(random.integers(0, 65536, (40, 56), np.uint16))
    floats = Image.fromarray(random.uniform(0, 1, (40, 56)).astype(np.float32))
    return {
        "plain.jpg": encoded(rgb, "JPEG", exif=exif),
        "progressive.jpg": encoded(rgb, "JPEG", progressive=True),
        "cmyk.jpg": encoded(rgb.convert("CMYK"), "JPEG"),
        "plain.png": encoded(rgb, "PNG", exif=exif),
        "palette.png": encoded(rgb.convert("P"), "PNG", transparency=3),
        "deep.png": encoded(deep, "PNG"),
        "alpha.png": encoded(rgb.convert("RGBA"), "PNG"),
        "plain.webp": encoded(rgb, "WEBP", exif=exif),
        "lossless.webp": encoded(rgb.convert("RGBA"), "WEBP", lossless=True),
        "plain.gif": encoded(rgb, "GIF"),
        "animated.gif": encoded(rgb, "GIF", save_all=True, append_images=[rgb.rotate(90)]),
        "plain.bmp": encoded(rgb, "BMP"),
        "plain.tif": encoded(rgb, "TIFF", exif=exif),
        "deflated.tif": encoded(rgb, "TIFF", compression="tiff_deflate"),
        "lzw.tif": encoded(rgb.convert("CMYK"), "TIFF", compression="tiff_lzw"),
        "float.tif": encoded(floats, "TIFF"),
    }


def load(path: Path, output: Path) -> None:
    """Reads a photo and writes it as PNG."""
    images.write(output / "photo.png", images.read_picture(path))


def need(data: bytes) -> int:
    """Ten copies of the pixels, of 4 bytes each."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return 40 * image.width * image.height
    except Exception:
        return 0


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    """Encodes an image with Pillow."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
