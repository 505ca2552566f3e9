"""Stylizes image files that are too large for memory, with pyvips.

The photo is decoded into a temporary file beside the picture, painted into others, and encoded
from there.
"""

from __future__ import annotations

import dataclasses
import shutil
import struct
import types
from pathlib import Path
from typing import Any

import numpy as np

from fastnst import controls, errors, files, formats, images, modes, planes
from fastnst import exif as exif_module
from fastnst.models import stylizer, work

# Longest side in each format.
_LONGEST = {"JPEG": 65_535, "WEBP": 16_383}
# Formats that `_encode` writes; see formats.WRITTEN.
_WRITABLE = ("JPEG", "PNG", "TIFF", "WEBP")
# Rows of a strip of the temporary TIFF, and struct's codes for the types of its numbers.
_ROWS = 64
_TIFF_TYPES = {3: "H", 4: "I", 16: "Q"}
# Bytes per pixel in memory: of a photo with a copy in the decoder, and of its picture with the
# passes of the strokes and copies in the encoder.
_DECODING_PER_PIXEL, _PAINTING_PER_PIXEL = 8, 36
# Bytes per pixel of all temporary files with pictures: the photo, the last pass of the strokes and
# the earlier ones in float16, and the result.
_FILES_PER_PIXEL = 16
_ICC, _EXIF, _ORIENTATION = "icc-profile-data", "exif-data", "orientation"
# What Exif prescribes for a resolution that is not known; libvips writes one into most files.
_UNKNOWN_DPI = (72.0, 72.0)
_MILLIMETERS = 25.4


@dataclasses.dataclass(frozen=True)
class _Photo:
    """A decoded photo, upright.

    Attributes:
        samples: uint8 [1, H, W, 3], or [1, H, W, 4] with alpha.
        icc_profile: As in `images.Picture`.
        exif: As in `images.Picture`.
        dpi: As in `images.Picture`.
    """

    samples: planes.FilePlane
    icc_profile: bytes | None
    exif: bytes | None
    dpi: tuple[float, float] | None

    def bare(self) -> _Photo:
        """As in `images.Picture`."""
        return dataclasses.replace(self, exif=None, dpi=None)

    @property
    def shape(self) -> planes.Shape:
        """As in `planes.Pixels`, of RGB."""
        return (*self.samples.shape[:3], 3)

    @property
    def has_alpha(self) -> bool:
        """Whether there is transparency."""
        return self.samples.shape[3] == 4

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """As in `planes.Pixels`, without alpha."""
        return self.samples.read(rows, columns)[..., :3]


def is_large(
    model: stylizer.Stylizer,
    path: Path,
    size: int | None = None,
    max_pixels: int | None = None,
) -> bool:
    """Returns whether a photo should not be decoded into memory.

    Args:
        model: The model to stylize with.
        path: The photo.
        size: Shorter side to scale it to after it is decoded, in pixels; None keeps its size.
        max_pixels: The most pixels that it may have, also scaled; None for `formats.MAX_PIXELS`.

    Raises:
        UserError: If it is no photo that can be read, or has too many pixels.
    """
    with images.opened(path) as file:
        image = formats.open_image(file, str(path), max_pixels=max_pixels, size=size)
        pixels, shorter = image.width * image.height, min(image.size)
    scale = 1.0 if size is None else (size / max(shorter, 1)) ** 2
    needed = (_DECODING_PER_PIXEL + scale * _PAINTING_PER_PIXEL) * pixels
    # Small photos never are, so the memory need not be looked at.
    return max(pixels, scale * pixels) > 2**22 and needed > model.tiles.memory_left()


