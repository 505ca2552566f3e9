"""Stylizing files, mostly with a model that makes negatives, so that each pixel is known."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image, ImageCms

from fastnst import controls, errors, images
from fastnst.models import loading, stylizer
from fastnst.painting import jobs as jobs_module
from fastnst.painting import photos

NEGATIVE = stylizer.Stylizer(lambda photos, style, strength: 255.0 - photos, "negative")
Photo = Callable[..., np.ndarray]


def paint_one(photo: Path, target: Path, model: Any = NEGATIVE, **options: Any) -> Image.Image:
    """Stylizes a photo into a file and opens that."""
    (outcome,) = photos.paint(model, [jobs_module.Job(photo, target)], **options)
    assert outcome.error is None
    return Image.open(io.BytesIO(target.read_bytes()))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_stylized_photo_has_exactly_the_size_of_its_photo(tmp_path: Path, photo: Photo) -> None:
    for height, width in ((17, 31), (33, 16), (101, 64)):
        path = tmp_path / f"{height}.png"
        Image.fromarray(photo(height, width)).save(path)
        stylized = paint_one(path, tmp_path / "out" / path.name)
        np.testing.assert_array_equal(np.asarray(stylized), 255 - photo(height, width))


def test_a_rotated_photo_is_stylized_upright_and_loses_its_orientation_tag(
    tmp_path: Path, photo: Photo
) -> None:
    upright = photo(40, 24)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    exif[0x010F] = "A camera"
    path = tmp_path / "turned.png"
    Image.fromarray(np.rot90(upright)).save(path, exif=exif)
    stylized = paint_one(path, tmp_path / "stylized.png")
    np.testing.assert_array_equal(np.asarray(stylized), 255 - upright)
    assert 0x0112 not in stylized.getexif()
    assert stylized.getexif()[0x010F] == "A camera"


def test_color_profile_and_transparency_are_kept(tmp_path: Path, photo: Photo) -> None:
    alpha = np.arange(20 * 30).reshape(20, 30, 1) % 256
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = tmp_path / "a.png"
    pixels = np.concatenate([photo(20, 30), alpha.astype(np.uint8)], axis=2)
    Image.fromarray(pixels).save(path, icc_profile=profile)
    stylized = paint_one(path, tmp_path / "stylized.png")
    assert stylized.mode == "RGBA" and stylized.info["icc_profile"] == profile
    np.testing.assert_array_equal(np.asarray(stylized)[..., 3:], alpha)
    np.testing.assert_array_equal(np.asarray(stylized)[..., :3], 255 - photo(20, 30))
    as_jpeg = paint_one(path, tmp_path / "stylized.jpg")
    assert as_jpeg.mode == "RGB" and as_jpeg.info["icc_profile"] == profile


def test_size_scales_the_shorter_side_and_alpha_with_it(tmp_path: Path, photo: Photo) -> None:
    path = tmp_path / "a.png"
    pixels = np.dstack([photo(60, 90), np.full((60, 90), 77, np.uint8)])
    Image.fromarray(pixels).save(path)
    stylized = paint_one(path, tmp_path / "b.png", size=20)
    assert stylized.size == (30, 20) and stylized.mode == "RGBA"
    assert np.unique(np.asarray(stylized)[..., 3]).tolist() == [77]


def test_higher_quality_gives_larger_files(tmp_path: Path, photo: Photo) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(photo(64, 64)).save(path)
    sizes = []
    for quality in (20, 92, 100):
        paint_one(path, tmp_path / "b.jpg", quality=quality)
        sizes.append((tmp_path / "b.jpg").stat().st_size)
    assert sizes == sorted(sizes) and sizes[0] < sizes[1] < sizes[2]


def test_photos_that_cannot_be_stylized_are_reported_and_the_others_are_written(
    tmp_path: Path, photo: Photo
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(photo(20, 30)).save(folder / "a.png")
    (folder / "b.png").write_bytes(b"no picture")
    Image.fromarray(photo(15, 30)).save(folder / "c.png")
    Image.fromarray(photo(32, 32)).convert("L").save(folder / "d.jpg")
    Image.fromarray(photo(32, 32)).convert("CMYK").save(folder / "e.jpg")
    jobs = jobs_module.plan([folder], tmp_path / "out", "negative")
    outcomes = {
        outcome.job.photo.name: str(outcome.error or "")
        for outcome in photos.paint(NEGATIVE, jobs, batch=2)
    }
    assert list(outcomes) == ["a.png", "b.png", "c.png", "d.jpg", "e.jpg"]
    assert outcomes["b.png"].startswith(f"{folder / 'b.png'}: not an image")
    assert outcomes["c.png"].startswith(f"{folder / 'c.png'}: 30 x 15 pixels is too small")
    assert not (outcomes["a.png"] or outcomes["d.jpg"] or outcomes["e.jpg"])
    written = {path.name: images.read(path).shape for path in (tmp_path / "out").iterdir()}
    assert written == {"a.png": (20, 30, 3), "d.jpg": (32, 32, 3), "e.jpg": (32, 32, 3)}


@pytest.mark.parametrize("batch", [1, 4])
def test_a_photo_or_a_batch_that_memory_refuses_does_not_end_the_folder(
    tmp_path: Path, photo: Photo, batch: int
) -> None:
    def paint(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        if len(photos) > 1 or photos.shape[1] == 30:
            np.empty(2**60, np.uint8)  # More than any machine has.
        return photos

    for index, size in enumerate([(20, 30), (20, 30), (30, 20), (20, 30)]):
        Image.fromarray(photo(*size, index)).save(tmp_path / f"{index}.png")
    jobs = jobs_module.plan([tmp_path], tmp_path / "out", "x")
    outcomes = list(photos.paint(stylizer.Stylizer(paint, "x"), jobs, batch=batch))
    assert [outcome.error is None for outcome in outcomes] == [True, True, False, True]
    refused = str(outcomes[2].error)
    assert refused.startswith(f"{tmp_path / '2.png'}: 20 x 30 pixels: not enough memory")
    assert "\n" not in refused
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"0.png", "1.png", "3.png"}


def test_a_stylized_photo_that_cannot_be_written_is_reported(tmp_path: Path, photo: Photo) -> None:
    Image.fromarray(photo(20, 30)).save(tmp_path / "a.png")
    (tmp_path / "file").touch()
    job = jobs_module.Job(tmp_path / "a.png", tmp_path / "file" / "a.png")
    (outcome,) = photos.paint(NEGATIVE, [job])
    assert "file/a.png: cannot be written" in str(outcome.error)


def test_consecutive_photos_of_one_size_are_stylized_in_batches(
    tmp_path: Path, photo: Photo
) -> None:
    batches: list[tuple[int, ...]] = []

    def paint(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        batches.append(tuple(photos.shape[:3]))
        return photos

    sizes = [(20, 30), (20, 30), (20, 30), (30, 20), (20, 30)]
    for index, size in enumerate(sizes):
        Image.fromarray(photo(*size, index)).save(tmp_path / f"{index}.png")
    jobs = jobs_module.plan([tmp_path], tmp_path / "out", "x")
    model = stylizer.Stylizer(paint, "x")
    outcomes = list(photos.paint(model, jobs, batch=2))
    assert [outcome.error for outcome in outcomes] == [None] * 5
    assert batches == [(2, 20, 30), (1, 20, 30), (1, 30, 20), (1, 20, 30)]
    for index, size in enumerate(sizes):
        stylized = images.read(tmp_path / "out" / f"{index}.png")
        np.testing.assert_array_equal(stylized, photo(*size, index))


def test_a_batch_is_stylized_like_its_photos_one_by_one(
    tmp_path: Path, tiny_run: Path, photo: Photo
) -> None:
    for index in range(3):
        Image.fromarray(photo(25, 39, index)).save(tmp_path / f"{index}.png")
    # One by one, norms are computed by another operation, which rounds otherwise.
    model = loading.load(tiny_run, "float32")
    for batch in (1, 3):
        jobs = [
            jobs_module.Job(tmp_path / name, tmp_path / str(batch) / name)
            for name in ("0.png", "1.png", "2.png")
        ]
        assert not any(outcome.error for outcome in photos.paint(model, jobs, batch=batch))
    for index in range(3):
        one, three = (images.read(tmp_path / batch / f"{index}.png") for batch in ("1", "3"))
        assert np.abs(one - three).max() <= 1
        assert one.std() > 5


def test_encoded_photos_are_returned_as_jpeg_if_they_are_jpeg_else_as_png(photo: Photo) -> None:
    def encoded(file_format: str) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(photo(20, 30)).save(buffer, file_format)
        return buffer.getvalue()

    for given, returned in (("JPEG", "JPEG"), ("PNG", "PNG"), ("BMP", "PNG"), ("GIF", "PNG")):
        stylized = photos.paint_bytes(NEGATIVE, encoded(given))
        with Image.open(io.BytesIO(stylized)) as image:
            assert (image.format, image.size) == (returned, (30, 20))
    stylized = photos.paint_bytes(NEGATIVE, encoded("PNG"), file_format="WEBP", size=40)
    with Image.open(io.BytesIO(stylized)) as image:
        assert (image.format, image.size) == ("WEBP", (60, 40))


def test_a_position_in_an_encoded_photo_is_said(photo: Photo) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    buffer = io.BytesIO()
    Image.fromarray(photo(20, 30)).save(buffer, "JPEG", exif=exif)
    said: list[str] = []
    for metadata in (True, False):
        photos.paint_bytes(NEGATIVE, buffer.getvalue(), "a.jpg", metadata=metadata, say=said.append)
    assert said == ["a.jpg: the picture says where the photo was taken (GPS in Exif)"]


def test_an_error_names_encoded_photos_that_cannot_be_stylized(photo: Photo) -> None:
    with pytest.raises(errors.UserError, match=r"^standard input: not an image"):
        photos.paint_bytes(NEGATIVE, b"no picture", "standard input")
    buffer = io.BytesIO()
    Image.fromarray(photo(10, 30)).save(buffer, "PNG")
    with pytest.raises(errors.UserError, match=r"^a\.png: 30 x 10 pixels is too small"):
        photos.paint_bytes(NEGATIVE, buffer.getvalue(), "a.png")


def brighten(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
    """Adds 10 for style a, 20 for style b and 40 for no style, times the strength."""
    added = {"a": 10.0, "b": 20.0, None: 40.0}[style]
    return photos + added * (1.0 if strength is None else strength)


def test_each_job_is_stylized_in_its_style(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.fromarray(np.full((20, 30, 3), 100, np.uint8)).save(path)
    model = stylizer.Stylizer(brighten, "bright", ("a", "b"), controls.Controls(strength=0.5))
    jobs = [
        jobs_module.Job(path, tmp_path / f"{index}.png", style)
        for index, style in enumerate(("a", "a", "b", "a", None))
    ]
    # Photos of one size, but of different styles, cannot be stylized at once.
    assert not any(outcome.error for outcome in photos.paint(model, jobs, batch=4))
    values = [images.read(job.stylized).mean() for job in jobs]
    assert values == [105, 105, 110, 105, 120]


def test_a_batch_is_of_one_style(tmp_path: Path) -> None:
    batches: list[tuple[int, str | None]] = []

    def paint(photos: tf.Tensor, style: str | None, strength: float | None) -> tf.Tensor:
        batches.append((len(photos), style))
        return photos

    path = tmp_path / "x.png"
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(path)
    styles = ("a", "a", "a", "b", "b")
    jobs = [jobs_module.Job(path, tmp_path / f"{i}.png", style) for i, style in enumerate(styles)]
    assert len(list(photos.paint(stylizer.Stylizer(paint, "x"), jobs, batch=2))) == 5
    assert batches == [(2, "a"), (1, "a"), (2, "b")]


def test_an_unknown_style_is_reported_for_each_photo(
    tmp_path: Path, gallery: Path, photo: Photo
) -> None:
    Image.fromarray(photo(20, 30)).save(tmp_path / "x.png")
    jobs = [
        jobs_module.Job(tmp_path / "x.png", tmp_path / f"{style}.png", style)
        for style in ("ink", "cubist")
    ]
    good, bad = photos.paint(loading.load(gallery), jobs)
    assert good.error is None and (tmp_path / "ink.png").exists()
    assert str(bad.error).startswith(f"{tmp_path / 'x.png'}: no style cubist")
