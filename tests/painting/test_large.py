"""Stylizing files through pyvips, at a small size, against stylizing them in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from fastnst import errors, images
from fastnst.models import stylizer
from fastnst.nets import passes
from fastnst.painting import large, photos

pyvips = pytest.importorskip("pyvips")

DESCRIPTION, ORIENTATION = 0x010E, 0x0112
Photo = Callable[..., np.ndarray]


@pytest.fixture
def model(gallery: Path, monkeypatch: pytest.MonkeyPatch) -> stylizer.Stylizer:
    """A model that paints even small photos in tiles."""
    monkeypatch.setattr(passes, "WHOLE_MEMORY", 0)
    return stylizer.load(gallery, "float32", style="candy")


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


def test_only_photos_that_pillow_or_memory_refuse_are_large(
    model: stylizer.Stylizer, tmp_path: Path, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(photo(80, 120)).save(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    assert large.shape_of(tmp_path / "a.png") == (80, 120)
    assert not large.is_large(model, tmp_path / "a.png")
    assert not large.is_large(model, tmp_path / "broken.png")
    monkeypatch.setattr(large, "PILLOW_PIXELS", 80 * 120 - 1)
    assert large.is_large(model, tmp_path / "a.png")
    job = photos.Job(tmp_path / "a.png", tmp_path / "b.tif")
    broken = photos.Job(tmp_path / "broken.png", tmp_path / "c.tif")
    outcomes = list(photos.paint(model, [job, broken]))
    assert {outcome.job: outcome.error is None for outcome in outcomes} == {
        job: True,
        broken: False,
    }
    with Image.open(tmp_path / "b.tif") as written:
        assert written.format == "TIFF" and written.size == (120, 80)


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
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    with pytest.raises(errors.UserError, match=r"cut\.jpg: the image is damaged \("):
        large.paint(model, tmp_path / "cut.jpg", out / "b.tif")
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
    monkeypatch.setitem(sys.modules, "pyvips", None)
    with pytest.raises(
        errors.UserError, match=r"a\.png: too large .*pip install 'fastnst\[large\]"
    ):
        large.paint(model, source, tmp_path / "b.tif")
