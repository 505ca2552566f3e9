"""Pictures in files and in memory: the only place where uint8 and float32 meet.

In memory a picture is RGB in (height, width, channel) order: uint8 at the edges, float32 in
[0, 255] within. What a file holds beside its colours (orientation, colour profile, alpha,
Exif) is kept in a `Picture`, so that a painted photo can be written back as it came.
"""

from __future__ import annotations

import dataclasses
import io
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
# A segment of a JPEG file holds so many bytes.
_LONGEST_EXIF_IN_JPEG = 65_533
_ORIENTATION_TAG = 0x0112
# What brings a picture of each orientation upright; 1 is upright.
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
        pixels: uint8 RGB [H, W, 3]; transparent pixels keep their own colours.
        alpha: uint8 [H, W], or None where the file has no transparency.
        icc_profile: The embedded RGB colour profile, which the pixels are in.
        exif: The Exif block, its orientation reset because the pixels are upright.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None
    exif: bytes | None = None


def _eight_bit(image: Image.Image) -> Image.Image:
    """Brings 16-bit and float greyscale down to 8 bits (Pillow would clip them)."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, np.float32)
    # Pillow opens 16-bit PNG as "I;16" and, in older releases, as "I": both hold 0..65535.
    full = 65535.0 if image.mode.startswith("I") else max(float(values.max()), 1.0)
    return Image.fromarray(np.clip(values * (255.0 / full) + 0.5, 0, 255).astype(np.uint8))


def _open(data: bytes, name: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
        return image
    except UnidentifiedImageError:
        raise errors.UserError(
            f"{name}: not an image that can be read; use JPEG, PNG, WebP, GIF, BMP or TIFF"
        ) from None
    # Pillow raises whatever a damaged file makes it stumble over.
    except Exception as error:
        raise errors.UserError(f"{name}: the image is damaged ({error})") from None


def _upright(image: Image.Image) -> tuple[Image.Image, bytes | None]:
    """Turns an image as its Exif block says; returns it and the block without the orientation."""
    # Pillow raises whatever a damaged or unusual block makes it stumble over. Such a block is
    # left out: the picture itself is whole.
    try:
        exif = image.getexif()
        orientation = exif.pop(_ORIENTATION_TAG, 1)
        if orientation in _TURNS:
            image = image.transpose(_TURNS[orientation])
        return image, exif.tobytes() if len(exif) else None
    except Exception:
        return image, None


def decode_picture(data: bytes, name: str = "image") -> Picture:
    """Decodes the bytes of an image file of any format and colour mode that Pillow reads.

    Args:
        data: The whole file. Of an animation the first frame is taken.
        name: What to call it in an error.

    Raises:
        UserError: If the bytes are no image or a damaged one.
    """
    image, exif = _upright(_open(data, name))
    # A profile of a CMYK or greyscale file does not describe the RGB pixels made from it.
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
    """Decodes an image file to uint8 RGB [H, W, 3], with transparency laid on white.

    Raises:
        UserError: If the bytes are no image or a damaged one.
    """
    picture = decode_picture(data, name)
    if picture.alpha is None:
        return picture.pixels
    opacity = picture.alpha[..., np.newaxis].astype(np.float32) / 255.0
    return to_uint8(picture.pixels * opacity + 255.0 * (1.0 - opacity))


def read_bytes(path: str | Path) -> bytes:
    """Reads a file whole, with a one-line error where that fails.

    Raises:
        UserError: If there is no such file or it cannot be read.
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
    """Reads an image file with all that is to be kept of it.

    Raises:
        UserError: If it cannot be read or is no image.
    """
    return decode_picture(read_bytes(path), str(path))


def read(path: str | Path, size: int | None = None) -> np.ndarray:
    """Reads an image file as float32 RGB [H, W, 3] in [0, 255].

    Args:
        path: The file.
        size: The shorter side to scale it to, in pixels; its aspect ratio is kept.

    Raises:
        UserError: If it cannot be read or is no image.
    """
    pixels = decode(read_bytes(path), str(path))
    if size is not None:
        pixels = resize_shorter_side(pixels, size)
    return pixels.astype(np.float32)


def encode(picture: Picture, file_format: str, quality: int = 92) -> bytes:
    """Encodes a picture as an image file.

    Args:
        picture: What to write; alpha is dropped, and laid on white, where the format has none.
        file_format: Pillow's name of the format, for example "JPEG".
        quality: 1 to 100, for JPEG and WebP.

    Raises:
        UserError: If the picture is larger than the format can hold.
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
        # Strokes are saturated and thin: chroma at half resolution would smear them.
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
    """Tells the format that a file of this name is written in.

    Raises:
        UserError: If the extension is none of an image.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise errors.UserError(
            f"{path}: cannot write {suffix or 'a name without extension'}; "
            f"end the name in one of {', '.join(sorted(FORMATS))}"
        )
    return FORMATS[suffix]


def write(path: str | Path, picture: Picture | np.ndarray, quality: int = 92) -> None:
    """Writes an image file, whole or not at all.

    Args:
        path: Its extension gives the format; missing folders are made.
        picture: A picture, or uint8 RGB [H, W, 3].
        quality: 1 to 100, for JPEG and WebP.

    Raises:
        UserError: If the extension is unknown, the picture larger than its format can hold, or
            the file cannot be written.
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
    """Draws white noise, float32 RGB [height, width, 3], even over [0, 255]."""
    return np.random.default_rng(seed).uniform(0, 255, (height, width, 3)).astype(np.float32)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Rounds float [..., 3] in [0, 255] to uint8, clipping what lies outside."""
    rounded = np.rint(image)
    # In place: of a large picture every copy counts.
    return np.clip(rounded, 0, 255, out=rounded).astype(np.uint8)


def resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resamples uint8 [H, W, 3] or [H, W] to [height, width, ...] with Lanczos' filter."""
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image)


def resize_shorter_side(pixels: np.ndarray, size: int) -> np.ndarray:
    """Scales uint8 [H, W, 3] so that its shorter side is `size`, keeping its aspect ratio."""
    height, width = pixels.shape[:2]
    scale = size / min(height, width)
    return resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
