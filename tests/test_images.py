"""Image files of every kind, and the metadata that is kept."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from fastnst import errors, formats, images

# An "F" looks different in all eight orientations.
LETTER = np.array(
    [
        [0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 1, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 1, 1, 1, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ],
    np.uint8,
)
RED, SEA = (200, 30, 40), (20, 120, 160)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def colors(height: int = 20, width: int = 30) -> np.ndarray:
    """Red on the left, sea green on the right, which any compression preserves."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:, : width // 2], pixels[:, width // 2 :] = RED, SEA
    return pixels


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def exif_block(orientation: int | None = None) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Camera"
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:06 07:08:09"
    return exif.tobytes()


RGB = Image.fromarray(colors())
# The centers of the left and the right half: exact, unless JPEG rounds them.
KINDS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: encode(RGB, "JPEG", quality=95),
    "progressive jpeg": lambda: encode(RGB, "JPEG", quality=95, progressive=True),
    "cmyk jpeg": lambda: encode(RGB.convert("CMYK"), "JPEG", quality=95),
    "png": lambda: encode(RGB, "PNG"),
    "palette png": lambda: encode(RGB.quantize(4), "PNG"),
    "rgba png": lambda: encode(RGB.convert("RGBA"), "PNG"),
    "webp": lambda: encode(RGB, "WEBP", lossless=True),
    "gif": lambda: encode(RGB, "GIF"),
    "animated gif": lambda: encode(
        RGB, "GIF", save_all=True, append_images=[Image.new("RGB", (30, 20))]
    ),
    "bmp": lambda: encode(RGB, "BMP"),
    "tiff": lambda: encode(RGB, "TIFF"),
    "cmyk tiff": lambda: encode(RGB.convert("CMYK"), "TIFF"),
    "ycbcr tiff": lambda: encode(RGB.convert("YCbCr"), "TIFF"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_is_decoded_to_rgb(kind: str) -> None:
    picture = images.decode_picture(KINDS[kind](), kind)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.shape == (20, 30, 3)
    assert np.abs(picture.pixels[10, 5].astype(int) - RED).max() <= 4
    assert np.abs(picture.pixels[10, 25].astype(int) - SEA).max() <= 4
    assert (picture.alpha is not None) == (kind == "rgba png")
    assert picture.icc_profile is None
    picture.pixels[0, 0] = 0  # must be writable


GREY = np.array([[0, 64, 128, 255]] * 3, np.uint8)
GREYS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: encode(Image.fromarray(GREY.repeat(8, 0).repeat(8, 1)), "JPEG", quality=100),
    "png": lambda: encode(Image.fromarray(GREY), "PNG"),
    "16-bit png": lambda: encode(Image.fromarray(GREY.astype(np.uint16) * 257), "PNG"),
    "16-bit tiff": lambda: encode(Image.fromarray(GREY.astype(np.uint16) * 257), "TIFF"),
    "32-bit tiff": lambda: encode(Image.fromarray(GREY.astype(np.int32) * 257), "TIFF"),
    "float tiff": lambda: encode(Image.fromarray(GREY.astype(np.float32) / 255), "TIFF"),
    "gray with alpha": lambda: encode(Image.fromarray(GREY).convert("LA"), "PNG"),
}


@pytest.mark.parametrize("kind", GREYS)
def test_grayscale_of_any_depth_becomes_three_equal_channels(kind: str) -> None:
    pixels = images.decode_picture(GREYS[kind](), kind).pixels
    assert (pixels[..., :1] == pixels).all()
    step = pixels.shape[1] // 4
    found = pixels[0, step // 2 :: step, 0].astype(int)
    assert np.abs(found - GREY[0]).max() <= (3 if kind == "jpeg" else 0)


def test_bilevel_images_are_decoded_to_black_and_white() -> None:
    bits = Image.fromarray(LETTER * 255).convert("1")
    for file_format in ("PNG", "TIFF", "BMP"):
        pixels = images.decode_picture(encode(bits, file_format)).pixels
        np.testing.assert_array_equal(pixels[..., 1], LETTER * 255)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_photo_is_rotated_upright_from_every_orientation(
    orientation: int, file_format: str
) -> None:
    upright = LETTER.repeat(8, 0).repeat(8, 1) * 200
    # The stored image, by the definition of the tag: the first stored row is the visual
    # top, bottom, left or right, and so on.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],
        7: upright.T[::-1, ::-1],
        8: upright.T[:, ::-1],
    }[orientation]
    exif: bytes | Image.Exif = exif_block(orientation)
    if file_format == "TIFF":
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
    image = Image.fromarray(np.ascontiguousarray(stored)).convert("RGB")
    options = {"lossless": True} if file_format == "WEBP" else {}
    picture = images.decode_picture(encode(image, file_format, exif=exif, **options))
    assert picture.pixels.shape == (56, 48, 3)
    tolerance = 40 if file_format == "JPEG" else 0
    assert np.abs(picture.pixels[..., 0].astype(int) - upright).max() <= tolerance


