"""Stylizing files through pyvips, at a small size, against stylizing them in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from fastnst import errors, images
from fastnst.models import loading, stylizer, work
from fastnst.nets import sweeps
from fastnst.painting import jobs, large, photos

pyvips = pytest.importorskip("pyvips")

DESCRIPTION, ORIENTATION = 0x010E, 0x0112
NEGATIVE = stylizer.Stylizer(lambda photos, style, strength: 255.0 - photos, "negative")
Photo = Callable[..., np.ndarray]


@pytest.fixture
def model(gallery: Path, monkeypatch: pytest.MonkeyPatch) -> stylizer.Stylizer:
    """A model that paints even small photos in tiles."""
    monkeypatch.setattr(sweeps, "WHOLE_MEMORY", 0)
    return loading.load(gallery, "float32", style="candy")


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_a_streamed_photo_is_stylized_as_one_in_memory_and_keeps_its_metadata(
    model: stylizer.Stylizer, tmp_path: Path, photo: Photo, suffix: str
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[ORIENTATION], exif[DESCRIPTION] = 6, "a koala"
    source, target = tmp_path / "a.jpg", tmp_path / "out" / f"b{suffix}"
    # Higher than one strip of the temporary file.
    Image.fromarray(photo(70, 93)).save(source, exif=exif, icc_profile=profile)
    large.paint(model, source, target)
    found, given = images.read_picture(target), images.read_picture(source)
    assert found.pixels.shape == (93, 70, 3)
    assert np.abs(found.pixels.astype(int) - model(given.pixels)).max() <= 1
    assert found.icc_profile == profile
    with Image.open(target) as written:
        assert written.getexif().get(ORIENTATION, 1) == 1
        assert written.getexif().get(DESCRIPTION) == (None if suffix == ".tif" else "a koala")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [target.name]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_a_streamed_photo_keeps_profile_and_resolution_as_one_in_memory_does(
    tmp_path: Path,
    photo: Photo,
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    # The rows of the file are columns of the picture.
    exif[ExifTags.Base.Orientation] = 6
    told = {"dpi": (300, 150), "icc_profile": profile, "exif": exif}
    Image.fromarray(photo(40, 44)).save(tmp_path / "a.jpg", **told)
    whole, streamed = (
        jobs.Job(tmp_path / "a.jpg", tmp_path / f"{name}{suffix}") for name in ("b", "c")
    )
    assert all(not outcome.error for outcome in photos.paint(NEGATIVE, [whole]))
    monkeypatch.setattr(large, "is_large", lambda *anything: True)
    assert all(not outcome.error for outcome in photos.paint(NEGATIVE, [streamed]))
    found = [images.read_picture(job.stylized) for job in (whole, streamed)]
    assert [picture.icc_profile for picture in found] == [profile] * 2
    # libvips writes that of a JPEG file as Exif, of which Pillow reads the one across.
    at_most = 1 if suffix == ".jpg" else 2
    assert [np.round(picture.dpi[:at_most]).tolist() for picture in found] == [
        [150, 300][:at_most]
    ] * 2


def test_a_resolution_that_is_unknown_or_stripped_is_none_or_that_of_exif(
    tmp_path: Path, photo: Photo
) -> None:
    exif = Image.Exif()
    exif[DESCRIPTION] = "a koala"
    Image.fromarray(photo(40, 44)).save(tmp_path / "a.jpg", dpi=(300, 300), exif=exif)
    Image.fromarray(photo(40, 44)).save(tmp_path / "b.jpg")
    for name, metadata, suffix, expected in (
        ("a.jpg", False, ".jpg", None),
        ("b.jpg", True, ".tif", (72, 72)),
    ):
        target = tmp_path / f"c{suffix}"
        large.paint(NEGATIVE, tmp_path / name, target, metadata=metadata)
        found = images.read_picture(target)
        assert (found.dpi and tuple(np.round(found.dpi))) == expected
        # A TIFF file tells the resolution in the same tags as Exif.
        assert suffix == ".tif" or found.exif is None


def test_a_profile_of_gray_is_not_kept_with_pixels_in_rgb(tmp_path: Path, photo: Photo) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    of_gray = profile[:16] + b"GRAY" + profile[20:]
    Image.fromarray(photo(40, 44)).save(tmp_path / "a.jpg", icc_profile=of_gray)
    large.paint(NEGATIVE, tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert images.read_picture(tmp_path / "b.jpg").icc_profile is None
    with Image.open(tmp_path / "b.jpg") as written:
        assert not written.info.get("icc_profile")


def test_transparency_is_kept_where_the_format_has_it_and_white_elsewhere(
    model: stylizer.Stylizer, tmp_path: Path, photo: Photo
) -> None:
    alpha = np.zeros((40, 52), np.uint8)
    alpha[:, :26] = 255
    pixels = photo(40, 52)
    source = tmp_path / "a.png"
    Image.fromarray(np.dstack([pixels, alpha])).save(source)
    for name in ("b.tif", "b.png", "b.webp", "b.jpg"):
        large.paint(model, source, tmp_path / name)
        found = images.read_picture(tmp_path / name)
        if name == "b.jpg":
            assert found.alpha is None and found.pixels[:, 36:].min() > 240
        else:
            np.testing.assert_array_equal(found.alpha, alpha)
    lossless = images.read_picture(tmp_path / "b.tif")
    assert np.abs(lossless.pixels.astype(int) - model(pixels)).max() <= 1


def test_grayscale_and_size_work_too(
    model: stylizer.Stylizer, tmp_path: Path, photo: Photo
) -> None:
    Image.fromarray(photo(80, 120)[..., 0]).save(tmp_path / "a.jpg")
    large.paint(model, tmp_path / "a.jpg", tmp_path / "b.png", size=40)
    assert images.read(tmp_path / "b.png").shape == (40, 60, 3)


def test_only_photos_that_memory_refuses_are_large(
    model: stylizer.Stylizer, tmp_path: Path, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(photo(80, 120)).save(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    assert not large.is_large(model, tmp_path / "a.png")
    with pytest.raises(errors.UserError, match=r"broken\.png: not an image"):
        large.is_large(model, tmp_path / "broken.png")
    Image.new("1", (2000, 2200)).save(tmp_path / "b.png")
    for memory, size, expected in ((1e9, None, False), (1e8, None, True), (1e8, 500, False)):
        monkeypatch.setattr(work.Tiles, "memory_left", lambda self, memory=memory: memory)
        assert large.is_large(model, tmp_path / "b.png", size) == expected


@pytest.mark.slow
def test_a_large_photo_is_stylized_in_every_style_beside_a_broken_one(
    model: stylizer.Stylizer, tmp_path: Path, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(photo(80, 120)).save(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    monkeypatch.setattr(large, "is_large", lambda model, path, *more: path.name == "a.png")
    planned = [
        jobs.Job(tmp_path / f"{name}.png", tmp_path / f"{name}-{style}.tif", style)
        for name in ("a", "broken")
        for style in ("candy", "ink")
    ]
    outcomes = list(photos.paint(model, planned, batch=4))
    assert [outcome.job for outcome in outcomes] == planned
    assert [outcome.error is None for outcome in outcomes] == [True, True, False, False]
    pictures = [images.read(job.stylized) for job in planned[:2]]
    assert pictures[0].shape == (80, 120, 3)
    assert np.abs(pictures[0] - pictures[1]).mean() > 3


def test_a_photo_of_16_bits_keeps_its_profile(model: stylizer.Stylizer, tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    wide = pyvips.Image.new_from_array(np.full((40, 50, 3), 30_000, np.uint16))
    wide = wide.copy(interpretation="rgb16")
    wide.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    wide.write_to_file(str(tmp_path / "a.tif"))
    large.paint(model, tmp_path / "a.tif", tmp_path / "b.tif")
    assert images.read_picture(tmp_path / "b.tif").icc_profile == profile


def test_an_interrupted_or_failed_photo_leaves_no_file(
    model: stylizer.Stylizer, tmp_path: Path, photo: Photo
) -> None:
    Image.fromarray(photo(60, 60)).save(tmp_path / "a.png")
    out = tmp_path / "out"

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        large.paint(model, tmp_path / "a.png", out / "b.tif", progress=interrupt)
    assert not list(out.iterdir())
    # libvips reads no BMP.
    Image.fromarray(photo(60, 60)).save(tmp_path / "c.bmp")
    with pytest.raises(errors.UserError, match=r"c\.bmp: so large a photo is read by pyvips"):
        large.paint(model, tmp_path / "c.bmp", out / "b.tif")
    assert not list(out.iterdir())


def test_what_cannot_be_written_is_one_clear_line(
    model: stylizer.Stylizer, tmp_path: Path, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.png"
    Image.fromarray(photo(60, 61)).save(source)
    with pytest.raises(errors.UserError, match=r"b\.bmp: so large a picture cannot be written as"):
        large.paint(model, source, tmp_path / "b.bmp")
    monkeypatch.setitem(large._LONGEST, "JPEG", 60)
    with pytest.raises(errors.UserError, match=r"b\.jpg: 61 x 60 pixels are too large for JPEG"):
        large.paint(model, source, tmp_path / "b.jpg")
    monkeypatch.setattr(large, "_FILES_PER_PIXEL", 10**15)
    with pytest.raises(errors.UserError, match=r"b\.tif: 61 x 60 pixels need .* are free; write"):
        large.paint(model, source, tmp_path / "b.tif")
    monkeypatch.setitem(sys.modules, "pyvips", None)
    with pytest.raises(
        errors.UserError, match=r"a\.png: too large .*pip install 'fastnst\[large\]"
    ):
        large.paint(model, source, tmp_path / "b.tif")
