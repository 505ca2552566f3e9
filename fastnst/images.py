"""Reads and writes image files; the only module that converts between uint8 and float32.

Pictures in memory are RGB [height, width, channel]: uint8 when read or written, float32 in [0, 255]
for computation. A `Picture` also holds the file's metadata (color profile, alpha, Exif), so that a
stylized photo keeps it.
"""

from __future__ import annotations

import dataclasses
import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from fastnst import errors, files

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
_KEEPS_ALPHA = frozenset({"PNG", "WEBP", "TIFF"})
_KEEPS_EXIF = frozenset({"JPEG", "PNG", "WEBP"})
# Capacity of a JPEG segment in bytes.
_LONGEST_EXIF_IN_JPEG = 65_533
# Smallest side of a photo that a network stylizes.
MIN_SIDE = 16
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_ORIENTATION_TAG = 0x0112
# The transpose that turns each orientation upright; 1 is already upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclasses.dataclass(frozen=True)
class Picture:
    """A decoded image file, upright.

    Attributes:
        pixels: uint8 RGB [H, W, 3]; transparent pixels keep their own colors.
        alpha: uint8 [H, W], or None if the file has no transparency.
        icc_profile: The embedded RGB color profile of the pixels.
        exif: The Exif block without its orientation, because the pixels are upright.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None
    exif: bytes | None = None


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scales 16-bit and float grayscale to 8 bits, because Pillow would clip them."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, np.float32)
    # Pillow opens 16-bit PNG as "I;16", older releases as "I"; both hold 0..65535.
    full = 65535.0 if image.mode.startswith("I") else max(float(values.max()), 1.0)
    return Image.fromarray(np.clip(values * (255.0 / full) + 0.5, 0, 255).astype(np.uint8))


def _open(data: bytes, name: str, max_pixels: int | None = None) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Of a size at which Pillow warns, but still decodes.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data))
        if max_pixels is not None and image.width * image.height > max_pixels:
            raise errors.UserError(
                f"{name}: {image.width} x {image.height} pixels are more than {max_pixels:,}; "
                "scale it down"
            )
        image.load()
        return image
    except Image.DecompressionBombError:
        raise errors.UserError(
            f"{name}: too many pixels to decode into memory; scale it down, or stylize it with "
            "`fastnst eval` from a file to a file"
        ) from None
    except UnidentifiedImageError:
        raise errors.UserError(
            f"{name}: not an image that can be read; use JPEG, PNG, WebP, GIF, BMP or TIFF"
        ) from None
    except errors.UserError:
        raise
    # Damaged files make Pillow raise exceptions of many types.
    except Exception as error:
        raise errors.UserError(f"{name}: the image is damaged ({error})") from None


def _upright(image: Image.Image) -> tuple[Image.Image, bytes | None]:
    """Rotates an image by its Exif orientation; returns it and its Exif without orientation."""
    # Damaged or unusual blocks make Pillow raise exceptions of many types. Such a block is
    # dropped, because the picture itself is intact.
    try:
        exif = image.getexif()
        orientation = exif.pop(_ORIENTATION_TAG, 1)
        if orientation in _TURNS:
            image = image.transpose(_TURNS[orientation])
        return image, exif.tobytes() if len(exif) else None
    except Exception:
        return image, None


def without_orientation(exif: bytes) -> bytes | None:
    """Returns an Exif block without its orientation; None if it is damaged or nothing is left."""
    block = Image.Exif()
    try:
        block.load(exif)
        block.pop(_ORIENTATION_TAG, None)
        return block.tobytes() if len(block) else None
    except Exception:
        return None


def decode_picture(data: bytes, name: str = "image", max_pixels: int | None = None) -> Picture:
    """Decodes an image file of any format and color mode that Pillow supports.

    Args:
        data: The content of the file. Only the first frame of an animation is decoded.
        name: Name of the file in error messages.
        max_pixels: Largest number of pixels to decode, which the file's header tells; None for any
            that Pillow decodes.

    Raises:
        UserError: If the data are not an image, damaged, or have too many pixels.
    """
    image, exif = _upright(_open(data, name, max_pixels))
    # The profile of a CMYK or grayscale file does not apply to the converted RGB pixels.
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA", "P") else None
    alpha = None
    image = _eight_bit(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        alpha = np.asarray(image.getchannel("A"))
    return Picture(
        pixels=np.array(image.convert("RGB")),
        alpha=alpha,
        icc_profile=profile,
        exif=exif,
    )


def decode(data: bytes, name: str = "image") -> np.ndarray:
    """Decodes an image file to uint8 RGB [H, W, 3], composited on white if transparent.

    Raises:
        UserError: If the data are not an image, or damaged.
    """
    picture = decode_picture(data, name)
    if picture.alpha is None:
        return picture.pixels
    opacity = picture.alpha[..., np.newaxis].astype(np.float32) / 255.0
    return to_uint8(picture.pixels * opacity + 255.0 * (1.0 - opacity))


def read_bytes(path: str | Path) -> bytes:
    """Reads the content of a file.

    Raises:
        UserError: If the file does not exist or cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        siblings = {entry.name: str(entry) for entry in Path(path).parent.glob("*")}
        hint = errors.did_you_mean(Path(path).name, siblings, siblings)
        raise errors.UserError(f"{path}: no such file{hint}") from None
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None


