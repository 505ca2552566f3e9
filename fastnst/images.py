"""Reads and writes image files; the only module that converts between uint8 and float32.

Pictures in memory are RGB [height, width, channel]: uint8 when read or written, float32 in [0, 255]
for computation. A `Picture` also holds the file's metadata (color profile, alpha, Exif), so that a
stylized photo keeps it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from fastnst import errors, exif, files, formats, modes

_KEEPS_ALPHA = frozenset({"PNG", "WEBP", "TIFF"})
_KEEPS_DPI = frozenset({"JPEG", "PNG", "TIFF", "BMP"})
# Of JPEG, whose numbers have 16 bits.
_MOST_DPI = 65_535
_KEEPS_EXIF = frozenset({"JPEG", "PNG", "WEBP"})
# Capacity of a JPEG segment in bytes.
_LONGEST_EXIF_IN_JPEG = 65_533
# Smallest side of a photo that a network stylizes.
MIN_SIDE = 16
# Longest side of a picture that is scaled by its shorter side, in shorter sides.
MAX_ASPECT = 20
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclasses.dataclass(frozen=True)
class Picture:
    """A decoded image file, upright.

    Attributes:
        pixels: uint8 RGB [H, W, 3]; transparent pixels keep their own colors.
        alpha: uint8 [H, W], or None if the file has no transparency.
        icc_profile: The embedded RGB color profile of the pixels.
        exif: The Exif block without its orientation, because the pixels are upright.
        dpi: Dots per inch, across and down, if the file tells them.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None

    def bare(self) -> Picture:
        """Returns the picture without Exif data and resolution."""
        return dataclasses.replace(self, exif=None, dpi=None)


def decode_picture(
    data: bytes,
    name: str = "image",
    max_pixels: int | None = None,
    *,
    size: int | None = None,
) -> Picture:
    """Decodes an image file of any format and color mode.

    Args:
        data: The content of the file. Only the first frame of an animation is decoded.
        name: Name of the file in error messages.
        max_pixels: The most pixels to decode; None for `formats.MAX_PIXELS`. The file's header
            tells their number, so that nothing is decoded of a larger file.
        size: Shorter side to which the picture will be scaled; it may not have more pixels then
            either.

    Raises:
        UserError: If the data are not an image, damaged, or have too many pixels.
    """
    image = formats.open_image(io.BytesIO(data), name, max_pixels=max_pixels, size=size)
    # Damaged files make Pillow raise exceptions of many types.
    try:
        image.load()
        dpi = resolution(image)
        turn, block = exif.read(image)
        rgb, alpha, profile = modes.convert(image)
        if turn is not None:
            rgb, alpha = rgb.transpose(turn), alpha and alpha.transpose(turn)
        return Picture(
            pixels=np.array(rgb),
            alpha=None if alpha is None else np.asarray(alpha),
            icc_profile=profile,
            exif=block,
            dpi=dpi,
        )
    except Exception as error:
        raise formats.damaged(name, error) from None


