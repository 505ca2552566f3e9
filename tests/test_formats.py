"""Formats are told by the content, and no file has more pixels than allowed."""

from __future__ import annotations

import contextlib
import io
import sys
import warnings

import made
import numpy as np
import pytest
from PIL import Image, features

from fastnst import errors, formats, images


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"GIF89a", "GIF"),
        (b"II*\0", "TIFF"),
        (b"MM\0+", "TIFF"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "WEBP"),
        (b"RIFF\x24\0\0\0WAVEfmt ", None),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "BMP"),
        (b"BM is a text", None),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", "HEIF"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "AVIF"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", None),
        (b"%!PS-Adobe-3.0 EPSF-3.0", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell_the_format(head: bytes, expected: str | None) -> None:
    assert formats.sniff(head) == expected


def test_postscript_is_never_decoded_whatever_its_name() -> None:
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\n"
    with pytest.raises(errors.UserError, match=r"photo.jpg: not an image that can be read"):
        images.decode(program, "photo.jpg")


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(errors.UserError, match="a: 20001 x 10000 pixels are more than 200,000,000"):
        images.decode_picture(made.png_of(20_001, 10_000), "a")
    # Within the limit, the pixels are decoded, and these are missing.
    with pytest.raises(errors.UserError, match="damaged"):
        images.decode_picture(made.png_of(2_000, 1_000), "a")
    with pytest.raises(errors.UserError, match="more than 1,000"):
        images.decode_picture(made.encode(made.noise(0, 40, 40)), "a", max_pixels=1_000)


def test_a_size_that_makes_too_many_pixels_is_refused_before_decoding() -> None:
    with pytest.raises(errors.UserError, match="with a shorter side of 60,000 instead of 1,000"):
        images.decode_picture(made.png_of(2_000, 1_000), size=60_000)


@pytest.mark.slow
def test_a_scan_above_the_limit_of_pillow_is_decoded_without_a_warning() -> None:
    # Pillow warns above 89 megapixels and refuses 179.
    pixels = made.encode(np.zeros((1_800, 100_000), np.uint8), "PNG", compress_level=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert images.decode_picture(pixels).pixels.shape == (1_800, 100_000, 3)


def test_a_large_color_profile_is_no_damage() -> None:
    # Pillow refuses more than 1 MiB.
    profile = bytes(16) + b"RGB " + bytes(3 * 2**20)
    picture = images.decode_picture(made.encode(made.noise(0), icc_profile=profile))
    assert picture.icc_profile == profile


def test_avif_is_decoded() -> None:
    if not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    pixels = images.decode(made.encode(made.flat(), "AVIF", quality=100), "a.avif")
    assert np.abs(pixels.astype(int) - made.ORANGE).max() <= 3


def test_heic_is_decoded_with_pillow_heif() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(made.flat())).save(buffer, quality=95)
    pixels = images.decode(buffer.getvalue(), "a.heic")
    assert np.abs(pixels.astype(int) - made.ORANGE).max() <= 4


def test_heic_without_pillow_heif_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(errors.UserError, match=r"a.heic: HEIC needs .*fastnst\[heif\]"):
        images.decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a.heic")


def test_a_reason_of_several_lines_becomes_one() -> None:
    assert str(formats.damaged("a", ValueError("one\n two\x1b[0m"))).endswith("(one two [0m)")
    assert "memory" in str(formats.damaged("a", MemoryError()))


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "group4"])
def test_libtiff_does_not_write_to_the_terminal(
    compression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).convert("1" if compression == "group4" else "L").save(
        buffer, "TIFF", compression=compression
    )
    data = bytearray(buffer.getvalue())
    # In the middle of the samples, which follow the header of 8 bytes.
    data[200:216] = bytes(range(240, 256))
    # libtiff repairs some pictures; what it cannot is an error of Pillow.
    with contextlib.suppress(errors.UserError):
        images.decode_picture(bytes(data), "a.tif")
    assert capfd.readouterr() == ("", "")
