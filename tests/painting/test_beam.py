"""Photos that are stylized by an Apache Beam pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

pytest.importorskip("apache_beam", reason='pip install "fastnst[beam]"')
# Beam's own code warns.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

from fastnst import data, errors, images  # noqa: E402
from fastnst.cli import stylize_records  # noqa: E402
from fastnst.data import writer  # noqa: E402
from fastnst.models import loading  # noqa: E402
from fastnst.painting import beam as painting  # noqa: E402

GOOD = 39


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, photo: Callable[..., np.ndarray]) -> Path:
    """Forty photos in two folders, one of which is none."""
    folder = tmp_path_factory.mktemp("many")
    for seed in range(GOOD):
        # The same name in both folders, once as JPEG and once as WebP.
        extension, inner = (".jpg", "a") if seed % 2 else (".webp", "b")
        path = folder / "in" / inner / f"{seed // 2}{extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(20 + seed % 3, 24, seed)).save(path)
    (folder / "in" / "a" / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    return folder


def test_photos_are_stylized_and_a_bad_one_is_counted_and_named(
    folder: Path, gallery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "files"
    options = ["--model", str(gallery), "--images", f"{folder}/in/**", "-o", str(out)]
    assert stylize_records.main(options) == 0
    printed, told = capsys.readouterr()
    assert printed == f"{out}: 39 photos stylized; 1 skipped\n"
    assert [line for line in told.splitlines() if "broken.jpg: " in line]
    assert painting.skipped(str(out)) == [
        line for line in told.splitlines() if line.startswith("a/broken.jpg: ")
    ]
    written = sorted(str(path.relative_to(out)) for path in out.rglob("*.[jp]*g"))
    assert len(written) == GOOD and {"a/3.jpg", "b/3.webp.png"} <= set(written)
    one = folder / "in" / "b" / "3.webp"
    expected = loading.load(str(gallery))(images.read_picture(one).pixels)
    np.testing.assert_array_equal(images.read_picture(out / "b" / "3.webp.png").pixels, expected)


def test_records_become_records_that_can_be_read_again(
    folder: Path, gallery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer.write(folder / "in", folder / "records", shards=3)
    out = folder / "stylized"
    pattern = f"{folder}/records/*.tfrecord"
    options = ["--model", str(gallery), "--records", pattern, "-o", str(out), "--to", "records"]
    assert stylize_records.main([*options, "--size", "32"]) == 0
    # `fastnst records` has left out the one that is none.
    assert capsys.readouterr().out == f"{out}: 39 photos stylized; 0 skipped\n"
    source = data.open_photos(f"{out}/*.tfrecord")
    assert source.count == GOOD
    found = data.names(source, range(GOOD), seed=0, shuffle=False)
    assert {"a/3.jpg", "b/3.webp"} <= set(found.values())


def test_nothing_is_written_outside_of_the_output_whatever_records_are_named(
    tmp_path: Path, gallery: Path, photo: Callable[..., np.ndarray]
) -> None:
    encoded = images.encode(images.Picture(photo(20, 24)), "JPEG")
    names = ("../../up.jpg", "/root.jpg", "a/./b.jpg", "x" * 300, "..", "", "nul\0.jpg")
    with tf.io.TFRecordWriter(str(tmp_path / "photos.tfrecord")) as records:
        for name in names:
            records.write(writer.record(name, encoded))
    out = tmp_path / "one" / "out"
    pattern = str(tmp_path / "*.tfrecord")
    options = ["--model", str(gallery), "--records", pattern, "-o", str(out)]
    assert stylize_records.main(options) == 0
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.jpg"))
    assert written == ["one/out/a/b.jpg", "one/out/root.jpg", "one/out/up.jpg"]
    assert len(painting.skipped(str(out))) == 4


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/b.jpg", ["a", "b.jpg"]),
        ("../../b.jpg", ["b.jpg"]),
        ("/a/.././/b.jpg", ["a", "b.jpg"]),
        ("a/...jpg", ["a", "...jpg"]),
        ("x" * 250, ["x" * 250]),
        ("x" * 251, "too long"),
        ("é" * 126, "too long"),
        ("x/" * 2001, "too long"),
        ("", "is no name of a file"),
        ("/..", "is no name of a file"),
        ("a\0.jpg", "null byte"),
    ],
)
def test_names_of_records_stay_below_the_output(name: str, expected: list[str] | str) -> None:
    if isinstance(expected, list):
        assert painting.place(name) == expected
        return
    with pytest.raises(errors.UserError, match=expected):
        painting.place(name)


def test_nothing_to_stylize_is_an_error(
    tmp_path: Path, gallery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", str(gallery), "-o", str(tmp_path / "out")]
    assert stylize_records.main([*options, "--images", f"{tmp_path}/*.jpg"]) == 1
    assert "*.jpg: no photo could be stylized; 0 were skipped" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("photos/**", "photos/"),
        ("gs://bucket/a*/b.jpg", "gs://bucket/"),
        ("/one/two.jpg", "/one/"),
        ("*.jpg", ""),
    ],
)
def test_names_are_relative_to_what_precedes_the_first_wildcard(
    pattern: str, expected: str
) -> None:
    assert painting.folder_of(pattern) == expected