def paint(
    model: stylizer.Stylizer,
    photo: Path,
    picture: Path,
    *,
    style: str | None = None,
    size: int | None = None,
    max_pixels: int | None = None,
    quality: int = 92,
    metadata: bool = True,
    progress: work.OnPixels | None = None,
    say: stylizer.Say | None = None,
) -> bool:
    """Stylizes a photo of any size.

    Args:
        model: The model to stylize with.
        photo: The photo.
        picture: The file to write: JPEG, PNG, TIFF or WebP. Temporary files are written beside it,
            and deleted.
        style: The style; None for the model's default.
        size: Shorter side to scale the photo to first, in pixels; None keeps its size.
        max_pixels: As in `is_large`.
        quality: Quality of JPEG and WebP, 1 to 100.
        metadata: Whether to keep the Exif data and the resolution.
        progress: As in `Stylizer.paint`.
        say: As in `Stylizer.paint`.

    Returns:
        Whether the picture says where the photo was taken.

    Raises:
        UserError: If pyvips is missing, the photo cannot be read or has too many pixels, or the
            picture cannot be written.
    """
    file_format = images.format_of(picture)
    if file_format not in _WRITABLE:
        raise errors.UserError(
            f"{picture}: so large a picture cannot be written as {file_format}; use one of "
            f"{', '.join(_WRITABLE)}"
        )
    vips = _pyvips(photo)
    with images.opened(photo) as file:
        header = formats.open_image(file, str(photo), max_pixels=max_pixels, size=size)
        dpi = images.resolution(header)
    try:
        with files.scratch(picture.parent) as scratch:
            image = _open(vips, photo, scratch, size)
            _check_size(image, picture, file_format)
            decoded = _decode(vips, image, photo, scratch / "photo", dpi)
            decoded = decoded if metadata else decoded.bare()
            painted = scratch / "picture.tif"
            head = _tiff_header(*decoded.samples.shape[1:])
            samples = planes.FilePlane(painted, decoded.samples.shape, np.uint8, header=head)

            def write(rows: slice, columns: slice, pixels: np.ndarray) -> None:
                if decoded.has_alpha:
                    alpha = decoded.samples.read(rows, columns)[..., 3:]
                    pixels = np.concatenate([pixels, alpha], axis=-1)
                samples.write(rows, columns, pixels)

            chosen = controls.Controls(style=style)
            try:
                model.paint_parts(
                    decoded, write, chosen, folder=scratch, progress=progress, say=say
                )
            except errors.UserError as error:
                raise errors.UserError(f"{photo}: {error}") from None
            with files.staging(picture.parent) as staged:
                _encode(vips, painted, decoded, staged / picture.name, file_format, quality)
            return exif_module.has_position(decoded.exif)
    except vips.Error as error:
        raise errors.UserError(f"{picture}: cannot be written ({_reason(error)})") from None
    except UnicodeEncodeError:
        raise errors.UserError(
            f"{photo}: so large a photo needs a name in UTF-8; rename it or its folder"
        ) from None
    except OSError as error:
        raise errors.UserError(f"{picture}: cannot be written ({error.strerror})") from None


def _check_size(image: Any, picture: Path, file_format: str) -> None:
    """Raises a UserError if a picture of this size does not fit into the format or on the disk."""
    width, height = image.width, image.height
    if max(height, width) > _LONGEST.get(file_format, 2**31):
        raise errors.UserError(
            f"{picture}: {width} x {height} pixels are too large for {file_format}, which has at "
            f"most {_LONGEST[file_format]} on a side; write a .tif or .png"
        )
    needed, free = _FILES_PER_PIXEL * width * height, shutil.disk_usage(picture.parent).free
    if needed > free:
        raise errors.UserError(
            f"{picture}: {width} x {height} pixels need {needed / 2**30:.1f} GiB for temporary "
            f"files beside it, but only {free / 2**30:.1f} GiB are free; write to another disk"
        )


def _pyvips(photo: Path) -> types.ModuleType:
    try:
        import pyvips
    except (ImportError, OSError):
        raise errors.UserError(
            f"{photo}: too large to decode into memory; install pyvips to stylize it part by part "
            "(pip install 'fastnst[large]'), or scale the photo down"
        ) from None
    # Cached operations would keep the photos open.
    pyvips.cache_set_max(0)
    return pyvips


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else "unknown"


def _open(vips: types.ModuleType, path: Path, scratch: Path, size: int | None) -> Any:
    """Opens a photo, upright and scaled; its rows are decoded when they are read.

    Raises:
        UserError: If it is damaged, or has a format that pyvips does not read.
    """
    try:
        image = vips.Image.new_from_file(str(path), access="sequential", fail_on="error")
        if _ORIENTATION in image.get_fields() and image.get(_ORIENTATION) > 1:
            # Turning it reads its rows out of order.
            stored = scratch / "stored.v"
            image.write_to_file(str(stored))
            image = vips.Image.new_from_file(str(stored)).autorot()
    except vips.Error as error:
        raise errors.UserError(
            f"{path}: so large a photo is read by pyvips, which cannot read this one "
            f"({_reason(error)}); convert it to JPEG, PNG or TIFF"
        ) from None
    return image if size is None else image.resize(size / min(image.width, image.height))


