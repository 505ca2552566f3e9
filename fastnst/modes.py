"""Converts the color modes of image files to 8-bit RGB and alpha."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

# The color space in a profile's header, by the mode of the pixels that it describes.
_SPACES = {"L": b"GRAY", "CMYK": b"CMYK", "RGB": b"RGB "}
_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")
# Tags of TIFF: bits of a sample, and whether it is unsigned (1) or signed (2).
_BITS, _SAMPLE_FORMAT = 258, 339


def convert(image: Image.Image) -> tuple[Image.Image, Image.Image | None, bytes | None]:
    """Converts a decoded image.

    Gray, CMYK and Lab pixels with a color profile are converted to sRGB by it. Numbers of 16 bits
    are scaled by their range; numbers of 32 bits, and floats, by the largest if that exceeds 65535
    or 1. What is not a number is black.

    Args:
        image: An image in any mode that Pillow decodes.

    Returns:
        The image in the mode RGB; its alpha in the mode L, or None if there is no transparency;
        and the color profile of the RGB pixels, or None for sRGB.

    Raises:
        Exception: Of many types, if Pillow cannot convert it.
    """
    image, alpha = _split(image)
    profile = image.info.get("icc_profile")
    space = profile[16:20] if profile else None
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        image = _converted(image, lab)
    elif profile and image.mode in ("L", "CMYK") and space == _SPACES[image.mode]:
        image = _managed(image, profile)
    keeps = profile and is_of_rgb(profile) and image.mode in ("RGB", "P")
    return image.convert("RGB"), alpha, profile if keeps else None


def is_of_rgb(profile: bytes) -> bool:
    """Returns whether a color profile describes RGB pixels."""
    return profile[16:20] == _SPACES["RGB"]


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Returns an image with 8 bits per sample and without transparency, and its alpha."""
    key = image.info.get("transparency")
    info = {name: value for name, value in image.info.items() if name != "transparency"}
    if image.mode.startswith(("I", "F")):
        # A level that is transparent has as many bits as the samples.
        alpha = None if key is None else _opaque(np.asarray(image) != key)
        scaled = Image.fromarray(_scaled(image))
        scaled.info = info
        return scaled, alpha
    if isinstance(key, tuple) and image.mode == "RGB" and max(key) > 255:
        # Of 16 bits, of which Pillow has kept the upper 8.
        differs = (np.asarray(image) != np.right_shift(key, 8)).any(axis=-1)
        return image, _opaque(differs)
    if image.mode not in _WITH_ALPHA and key is None:
        return image, None
    whole = image.convert("RGBA")
    alpha = whole.getchannel("A")
    # Gray stays gray, because its profile describes gray.
    colors = whole.getchannel("R") if image.mode in ("L", "LA", "La") else whole.convert("RGB")
    colors.info = info
    # Bitmaps of 32 bits often leave the fourth byte unused.
    unused = image.format == "BMP" and alpha.getextrema() == (0, 0)
    return colors, None if unused else alpha


def _opaque(where: np.ndarray) -> Image.Image:
    return Image.fromarray(np.where(where, 255, 0).astype(np.uint8))


def _scaled(image: Image.Image) -> np.ndarray:
    """Scales integers of 16 or 32 bits, or floats, to uint8 [H, W], because Pillow would clip."""
    values = np.asarray(image)
    if image.mode == "F":
        finite = np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=0.0)
        numbers = values[np.isfinite(values)]
        full = max(float(numbers.max(initial=0.0)), 1.0)
        return _rounded(np.clip(finite, 0.0, full), full)
    tags = getattr(image, "tag_v2", {})
    bits, signed = tags.get(_BITS, (16,))[0], tags.get(_SAMPLE_FORMAT, (1,))[0] == 2
    if bits > 16:
        values = values if signed else values.view(np.uint32)
        # Most often they hold numbers of 16 bits.
        return _rounded(values, max(float(values.max(initial=0)), 65535.0))
    return _rounded(values, 32767.0 if signed else 65535.0)


def _rounded(values: np.ndarray, full: float) -> np.ndarray:
    scaled = values.astype(np.float32) / np.float32(full)
    return np.clip(scaled * 255.0 + 0.5, 0.0, 255.0).astype(np.uint8)


def _managed(image: Image.Image, profile: bytes) -> Image.Image:
    """Converts pixels to sRGB by their color profile, or returns them if that is damaged."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return _converted(image, source)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image


def _converted(
    image: Image.Image, profile: ImageCms.ImageCmsProfile | ImageCms.core.CmsProfile
) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(
        image,
        profile,
        srgb,
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        # As most programs do: the darkest ink becomes black.
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert converted is not None
    return converted
