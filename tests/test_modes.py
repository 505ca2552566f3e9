"""Every color mode becomes RGB with the right values."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from fastnst import images


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A color profile of a printer or of gray, with the colors as Lab or XYZ."""
    xyz = space == b"GRAY"
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * v) for v in (0.9642, 1, 0.8249)))
    text = b"text\0\0\0\0none\0\0\0\0"
    tags = {b"desc": text, b"cprt": text, b"wtpt": white, **tags}
    table, data = struct.pack(">I", len(tags)), b""
    begin = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", begin + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI", begin + len(data), b"lcms", 0x02400000)
    header += (b"mntr" if xyz else b"prtr") + space + (b"XYZ " if xyz else b"Lab ")
    header = header.ljust(36, b"\0") + b"acsp"
    header = header.ljust(68, b"\0") + white[8:]
    return header.ljust(128, b"\0") + table + data


def cmyk_profile() -> bytes:
    """A profile in which cyan is a light violet, whatever magenta and yellow are, and key black."""
    white, violet, black = (bytes(lab) for lab in ((255, 128, 128), (153, 168, 88), (0, 128, 128)))
    # In the order of cyan, magenta, yellow and key, of which the last varies fastest.
    corners = (white + black) * 4 + (violet + black) * 4
    identity = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0])
    table += struct.pack(">9i", *(65536 * (index % 4 == 0) for index in range(9)))
    table += identity * 4 + corners + identity * 3
    return profile(b"CMYK", {b"A2B0": table})


def test_cmyk_is_converted_by_its_profile() -> None:
    cyan = Image.new("CMYK", (20, 20), (255, 0, 0, 0))
    plain = images.decode_picture(encode(cyan, "TIFF")).pixels
    assert tuple(plain[0, 0]) == (0, 255, 255)
    for file_format in ("TIFF", "JPEG"):
        data = encode(cyan, file_format, icc_profile=cmyk_profile())
        picture = images.decode_picture(data)
        # Lab (60, 40, -40) is this color in sRGB, by the formulas of CIE 1976.
        assert np.abs(picture.pixels[10, 10].astype(int) - (186, 118, 216)).max() <= 4
        assert picture.icc_profile is None


def test_gray_is_converted_by_its_profile() -> None:
    # A gamma of 1: half of the light is 188 in sRGB.
    linear = profile(b"GRAY", {b"kTRC": b"curv\0\0\0\0" + struct.pack(">I", 0)})
    picture = images.decode_picture(encode(Image.new("L", (9, 9), 128), "PNG", icc_profile=linear))
    assert np.abs(picture.pixels.astype(int) - 188).max() <= 1
    assert picture.icc_profile is None
    with_alpha = Image.new("LA", (9, 9), (128, 7))
    picture = images.decode_picture(encode(with_alpha, "PNG", icc_profile=linear))
    assert np.abs(picture.pixels.astype(int) - 188).max() <= 1
    assert (picture.alpha == 7).all()


def test_a_damaged_profile_is_ignored() -> None:
    data = encode(Image.new("CMYK", (9, 9)), "TIFF", icc_profile=bytes(16) + b"CMYK" + bytes(200))
    assert (images.decode_picture(data).pixels == 255).all()


def test_lab_is_converted() -> None:
    lab = Image.merge("LAB", [Image.new("L", (9, 9), value) for value in (255, 128, 128)])
    assert (images.decode_picture(encode(lab, "TIFF")).pixels >= 250).all()


def test_floats_that_are_no_numbers_are_black_and_infinite_ones_white() -> None:
    values = np.array([[np.nan, np.inf, -np.inf, 0.5, 1.0]], np.float32)
    pixels = images.decode_picture(encode(Image.fromarray(values), "TIFF")).pixels
    assert pixels[0, :, 0].tolist() == [0, 255, 0, 128, 255]


def test_integers_of_32_bits_are_scaled_by_the_largest_and_those_of_16_by_their_range() -> None:
    large = np.array([[0, 2**19, 2**20]], np.int32)
    pixels = images.decode_picture(encode(Image.fromarray(large), "TIFF")).pixels
    assert pixels[0, :, 0].tolist() == [0, 128, 255]
    small = np.array([[0, 32768, 65535]], np.int32)
    pixels = images.decode_picture(encode(Image.fromarray(small), "TIFF")).pixels
    assert pixels[0, :, 0].tolist() == [0, 128, 255]


def test_a_transparent_level_of_16_bits_is_recognized() -> None:
    deep = Image.fromarray(np.array([[0, 300, 65535]], np.uint16))
    picture = images.decode_picture(encode(deep, "PNG", transparency=300))
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 0, 255]]


@pytest.mark.parametrize(("alpha", "expected"), [(0, None), (9, 9)])
def test_a_bitmap_whose_alpha_is_all_zero_is_opaque(alpha: int, expected: int | None) -> None:
    header = struct.pack("<IiiHHIIiiII", 108, 2, 2, 1, 32, 3, 16, 0, 0, 0, 0)
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = (header + masks).ljust(108, b"\0")
    pixels = bytes([10, 20, 30, alpha]) * 4
    size = 14 + len(header) + len(pixels)
    bitmap = b"BM" + struct.pack("<IHHI", size, 0, 0, 14 + len(header)) + header + pixels
    picture = images.decode_picture(bitmap)
    assert tuple(picture.pixels[0, 0]) == (30, 20, 10)
    found = None if picture.alpha is None else picture.alpha[0, 0]
    assert found == expected


def test_the_profile_of_rgb_is_kept_and_that_of_another_space_dropped() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    rgb = Image.new("RGB", (9, 9))
    assert images.decode_picture(encode(rgb, "PNG", icc_profile=srgb)).icc_profile == srgb
    wrong = encode(rgb, "PNG", icc_profile=cmyk_profile())
    assert images.decode_picture(wrong).icc_profile is None
