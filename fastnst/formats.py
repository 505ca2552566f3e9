"""The formats of image files: recognized by their content, and opened within one limit of pixels.

Only the decoders of these formats run, whatever a file is named. Pillow would also start
Ghostscript for PostScript, for example.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import warnings
from collections.abc import Callable
from typing import IO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from fastnst import errors

# The most pixels that a photo, or a picture made of it, may have by default.
MAX_PIXELS = 200_000_000
# The format that is written for each extension.
WRITTEN = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
# Extensions of photos, so that a damaged one is reported as such.
EXTENSIONS = frozenset({*WRITTEN, ".avif", ".heic", ".heif"})
NAMES = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC"
# Bytes at the beginning of a file that tell its format.
HEAD = 64

_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
_AVIF, _HEIF = {b"avif", b"avis"}, {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1"}
# Color profiles of printers take megabytes; Pillow's own limit is one.
_LONGEST_PROFILE = 2**25


def sniff(head: bytes) -> str | None:
    """Returns Pillow's name of a file's format, judging by its first bytes; None for no photo.

    Args:
        head: The first `HEAD` bytes, or all of a shorter file.
    """
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    # Two letters alone would make a photo of many a text.
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if head[4:8] == b"ftyp":
        end = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[at : at + 4] for at in range(8, end, 4)}
        return "AVIF" if brands & _AVIF else "HEIF" if brands & _HEIF else None
    return None


def open_image(
    file: IO[bytes],
    name: str,
    *,
    max_pixels: int | None = None,
    size: int | None = None,
) -> Image.Image:
    """Reads the header of an image file; its pixels are decoded by `load` of the result.

    Args:
        file: The file, which must stay open until the pixels are decoded.
        name: Its name in error messages.
        max_pixels: The most pixels that it may have; None for `MAX_PIXELS`.
        size: Shorter side to which it will be scaled, which must not exceed the limit either.

    Raises:
        UserError: If it is no image, is damaged, or has too many pixels.
    """
    head = file.read(HEAD)
    file.seek(0)
    open_format = _decoder(sniff(head), name)
    # Whatever Pillow warns of is either harmless or reported as an error. `catch_warnings` would
    # not do, because photos are decoded in several threads.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    _silence_libtiff()
    PngImagePlugin.MAX_TEXT_CHUNK = max(PngImagePlugin.MAX_TEXT_CHUNK, _LONGEST_PROFILE)
    try:
        image = open_format(file, "")
    # Damaged files make Pillow raise exceptions of many types.
    except Exception as error:
        raise damaged(name, error) from None
    check_pixels(image.width, image.height, name, max_pixels=max_pixels, size=size)
    return image


@functools.cache
def _silence_libtiff() -> None:
    """Keeps libtiff from writing to stderr what it notices in damaged files.

    Pillow raises an error for what it cannot decode. The handlers belong to the process: they are
    replaced once, so that threads that decode do not get in each other's way, as they would if
    stderr itself were redirected.
    """
    # The names are also looked up in the libraries that Pillow's module is linked with. Where
    # libtiff is built into it without names, it keeps its voice.
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(Image.core.__file__)
        for replace in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
            replace.argtypes, replace.restype = [ctypes.c_void_p], ctypes.c_void_p
            replace(None)


def check_pixels(
    width: int,
    height: int,
    name: str,
    *,
    max_pixels: int | None = None,
    size: int | None = None,
) -> None:
    """Checks the number of pixels of a photo, as its header tells it, as in `open_image`.

    Raises:
        UserError: If there are too many.
    """
    most = max_pixels or MAX_PIXELS
    if width * height > most:
        raise errors.UserError(
            f"{name}: {width} x {height} pixels are more than {most:,}; scale it down, or allow "
            "more (--max-pixels of eval, video, train, optimize and records)"
        )
    if size is not None and width and height:
        scale = size / min(width, height)
        if scale * width * scale * height > most:
            raise errors.UserError(
                f"{name}: with a shorter side of {size:,} instead of {min(width, height):,} it "
                f"would have more than {most:,} pixels; choose a smaller size"
            )


def damaged(name: str, error: Exception) -> errors.UserError:
    """Returns the error to raise for a file that Pillow fails to open or to decode."""
    if isinstance(error, MemoryError):
        return errors.UserError(f"{name}: does not fit into memory; scale it down")
    if isinstance(error, Image.DecompressionBombError):
        return errors.UserError(f"{name}: has too many pixels; scale it down")
    # The messages of decoders may have several lines, or contain bytes of the file.
    reason = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())
    return errors.UserError(f"{name}: the image is damaged ({reason or type(error).__name__})")


def _decoder(found: str | None, name: str) -> Callable[..., ImageFile.ImageFile]:
    """Returns the function that opens files of a format.

    Raises:
        UserError: If there is none.
    """
    if found is None:
        raise errors.UserError(f"{name}: not an image that can be read; use {NAMES}")
    if found == "HEIF":
        try:
            from pillow_heif import HeifImageFile
        except ImportError:
            raise errors.UserError(
                f"{name}: HEIC needs pillow-heif; pip install 'fastnst[heif]', or convert it to "
                "JPEG"
            ) from None
        return HeifImageFile
    if found == "AVIF" and not AvifImagePlugin.SUPPORTED:
        raise errors.UserError(
            f"{name}: this Pillow reads no AVIF; pip install 'fastnst[heif]', or convert it to JPEG"
        )
    return {
        # Opens the first picture of files with several, too.
        "JPEG": JpegImagePlugin.jpeg_factory,
        "PNG": PngImagePlugin.PngImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
        "AVIF": AvifImagePlugin.AvifImageFile,
    }[found]