@pytest.mark.parametrize("written", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("read", ["JPEG", "PNG", "WEBP"])
def test_profile_and_exif_are_kept_and_the_orientation_is_reset(read: str, written: str) -> None:
    data = encode(RGB, read, exif=exif_block(6), icc_profile=PROFILE)
    picture = images.decode_picture(data)
    again = Image.open(io.BytesIO(images.encode(picture, written)))
    assert again.format == written
    assert again.size == (20, 30)
    assert again.info["icc_profile"] == PROFILE
    exif = again.getexif()
    assert exif[ExifTags.Base.Make] == "Camera"
    assert ExifTags.Base.Orientation not in exif
    details = exif.get_ifd(ExifTags.IFD.Exif)
    assert details[ExifTags.Base.DateTimeOriginal] == "2024:05:06 07:08:09"


def test_a_profile_of_another_color_mode_than_rgb_is_dropped() -> None:
    for mode in ("CMYK", "L"):
        data = encode(RGB.convert(mode), "JPEG", icc_profile=PROFILE)
        assert images.decode_picture(data).icc_profile is None


def test_no_exif_block_is_added() -> None:
    assert images.decode_picture(encode(RGB, "JPEG")).exif is None
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    assert images.decode_picture(encode(RGB, "JPEG", exif=exif)).exif is None


@pytest.mark.filterwarnings("ignore:Truncated File Read")
def test_a_photo_with_a_damaged_exif_block_is_decoded() -> None:
    block = exif_block(6)
    for damaged in (
        block.replace(b"MM\x00*", b"XX\x00*"),
        block[:40],
        # A text in place of the orientation: the photo is not rotated.
        block.replace(b"\x01\x12\x00\x03", b"\x01\x12\x00\x02"),
    ):
        assert damaged != block
        picture = images.decode_picture(encode(RGB, "JPEG", exif=damaged))
        assert picture.pixels.shape == (20, 30, 3)
        images.encode(picture, "JPEG")


def test_a_photo_is_rotated_upright_even_if_its_exif_block_cannot_be_kept() -> None:
    # The maker's name declared as a fraction, which Pillow can read but not write.
    block = exif_block(6).replace(b"\x01\x0f\x00\x02", b"\x01\x0f\x00\x0b")
    picture = images.decode_picture(encode(RGB, "JPEG", exif=block))
    assert picture.pixels.shape == (30, 20, 3)
    assert picture.exif is None


def test_an_exif_block_too_long_for_jpeg_is_dropped() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "x" * 70_000
    picture = images.decode_picture(encode(RGB, "PNG", exif=exif))
    assert picture.exif is not None
    assert not Image.open(io.BytesIO(images.encode(picture, "JPEG"))).getexif()
    assert Image.open(io.BytesIO(images.encode(picture, "WEBP"))).getexif()


def transparent() -> np.ndarray:
    alpha = np.full((20, 30), 255, np.uint8)
    alpha[:10], alpha[10:15] = 0, 51
    return alpha


def see_through() -> Image.Image:
    image = RGB.copy()
    image.putalpha(Image.fromarray(transparent()))
    return image


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_alpha_and_the_colors_of_transparent_pixels_are_kept(file_format: str) -> None:
    picture = images.decode_picture(encode(see_through(), "PNG"))
    np.testing.assert_array_equal(picture.pixels, colors())
    np.testing.assert_array_equal(picture.alpha, transparent())
    again = images.decode_picture(images.encode(picture, file_format, quality=100))
    np.testing.assert_array_equal(again.alpha, transparent())


@pytest.mark.parametrize("file_format", ["JPEG", "BMP", "GIF"])
def test_transparency_is_composited_on_white_if_the_format_has_no_alpha(file_format: str) -> None:
    picture = images.decode_picture(encode(see_through(), "PNG"))
    again = images.decode_picture(images.encode(picture, file_format, quality=100))
    assert again.alpha is None
    assert again.pixels[4, 5].min() >= 252
    # An opacity of 51 / 255 is a fifth: 255 - (255 - red) / 5.
    assert np.abs(again.pixels[12, 5].astype(int) - [244, 210, 212]).max() <= 4
    assert np.abs(again.pixels[18, 5].astype(int) - RED).max() <= 4


def test_decode_composites_transparency_on_white() -> None:
    pixels = images.decode(encode(see_through(), "PNG"))
    np.testing.assert_array_equal(pixels[4, 5], [255, 255, 255])
    np.testing.assert_array_equal(pixels[12, 5], [244, 210, 212])
    np.testing.assert_array_equal(pixels[18, 5], RED)


def test_transparent_colors_of_a_palette_are_recognized() -> None:
    palette = RGB.quantize(4)
    red = palette.getpixel((0, 0))
    for data in (
        encode(palette, "PNG", transparency=red),
        encode(palette, "PNG", transparency=bytes(0 if i == red else 255 for i in range(4))),
        encode(palette, "GIF", transparency=red),
        encode(RGB, "PNG", transparency=RED),
    ):
        alpha = images.decode_picture(data).alpha
        assert alpha is not None
        assert (alpha[:, :15] == 0).all()
        assert (alpha[:, 15:] == 255).all()


def tiff_that_begins_at_a_fraction() -> bytes:
    """A TIFF whose pixel offset is a fraction, so that Pillow raises a TypeError."""
    data = bytearray(encode(RGB, "TIFF"))
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, entry) == (273,):
            struct.pack_into("<HHIf", data, entry, 273, 11, 1, 1e9)
    return bytes(data)


