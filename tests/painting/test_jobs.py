"""Plans of which photos are stylized, and into which files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import made
import pytest

from fastnst import errors
from fastnst.painting import jobs


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_an_output_stylized_photos_go_to_generated_with_the_models_name(here: Path) -> None:
    for name in ("a.jpg", "trip/b.PNG", "trip/day/c.webp"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).touch()
    planned = jobs.plan([Path("a.jpg"), Path("trip")], None, "candy")
    assert [str(job.stylized) for job in planned] == [
        "generated/a-candy.jpg",
        "generated/b-candy.PNG",
        "generated/day/c-candy.webp",
    ]
    assert [str(job.photo) for job in planned] == ["a.jpg", "trip/b.PNG", "trip/day/c.webp"]


def test_stylized_photos_in_a_folder_keep_their_names_but_gif_and_tiff_become_png(
    here: Path,
) -> None:
    folder = here / "photos"
    folder.mkdir()
    for name in ("a.jpg", "b.gif", "c.tiff", "d.tif", "e.bmp", ".f.jpg", "notes.txt"):
        (folder / name).touch()
    (folder / "g.jpg").mkdir()
    planned = jobs.plan([folder], Path("out"), "candy")
    assert [job.stylized.as_posix() for job in planned] == [
        "out/a.jpg",
        "out/b.png",
        "out/c.png",
        "out/d.png",
        "out/e.bmp",
    ]


def test_earlier_results_and_hidden_photos_are_not_stylized(here: Path) -> None:
    for name in ("trip/a.jpg", "trip/.thumbnails/b.jpg", "trip/stylized/a.jpg", "generated/c.jpg"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    for given, output, expected in (
        ("trip", "trip/stylized", ["trip/stylized/a.jpg"]),
        ("trip", "./trip/../trip/stylized", ["trip/stylized/a.jpg"]),
        (".", None, ["generated/trip/a-candy.jpg", "generated/trip/stylized/a-candy.jpg"]),
        # Asked for in so many words.
        ("generated", "again", ["again/c.jpg"]),
    ):
        planned = jobs.plan([Path(given)], output and Path(output), "candy")
        assert [os.path.normpath(job.stylized) for job in planned] == expected
    shutil.rmtree("trip")
    with pytest.raises(errors.UserError, match=r"^\.: contains no photos"):
        jobs.plan([Path()], None, "candy")


def test_one_photo_is_written_to_the_named_file_or_into_an_existing_folder(
    here: Path,
) -> None:
    Path("a.jpg").touch()
    (job,) = jobs.plan([Path("a.jpg")], Path("deep/b.webp"), "candy")
    assert job.stylized == Path("deep/b.webp")
    Path("is.there").mkdir()
    (job,) = jobs.plan([Path("a.jpg")], Path("is.there"), "candy")
    assert job.stylized == Path("is.there/a.jpg")
    (job,) = jobs.plan([Path("a.jpg")], Path("new"), "candy")
    assert job.stylized == Path("new/a.jpg")
    # The slash tells a folder, whether or not it exists.
    (job,) = jobs.plan([Path("a.jpg")], "a.new.one/", "candy")
    assert job.stylized == Path("a.new.one/a.jpg")
    with pytest.raises(errors.UserError, match=r"b\.mp4: cannot write \.mp4; use one of"):
        jobs.plan([Path("a.jpg")], Path("b.mp4"), "candy")


def test_a_photo_is_never_overwritten(here: Path) -> None:
    Path("photos").mkdir()
    Path("photos/a.jpg").touch()
    refused = "would overwrite an input photo; name another folder with -o"
    for given, output in (
        ("photos", "photos"),
        ("photos/a.jpg", "photos"),
        ("photos/a.jpg", "./photos/../photos/a.jpg"),
        ("photos", "photos/../photos/."),
    ):
        with pytest.raises(errors.UserError, match=refused):
            jobs.plan([Path(given)], Path(output), "candy")


def test_two_photos_are_never_written_to_one_file(here: Path) -> None:
    for name in ("a/x.jpg", "b/x.jpg"):
        Path(name).parent.mkdir()
        Path(name).touch()
    with pytest.raises(errors.UserError, match=r"out/x\.jpg: is the output of both a/x\.jpg and b"):
        jobs.plan([Path("a"), Path("b")], Path("out"), "candy")


def test_a_photo_whose_format_changes_takes_no_other_photos_name(here: Path) -> None:
    Path("a").mkdir()
    for name in ("x.gif", "x.png", "y.tif"):
        Path("a", name).touch()
    planned = jobs.plan([Path("a")], Path("out"), "candy")
    assert [str(job.stylized) for job in planned] == ["out/x.gif.png", "out/x.png", "out/y.png"]


def test_a_folder_cannot_be_written_into_one_file(here: Path) -> None:
    Path("a").mkdir()
    Path("a/x.jpg").touch()
    with pytest.raises(errors.UserError, match=r"^one\.jpg: is one file, but there may be several"):
        jobs.plan([Path("a")], Path("one.jpg"), "candy")


def test_errors_name_inputs_that_are_missing_or_hold_no_photo(here: Path) -> None:
    with pytest.raises(errors.UserError, match=r"^nowhere\.jpg: no such file or folder$"):
        jobs.plan([Path("nowhere.jpg")], None, "candy")
    Path("empty").mkdir()
    with pytest.raises(errors.UserError, match=r"^empty: contains no photos, that is JPEG, "):
        jobs.plan([Path("empty")], None, "candy")


def test_stylized_photos_in_several_styles_go_side_by_side_under_the_styles_names(
    here: Path,
) -> None:
    for name in ("x.jpg", "trip/y.gif"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    inputs = [Path("x.jpg"), Path("trip")]
    planned = jobs.plan(inputs, Path("out"), "wave", style="wave", apart=True)
    assert [job.stylized.as_posix() for job in planned] == ["out/x-wave.jpg", "out/y-wave.png"]
    assert [job.style for job in planned] == ["wave", "wave"]
    planned = jobs.plan(inputs, None, "candy", style="candy", apart=True)
    assert [job.stylized.as_posix() for job in planned] == [
        "generated/x-candy.jpg",
        "generated/y-candy.png",
    ]
    # One style in a folder of its own needs no suffix.
    planned = jobs.plan(inputs, Path("out"), "wave", style="wave")
    assert [job.stylized.as_posix() for job in planned] == ["out/x.jpg", "out/y.png"]
    assert {job.style for job in planned} == {"wave"}


def test_several_styles_cannot_go_to_one_file(here: Path) -> None:
    Path("x.jpg").touch()
    expected = (
        r"^y\.jpg: is one file, but there are several stylized photos; name a folder with -o$"
    )
    with pytest.raises(errors.UserError, match=expected):
        jobs.plan([Path("x.jpg")], Path("y.jpg"), "wave", style="wave", apart=True)


def test_several_styles_may_go_to_an_existing_folder_whatever_its_name(here: Path) -> None:
    Path("x.jpg").touch()
    Path("y.jpg").mkdir()
    (job,) = jobs.plan([Path("x.jpg")], Path("y.jpg"), "wave", style="wave", apart=True)
    assert job.stylized == Path("y.jpg/x-wave.jpg")


def test_the_content_decides_how_a_photo_without_a_known_extension_is_written(here: Path) -> None:
    encoded = {"jpg": made.encode(made.noise(0), "JPEG"), "png": made.encode(made.noise(0))}
    made.write_files(
        here / "photos",
        {
            "a": encoded["jpg"],
            "b.jpg?w=640": encoded["jpg"],
            "c.jfif": encoded["jpg"],
            "d.HEIC": b"",
            "e.avif": b"",
            "f.v2": encoded["png"],
        },
    )
    planned = jobs.plan([Path("photos")], Path("out"), "candy")
    assert [job.stylized.name for job in planned] == [
        *("a.jpg", "b.jpg", "c.jfif", "d.jpg", "e.png", "f.v2.png")
    ]
    (job,) = jobs.plan([Path("photos/a")], None, "candy")
    assert job.stylized == Path("generated/a-candy.jpg")


def test_what_a_folder_leaves_out_is_said(here: Path) -> None:
    made.write_files(here / "photos", {"a.jpg": b"", "clip.mp4": b"", "notes.txt": b""})
    said: list[str] = []
    jobs.plan([Path("photos")], None, "candy", say=said.append)
    assert said == ["photos: 2 other files are left out: clip.mp4, notes.txt"]


@pytest.mark.skipif(os.name != "posix", reason="pipes are of POSIX")
def test_a_pipe_is_no_photo(here: Path) -> None:
    os.mkfifo("pipe.jpg")
    with pytest.raises(errors.UserError, match=r"^pipe.jpg: is a pipe"):
        jobs.plan([Path("pipe.jpg")], None, "candy")
