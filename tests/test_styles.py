"""The programs that paint the original style images."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tools.styles import __main__ as styles
from tools.styles import brush

SIZE = 96


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    return {name: paint(SIZE) for name, paint in styles.PAINTERS.items()}


@pytest.mark.parametrize("name", styles.PAINTERS)
def test_a_painter_returns_rgb_of_the_requested_size(name, pictures):
    picture = pictures[name]
    assert picture.dtype == np.uint8
    assert picture.shape[0] == SIZE
    assert picture.shape[1] >= SIZE
    assert picture.shape[2] == 3


@pytest.mark.parametrize("name", styles.PAINTERS)
def test_the_same_seed_paints_the_same_picture(name, pictures):
    np.testing.assert_array_equal(styles.PAINTERS[name](SIZE), pictures[name])


@pytest.mark.parametrize("name", styles.PAINTERS)
def test_another_seed_paints_another_picture(name, pictures):
    other = styles.PAINTERS[name](SIZE, seed=12345)
    assert np.abs(other.astype(int) - pictures[name]).mean() > 10


@pytest.mark.parametrize("name", styles.PAINTERS)
def test_a_picture_has_detail_and_a_wide_range_of_tones(name, pictures):
    gray = pictures[name].astype(float).mean(axis=2)[:SIZE, :SIZE]
    blocks = gray.reshape(4, SIZE // 4, 4, SIZE // 4).std(axis=(1, 3))
    assert np.median(blocks) > 10
    assert np.ptp(np.percentile(gray, [2, 98])) > 100


@pytest.mark.parametrize("name", ["candy", "feathers"])
def test_candy_and_feathers_are_saturated_with_many_hues(name, pictures):
    hue, saturation, _ = np.moveaxis(
        np.asarray(Image.fromarray(pictures[name]).convert("HSV")), 2, 0
    )
    assert saturation.mean() > 120
    vivid = np.histogram(hue[saturation > 120], bins=12, range=(0, 256))[0]
    assert (vivid > 0.01 * hue.size).sum() >= 6


def test_the_command_writes_a_jpeg_and_prints_its_path(tmp_path, capsys):
    path = tmp_path / "new" / "candy.jpg"
    assert styles.main(["candy", "-o", str(path), "--size", "64"]) == 0
    assert capsys.readouterr().out.startswith(f"{path} 64x64")
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("JPEG", (64, 64))
    assert list(path.parent.iterdir()) == [path]


def test_the_command_rejects_a_size_that_is_too_small(capsys):
    with pytest.raises(SystemExit, match="2"):
        styles.main(["candy", "--size", "8"])
    assert "64 or more" in capsys.readouterr().err


def test_saving_lowers_the_quality_until_the_file_fits(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    path = tmp_path / "noise.jpg"
    assert brush.save(picture, path) == 92
    whole = path.stat().st_size
    assert brush.save(picture, path, limit=whole - 1) < 92
    assert path.stat().st_size < whole