DAMAGED: dict[str, tuple[bytes, str]] = {
    "truncated jpeg": (KINDS["jpeg"]()[:-200], "the image is damaged ("),
    "truncated png": (KINDS["png"]()[:-40], "the image is damaged ("),
    "truncated webp": (KINDS["webp"]()[:-10], ""),
    "misleading tiff": (tiff_that_begins_at_a_fraction(), "the image is damaged ("),
    "text": (b"this is no photo\n" * 10, "not an image that can be read; use JPEG, PNG, WebP"),
    "empty": (b"", "not an image that can be read; use JPEG, PNG, WebP"),
    "web page": (b"<!doctype html><html></html>", "not an image that can be read"),
    "header only": (KINDS["png"]()[:30], ""),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_file_raises_a_one_line_error_with_its_name(kind: str, tmp_path: Path) -> None:
    data, complaint = DAMAGED[kind]
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(errors.UserError) as caught:
        images.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: {complaint}")
    assert "\n" not in message


def test_no_damage_raises_anything_but_a_user_error() -> None:
    random = np.random.default_rng(0)
    for kind in ("jpeg", "gif", "bmp", "webp"):
        whole = np.frombuffer(KINDS[kind](), np.uint8)
        for _ in range(40):
            data = whole.copy()
            data[random.integers(0, min(len(data), 400), 3)] = random.integers(0, 256, 3)
            try:
                picture = images.decode_picture(data.tobytes())
            except errors.UserError:
                continue
            assert picture.pixels.shape[2] == 3


def test_a_missing_file_raises_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(errors.UserError, match=r"nothing\.jpg: no such file$"):
        images.read(tmp_path / "nothing.jpg")
    with pytest.raises(errors.UserError, match="cannot be read"):
        images.read_picture(tmp_path)


def test_reading_returns_floats_at_the_given_size(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    RGB.save(path)
    image = images.read(path)
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, colors())
    small = images.read(path, 10)
    assert small.shape == (10, 15, 3)
    assert small.dtype == np.float32
    assert small.min() >= 0
    assert small.max() <= 255


@pytest.mark.parametrize("extension", sorted(formats.WRITTEN))
def test_every_extension_is_written_in_its_format(extension: str, tmp_path: Path) -> None:
    path = tmp_path / "made" / "on the way" / f"picture{extension.upper()}"
    images.write(path, colors())
    with Image.open(path) as image:
        assert image.format == formats.WRITTEN[extension]
        assert image.size == (30, 20)
    assert os.listdir(path.parent) == [path.name]


def test_higher_quality_gives_larger_files() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    for file_format in ("JPEG", "WEBP"):
        sizes = [len(images.encode(images.Picture(noise), file_format, q)) for q in (30, 92)]
        assert sizes[0] < 0.7 * sizes[1]


def test_thin_colored_strokes_keep_their_color_in_jpeg() -> None:
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2], stripes[:, 1::2] = (255, 0, 0), (0, 0, 255)
    again = images.decode(images.encode(images.Picture(stripes), "JPEG"))
    assert np.abs(again.astype(int) - stripes).mean() < 10