def resolution(image: Image.Image) -> tuple[float, float] | None:
    """Returns the dots per inch that a file tells, unless they are absurd.

    They are those across and down the upright picture, which the file may store sideways.
    """
    try:
        across, down = map(float, image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not (1 <= across <= _MOST_DPI and 1 <= down <= _MOST_DPI):
        return None
    return (down, across) if exif.is_sideways(image) else (across, down)


def decode(data: bytes, name: str = "image") -> np.ndarray:
    """Decodes an image file to uint8 RGB [H, W, 3], composited on white if transparent.

    Raises:
        UserError: If the data are not an image, damaged, or have too many pixels.
    """
    return flattened(decode_picture(data, name))


def flattened(picture: Picture) -> np.ndarray:
    """Returns the pixels of a picture on white, uint8 RGB [H, W, 3]."""
    if picture.alpha is None:
        return picture.pixels
    white = Image.new("RGB", picture.alpha.shape[::-1], "white")
    alpha = Image.fromarray(picture.alpha)
    return np.array(Image.composite(Image.fromarray(picture.pixels), white, alpha))


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[IO[bytes]]:
    """Opens a file to read.

    Raises:
        UserError: If there is no such file, or it cannot be read.
    """
    if files.kind(path) is None:
        siblings = {entry.name: str(entry) for entry in Path(path).parent.glob("*")}
        hint = errors.did_you_mean(Path(path).name, siblings, siblings)
        raise errors.UserError(f"{path}: no such file{hint}")
    try:
        with files.opened(path) as file:
            yield file
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None
    except MemoryError:
        raise errors.UserError(f"{path}: does not fit into memory") from None


def read_bytes(path: str | Path) -> bytes:
    """Reads the content of a file, as in `opened`."""
    with opened(path) as file:
        return file.read()


def read_picture(
    path: str | Path, *, max_pixels: int | None = None, size: int | None = None
) -> Picture:
    """Reads an image file with its metadata; the limits are those of `decode_picture`.

    Raises:
        UserError: If it cannot be read, is not an image, or has too many pixels.
    """
    return decode_picture(read_bytes(path), str(path), max_pixels, size=size)


def read(path: str | Path, size: int | None = None, *, max_pixels: int | None = None) -> np.ndarray:
    """Reads an image file as float32 RGB [H, W, 3] in [0, 255].

    Args:
        path: The file.
        size: If given, the image is scaled to this shorter side in pixels, keeping its aspect
            ratio. The longer side may then not exceed `MAX_ASPECT` times the shorter.
        max_pixels: The most pixels that it may have; None for `formats.MAX_PIXELS`.

    Raises:
        UserError: If it cannot be read, is not an image, or has too many pixels.
    """
    pixels = flattened(read_picture(path, max_pixels=max_pixels, size=size))
    if size is not None:
        height, width = pixels.shape[:2]
        if max(height, width) > MAX_ASPECT * min(height, width):
            raise errors.UserError(
                f"{path}: of its {width:,} x {height:,} pixels, one side is more than "
                f"{MAX_ASPECT} times the other; crop it"
            )
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
        if file_format in _KEEPS_ALPHA:
            image.putalpha(Image.fromarray(picture.alpha))
        else:
            image = Image.fromarray(flattened(picture))
    options: dict[str, object] = {}
    if picture.icc_profile:
        options["icc_profile"] = picture.icc_profile
    too_long = file_format == "JPEG" and len(picture.exif or b"") > _LONGEST_EXIF_IN_JPEG
    if picture.exif and file_format in _KEEPS_EXIF and not too_long:
        options["exif"] = picture.exif
    if picture.dpi and file_format in _KEEPS_DPI:
        options["dpi"] = picture.dpi
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
    if suffix not in formats.WRITTEN:
        raise errors.UserError(
            f"{path}: cannot write {suffix or 'a name without extension'}; "
            f"use one of {', '.join(sorted(formats.WRITTEN))}"
        )
    return formats.WRITTEN[suffix]


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


def square(pixels: np.ndarray, side: int, channels: int) -> np.ndarray:
    """Scales the largest central square of a picture, and converts its channels.

    Args:
        pixels: uint8 [H, W, 1 or 3].
        side: Height and width to return, in pixels.
        channels: 1 for gray, 3 for RGB.

    Returns:
        uint8 [side, side, channels]; the same array if nothing is to be done.
    """
    height, width = pixels.shape[:2]
    if (height, width) != (side, side):
        # The square first: a long, thin picture would become huge.
        shorter = min(height, width)
        top, left = (height - shorter) // 2, (width - shorter) // 2
        pixels = pixels[top : top + shorter, left : left + shorter]
        plane = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
        scaled = resize(np.ascontiguousarray(plane), side, side)
        pixels = scaled.reshape(side, side, -1)
    if pixels.shape[-1] == channels:
        return pixels
    if channels == 1:
        return to_uint8(luma(pixels))[..., np.newaxis]
    return np.repeat(pixels, channels, axis=-1)
