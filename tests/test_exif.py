"""What is kept of Exif blocks."""

from __future__ import annotations

import io

from PIL import ExifTags, Image

from fastnst import exif, images


def block(*, position: bool = True) -> Image.Exif:
    """Exif data of a photo that says how it was taken, and where."""
    made = Image.Exif()
    made[ExifTags.Base.Make] = "Camera"
    made[ExifTags.Base.Orientation] = 6
    made[ExifTags.Base.XResolution] = 300.0
    details = made.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.ExifImageWidth] = 4000
    details[ExifTags.Base.FNumber] = 2.0
    if position:
        made.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return made


def test_what_holds_for_the_picture_is_kept() -> None:
    kept = exif.kept(block().tobytes())
    assert kept
    found = Image.Exif()
    found.load(kept)
    assert found[ExifTags.Base.Make] == "Camera"
    assert ExifTags.Base.Orientation not in found
    # The photo is stored sideways.
    assert ExifTags.Base.XResolution not in found and found[ExifTags.Base.YResolution] == 300.0
    assert set(found.get_ifd(ExifTags.IFD.Exif)) == {ExifTags.Base.FNumber}


def test_a_damaged_block_is_dropped() -> None:
    assert exif.kept(b"Exif\0\0nonsense") is None
    assert not exif.has_position(b"Exif\0\0nonsense")


def test_a_position_is_noticed() -> None:
    assert exif.has_position(block().tobytes())
    assert not exif.has_position(block(position=False).tobytes())
    assert not exif.has_position(None)


def test_how_a_tiff_stores_its_pixels_is_not_copied_into_a_png() -> None:
    buffer = io.BytesIO()
    described = Image.Exif()
    described[ExifTags.Base.Artist] = "somebody"
    Image.new("RGB", (40, 30)).save(buffer, "TIFF", exif=described, compression="tiff_lzw")
    written = images.encode(images.decode_picture(buffer.getvalue()), "PNG")
    with Image.open(io.BytesIO(written)) as picture:
        assert dict(picture.getexif()) == {ExifTags.Base.Artist: "somebody"}


def test_the_resolution_is_kept_in_formats_that_have_one() -> None:
    for read, written in (("JPEG", "PNG"), ("PNG", "TIFF"), ("TIFF", "JPEG"), ("BMP", "BMP")):
        buffer = io.BytesIO()
        Image.new("L", (40, 30)).save(buffer, read, dpi=(300, 150))
        picture = images.decode_picture(buffer.getvalue())
        with Image.open(io.BytesIO(images.encode(picture, written))) as found:
            assert tuple(round(value) for value in found.info["dpi"]) == (300, 150)
        assert picture.bare().dpi is None