def test_an_extension_of_another_file_type_raises_an_error(tmp_path: Path) -> None:
    with pytest.raises(errors.UserError, match=r"x\.pdf: cannot write \.pdf; use one of"):
        images.write(tmp_path / "x.pdf", colors())
    with pytest.raises(errors.UserError, match="cannot write a name without extension"):
        images.write(tmp_path / "x", colors())
    assert not list(tmp_path.iterdir())


def test_a_picture_too_large_for_the_format_raises_a_user_error(tmp_path: Path) -> None:
    wide = np.zeros((1, 16_384, 3), np.uint8)
    with pytest.raises(
        errors.UserError, match=r"x\.webp: 16384 x 1 pixels cannot be written as WEBP"
    ):
        images.write(tmp_path / "x.webp", wide)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_raises_a_user_error_and_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "folder.png").mkdir()
    for path in (tmp_path / "file" / "x.png", tmp_path / "folder.png"):
        with pytest.raises(errors.UserError, match=f"{path.name}: cannot be written"):
            images.write(path, colors())
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.png"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root can write anywhere"
)
def test_a_folder_without_write_permission_raises_a_user_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(errors.UserError, match="cannot be written"):
        images.write(tmp_path / "x.png", colors())


def test_floats_are_rounded_to_the_nearest_level_and_clipped() -> None:
    values = np.array([-3.0, -0.4, 0.4, 0.6, 1.5, 2.5, 127.49, 254.6, 255.4, 300.0], np.float32)
    found = images.to_uint8(values)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, [0, 0, 0, 1, 2, 2, 127, 255, 255, 255])


@pytest.mark.parametrize(
    ("height", "width", "size", "expected"),
    [
        (20, 30, 10, (10, 15)),
        (30, 20, 10, (15, 10)),
        (20, 30, 40, (40, 60)),
        (20, 20, 7, (7, 7)),
        (480, 640, 256, (256, 341)),  # 341.33
        (3, 500, 1, (1, 167)),  # 166.67
        (500, 3, 3, (500, 3)),
    ],
)
def test_the_shorter_side_is_scaled_and_the_aspect_ratio_kept(
    height: int, width: int, size: int, expected: tuple[int, int]
) -> None:
    pixels = np.full((height, width, 3), 77, np.uint8)
    scaled = images.resize_shorter_side(pixels, size)
    assert scaled.shape == (*expected, 3)
    assert (scaled == 77).all()


def test_resize_takes_height_and_width_and_accepts_masks() -> None:
    assert images.resize(colors(), 4, 9).shape == (4, 9, 3)
    assert images.resize(transparent(), 4, 9).shape == (4, 9)


def test_noise_is_uniform_and_reproducible() -> None:
    noise = images.noise(50, 60, seed=3)
    assert noise.shape == (50, 60, 3) and noise.dtype == np.float32
    assert noise.min() >= 0 and noise.max() <= 255
    assert abs(noise.mean() - 127.5) < 3 and abs(noise.std() - 255 / 12**0.5) < 2
    np.testing.assert_array_equal(noise, images.noise(50, 60, seed=3))
    assert not np.array_equal(noise, images.noise(50, 60, seed=4))


def test_a_square_is_the_middle_of_a_picture_scaled_with_other_channels() -> None:
    ramp = np.repeat(np.arange(20, dtype=np.uint8)[np.newaxis, :, np.newaxis] * 10, 8, axis=0)
    # Columns 6 to 13 of 20, as they are.
    found = images.square(ramp, 8, 1)
    assert found[0, :, 0].tolist() == [60, 70, 80, 90, 100, 110, 120, 130]
    assert images.square(found, 8, 1) is found
    colored = images.square(found, 8, 3)
    assert colored.shape == (8, 8, 3)
    np.testing.assert_array_equal(images.square(colored, 8, 1), found)
    assert images.square(ramp, 4, 3)[0, :, 1].tolist() == pytest.approx([65, 85, 105, 125], abs=3)


def test_a_long_thin_picture_stays_small() -> None:
    assert images.square(np.zeros((1, 100_000, 3), np.uint8), 64, 3).shape == (64, 64, 3)