def read_picture(path: str | Path) -> Picture:
    """Reads an image file with its metadata.

    Raises:
        UserError: If it cannot be read or is not an image.
    """
    return decode_picture(read_bytes(path), str(path))


def read(path: str | Path, size: int | None = None) -> np.ndarray:
    """Reads an image file as float32 RGB [H, W, 3] in [0, 255].

    Args:
        path: The file.
        size: If given, the image is scaled to this shorter side in pixels, keeping its aspect
            ratio.

    Raises:
        UserError: If it cannot be read or is not an image.
    """
    pixels = decode(read_bytes(path), str(path))
    if size is not None:
        pixels = resize_shorter_side(pixels, size)
    return pixels.astype(np.float32)


def encode(picture: Picture, file_format: str, quality: int = 92) -> bytes:
    """Encodes a picture as an image file.

    Args:
        picture: The picture; it is composited on white if the format has no alpha.
        file_format: Pillow's name of the format, for example "JPEG".
        quality: 1 to 100, for JPEG and WebP.

    Raises:
        UserError: If the picture is too large for the format.
    """
    image = Image.fromarray(picture.pixels)
    if picture.alpha is not None:
        alpha = Image.fromarray(picture.alpha)
        if file_format in _KEEPS_ALPHA:
            image.putalpha(alpha)
        else:
            white = Image.new("RGB", image.size, "white")
            image = Image.composite(image, white, alpha)
    options: dict[str, object] = {}
    if picture.icc_profile:
        options["icc_profile"] = picture.icc_profile
    too_long = file_format == "JPEG" and len(picture.exif or b"") > _LONGEST_EXIF_IN_JPEG
    if picture.exif and file_format in _KEEPS_EXIF and not too_long:
        options["exif"] = picture.exif
    if file_format in ("JPEG", "WEBP"):
        options["quality"] = quality
    if file_format == "JPEG":
        # Chroma at half resolution would smear thin, saturated strokes.
        options["subsampling"] = 0
    buffer = io.BytesIO()
    try:
        image.save(buffer, file_format, **options)
    except (OSError, ValueError) as error:
        raise errors.UserError(
            f"{image.width} x {image.height} pixels cannot be written as {file_format} ({error})"
        ) from None
    return buffer.getvalue()


def format_of(path: str | Path) -> str:
    """Returns the format in which a file of this name is written.

    Raises:
        UserError: If the extension is not that of an image.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise errors.UserError(
            f"{path}: cannot write {suffix or 'a name without extension'}; "
            f"use one of {', '.join(sorted(FORMATS))}"
        )
    return FORMATS[suffix]


def write(path: str | Path, picture: Picture | np.ndarray, quality: int = 92) -> None:
    """Writes an image file atomically.

    Args:
        path: The file; its extension determines the format. Missing folders are created.
        picture: A picture, or uint8 RGB [H, W, 3].
        quality: 1 to 100, for JPEG and WebP.

    Raises:
        UserError: If the extension is unknown, the picture is too large for the format, or the
            file cannot be written.
    """
    if isinstance(picture, np.ndarray):
        picture = Picture(picture)
    file_format = format_of(path)
    try:
        data = encode(picture, file_format, quality)
    except errors.UserError as error:
        raise errors.UserError(f"{path}: {error}") from None
    files.write(path, data)


def noise(height: int, width: int, seed: int) -> np.ndarray:
    """Draws uniform white noise: float32 RGB [height, width, 3] in [0, 255]."""
    return np.random.default_rng(seed).uniform(0, 255, (height, width, 3)).astype(np.float32)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Rounds float [..., 3] to uint8 and clips it to [0, 255]."""
    rounded = np.rint(image)
    # In place, to avoid copies of large pictures.
    return np.clip(rounded, 0, 255, out=rounded).astype(np.uint8)


def luma(pixels: np.ndarray) -> np.ndarray:
    """Returns the brightness of RGB [..., 3], float32 [...] in the same range (BT.601)."""
    return pixels.astype(np.float32) @ LUMA


def resize_batch(
    values: np.ndarray,
    height: int,
    width: int,
    box: tuple[float, float, float, float] | None = None,
) -> np.ndarray:
    """Resamples [H, W] or [B, H, W, C] to another height and width with a cubic filter.

    Unlike `resize`, it does not round, and returns the same array if the size is the same.

    Args:
        values: Numbers of any dtype.
        height: New height.
        width: New width.
        box: The part to resample: left, top, right and bottom in pixels, also fractions. Pixels
            around it are seen by the filter. None for all.

    Returns:
        float32.
    """

    def one(plane: np.ndarray) -> np.ndarray:
        image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
        return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box))

    if values.ndim == 2:
        return values if values.shape == (height, width) and box is None else one(values)
    if values.shape[1:3] == (height, width) and box is None:
        return values
    resized = np.empty((len(values), height, width, values.shape[-1]), np.float32)
    for source, target in zip(values, resized, strict=True):
        for channel in range(values.shape[-1]):
            target[..., channel] = one(source[..., channel])
    return resized


def resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resamples uint8 [H, W, 3] or [H, W] to [height, width, ...] with a Lanczos filter."""
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image)


def resize_shorter_side(pixels: np.ndarray, size: int) -> np.ndarray:
    """Scales uint8 [H, W, 3] to a shorter side of `size`, keeping the aspect ratio."""
    height, width = pixels.shape[:2]
    scale = size / min(height, width)
    return resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