def _decode(
    vips: types.ModuleType,
    image: Any,
    path: Path,
    target: Path,
    dpi: tuple[float, float] | None,
) -> _Photo:
    """Decodes a photo into a file of raw samples: 8 bits, RGB with or without alpha.

    Raises:
        UserError: If it is damaged.
    """
    fields = image.get_fields()
    exif = exif_module.kept(image.get(_EXIF)) if _EXIF in fields else None
    profile = None
    if _ICC in fields and image.interpretation in ("srgb", "rgb", "rgb16"):
        profile = image.get(_ICC) if modes.is_of_rgb(image.get(_ICC)) else None
    elif _ICC in fields:
        # A profile of CMYK or gray does not apply to RGB.
        image = image.icc_transform("srgb", embedded=True)
    if image.interpretation not in ("srgb", "rgb") or image.format != "uchar":
        image = image.colourspace("srgb").cast("uchar")
    if image.bands > 4:
        image = image[:4]
    try:
        image.rawsave(str(target))
    except vips.Error as error:
        raise errors.UserError(f"{path}: cannot be decoded ({_reason(error)})") from None
    shape = (1, image.height, image.width, image.bands)
    return _Photo(planes.FilePlane(target, shape, np.uint8, exists=True), profile, exif, dpi)


def _encode(
    vips: types.ModuleType,
    painted: Path,
    photo: _Photo,
    path: Path,
    file_format: str,
    quality: int,
) -> None:
    _, height, width, bands = photo.samples.shape
    image = vips.Image.new_from_file(str(painted), access="sequential")
    if photo.has_alpha and file_format == "JPEG":
        image = image.flatten(background=255)
    blobs = {_ICC: photo.icc_profile, _EXIF: None if file_format == "TIFF" else photo.exif}
    across, down = photo.dpi or _UNKNOWN_DPI
    image = image.copy(xres=across / _MILLIMETERS, yres=down / _MILLIMETERS)
    for name, blob in blobs.items():
        if blob is not None:
            image.set_type(vips.GValue.blob_type, name, blob)
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"Q": quality, "subsample_mode": "off"},
        "WEBP": {"Q": quality},
        "PNG": {},
        "TIFF": {
            "compression": "deflate",
            "predictor": "horizontal",
            "tile": True,
            "tile_width": 256,
            "tile_height": 256,
            # The usual TIFF ends at 4 GiB; compressed, half of that is far away from it.
            "bigtiff": height * width * bands > 2**31,
        },
    }
    if blobs[_EXIF] is None and photo.dpi is None and vips.at_least_libvips(8, 15):
        # Otherwise, libvips writes an Exif block of its own, with the resolution.
        options[file_format]["keep"] = "icc"
    image.write_to_file(str(path), **options[file_format])


def _tiff_header(height: int, width: int, bands: int) -> bytes:
    """Returns the beginning of an uncompressed BigTIFF file, which its samples follow row by row.

    pyvips reads such a file a few rows at a time, but maps a file without a header whole.
    """
    strips = -(-height // _ROWS)
    strip_bytes = _ROWS * width * bands
    last = (height - (strips - 1) * _ROWS) * width * bands
    # Tag, type (3: 16 bits, 4: 32 bits, 16: 64 bits) and values, in the order of the tags.
    entries: list[tuple[int, int, list[int]]] = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [8] * bands),
        (259, 3, [1]),  # Not compressed.
        (262, 3, [2]),  # RGB.
        (273, 16, [0] * strips),  # Offsets of the strips, filled in below.
        (277, 3, [bands]),
        (278, 4, [_ROWS]),
        (279, 16, [strip_bytes] * (strips - 1) + [last]),
        (284, 3, [1]),  # The samples of a pixel are adjacent.
        *([(338, 3, [2])] if bands == 4 else []),  # Alpha that the colors are not multiplied by.
    ]
    after = 16 + 8 + 20 * len(entries) + 8
    begin = after + 2 * 8 * strips
    entries[5] = (273, 16, [begin + index * strip_bytes for index in range(strips)])
    directory, values = struct.pack("<Q", len(entries)), b""
    for tag, kind, numbers in entries:
        packed = struct.pack(f"<{len(numbers)}{_TIFF_TYPES[kind]}", *numbers)
        if len(packed) > 8:
            position = struct.pack("<Q", after + len(values))
            values += packed
            packed = position
        directory += struct.pack("<HHQ", tag, kind, len(numbers)) + packed.ljust(8, b"\0")
    start = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16)
    return (start + directory + struct.pack("<Q", 0) + values).ljust(begin, b"\0")
