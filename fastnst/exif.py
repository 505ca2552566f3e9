"""The Exif blocks of photos: what of them still holds for the stylized picture."""

from __future__ import annotations

from PIL import ExifTags, Image

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
_SIDEWAYS = (
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
)
# Tags that say how the pixels of a TIFF file are stored, and other metadata that only it holds.
_OF_TIFF = {
    *range(254, 267),
    *(273, *range(277, 282), 284, *range(288, 294), 297, 301),
    *range(317, 348),
    *range(512, 533),
    *(700, 33723, 34377, 34675),
}
_DROPPED = {*_OF_TIFF, int(ExifTags.Base.Orientation)}
# Across and down.
_RESOLUTION = (int(ExifTags.Base.XResolution), int(ExifTags.Base.YResolution))
# The size of the photo, which may be scaled or turned.
_SIZE = (int(ExifTags.Base.ExifImageWidth), int(ExifTags.Base.ExifImageHeight))


def read(image: Image.Image) -> tuple[Image.Transpose | None, bytes | None]:
    """Returns how to turn an image upright, or None; and its Exif block, as in `kept`."""
    turn = None
    # Damaged or unusual blocks make Pillow raise exceptions of many types. Such a block is
    # dropped, because the picture itself is intact.
    try:
        exif = image.getexif()
        turn = _TURNS.get(exif.get(ExifTags.Base.Orientation, 1))
        return turn, _kept(exif)
    except Exception:
        return turn, None


def is_sideways(image: Image.Image) -> bool:
    """Returns whether the rows of a file are columns of the upright picture; call it before `read`.

    The block that `read` returns has no orientation, and neither has the image from then on.
    """
    # A damaged block, as in `read`.
    try:
        return _is_sideways(image.getexif())
    except Exception:
        return False


def kept(exif: bytes) -> bytes | None:
    """Returns an Exif block without what does not hold for an upright, stylized picture.

    That is the orientation, the size in pixels, and how a TIFF file stores its pixels. Of a photo
    that is stored sideways, the resolutions across and down change places. Returns None if the
    block is damaged or nothing is left.
    """
    block = Image.Exif()
    try:
        block.load(exif)
        return _kept(block)
    except Exception:
        return None


def has_position(exif: bytes | None) -> bool:
    """Returns whether an Exif block says where the photo was taken."""
    block = Image.Exif()
    try:
        block.load(exif or b"")
        return bool(block.get_ifd(ExifTags.IFD.GPSInfo))
    except Exception:
        return False


def _is_sideways(exif: Image.Exif) -> bool:
    return _TURNS.get(exif.get(ExifTags.Base.Orientation, 1)) in _SIDEWAYS


def _kept(exif: Image.Exif) -> bytes | None:
    if ExifTags.IFD.Exif in exif:
        details = exif.get_ifd(ExifTags.IFD.Exif)
        for tag in _SIZE:
            details.pop(tag, None)
    if _is_sideways(exif):
        across, down = (exif.pop(tag, None) for tag in _RESOLUTION)
        turned = zip(_RESOLUTION, (down, across), strict=True)
        exif.update({tag: value for tag, value in turned if value is not None})
    for tag in _DROPPED & set(exif):
        del exif[tag]
    return exif.tobytes() if len(exif) else None
