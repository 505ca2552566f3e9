"""`fastnst compare`, at sizes of a few pixels."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fastnst import images
from fastnst.cli import compare as command
from fastnst.evaluation import votes
from fastnst.models import loading
from fastnst.reports import compare


@pytest.fixture
def here(
    tmp_path: Path,
    tiny_run: Path,
    gallery: Path,
    photo: Callable[..., np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A working directory with models/tiny, models/gallery and a folder of two photos."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fastnst.models.store.SHIPPED", tmp_path / "none")
    shutil.copytree(tiny_run, tmp_path / "models" / "tiny")
    shutil.copytree(gallery, tmp_path / "models" / "gallery")
    for index, name in enumerate(("a.png", "trip/b.jpg")):
        images.write(tmp_path / "photos" / name, photo(48, 64 + index, index))
    return tmp_path


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The arguments of the page, once the command has run."""
    found: dict[str, Any] = {}
    render = compare.render

    def record(models: Any, pairs: Any, painting: Any, **options: Any) -> str:
        found.update(options, models=models, pairs=pairs, painting=painting)
        return render(models, pairs, painting, **options)

    monkeypatch.setattr(compare, "render", record)
    return found


def run(*arguments: object) -> int:
    return command.main([*map(str, arguments), "--size", "32"])


@pytest.mark.slow
def test_two_models_stylize_every_photo_and_the_page_is_the_only_output(
    here: Path, rendered: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("tiny", "gallery:ink", "photos") == 0
    assert capsys.readouterr().out == "generated/compare-tiny-gallery-ink.html\n"
    assert rendered["models"] == ("tiny", "gallery:ink")
    assert [pair.name for pair in rendered["pairs"]] == ["a.png", "trip/b.jpg"]
    for pair in rendered["pairs"]:
        original = images.to_uint8(images.read(Path("photos", pair.name), 32))
        np.testing.assert_array_equal(pair.photo, original)
        np.testing.assert_array_equal(pair.a, loading.load("tiny")(original))
        np.testing.assert_array_equal(pair.b, loading.load("gallery", style="ink")(original))
    page = Path("generated/compare-tiny-gallery-ink.html").read_text(encoding="utf-8")
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    embedded = json.loads(data[1])["pairs"][0]["b"]["src"].partition(",")[2]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(embedded))))
    assert np.abs(shown.astype(int) - rendered["pairs"][0].b).mean() < 6


def test_options_reach_the_models_and_the_page(here: Path, rendered: dict[str, Any]) -> None:
    # Options may stand anywhere.
    options = ["--seed", 3, "--quality", "50", "--strength", "0.5", "-o", "page.html"]
    assert run("gallery:wave", "gallery:candy:0.5,ink:0.5", *options, "photos/a.png") == 0
    assert Path("page.html").is_file()
    assert (rendered["seed"], rendered["quality"]) == (3, 50)
    (pair,) = rendered["pairs"]
    model = loading.load("gallery", strength=0.5)
    np.testing.assert_array_equal(pair.a, model(pair.photo, "wave"))
    np.testing.assert_array_equal(pair.b, model(pair.photo, "candy:0.5,ink:0.5"))


@pytest.mark.slow
def test_the_painting_is_shown_if_both_models_have_the_same(
    here: Path, rendered: dict[str, Any], photo: Callable[..., np.ndarray]
) -> None:
    wave = images.decode(Path(images.__file__).parents[1].joinpath("img/wave.jpg").read_bytes())
    assert run("tiny", "gallery:wave", "photos/a.png") == 0  # Both of img/wave.jpg.
    np.testing.assert_array_equal(rendered["painting"], wave)
    assert run("tiny", "gallery:candy", "photos/a.png") == 0
    assert rendered["painting"] is None
    images.write("sky.png", photo(20, 30))
    assert run("tiny", "gallery:wave", "photos/a.png", "--painting", "sky.png") == 0
    np.testing.assert_array_equal(rendered["painting"], photo(20, 30))


def test_a_folder_of_ready_made_pictures_takes_part(
    here: Path, rendered: dict[str, Any], photo: Callable[..., np.ndarray]
) -> None:
    # Of another format, and cropped to a multiple of four by its network.
    images.write("theirs/a.jpg", photo(48, 64, 5))
    images.write("theirs/trip/b.png", photo(96, 128, 6))
    assert run("tiny", "theirs", "photos") == 0
    assert rendered["models"] == ("tiny", "theirs") and rendered["painting"] is None
    first, second = rendered["pairs"]
    expected = images.resize(images.decode(Path("theirs/a.jpg").read_bytes()), 32, 43)
    np.testing.assert_array_equal(first.b, expected)
    assert second.b.shape == second.photo.shape == (32, 43, 3)


def test_equal_names_are_told_apart_by_their_paths(here: Path, rendered: dict[str, Any]) -> None:
    shutil.copytree("models/tiny", "other/tiny")
    assert run("models/tiny", "other/tiny", "photos/a.png") == 0
    assert rendered["models"] == ("models/tiny", "other/tiny")
    assert Path("generated/compare-tiny-tiny.html").is_file()


def test_a_mistake_is_one_line(
    here: Path, photo: Callable[..., np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    images.write("theirs/a.png", photo(40, 40))
    for arguments, message in (
        (["tiny", "tiny", "photos"], "tiny: cannot be compared with itself"),
        (["tiny", "galery:ink", "photos"], "no model galery; did you mean gallery?"),
        (["tiny", "gallery:inc", "photos"], "style"),
        (["tiny", "gallery", "nowhere"], "nowhere: no such file or folder"),
        (["tiny", "gallery", "photos", "-o", "page.txt"], "page.txt: is not a page"),
        (["tiny", "gallery", "photos", "-o", "theirs/a.png/b.html"], "a.png/b.html: cannot be wri"),
        (["tiny", "gallery", "photos", "--painting", "x.png"], "x.png: no such file"),
        (["tiny", "theirs", "photos/trip"], "theirs: contains no picture b.jpg"),
        (["tiny", "theirs", "photos/a.png"], "theirs/a.png: 40 x 40 pixels, but its photo has"),
        (["--count", "votes.json"], "votes.json: no such file"),
    ):
        assert run(*arguments) == 1
        output, error = capsys.readouterr()
        assert output == "" and message in error and error.count("\n") == 1, error
        assert error.startswith("fastnst compare: ")


def test_a_photo_that_cannot_be_read_is_left_out(
    here: Path, rendered: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("photos/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    shutil.copytree("models/tiny", "models/other")
    assert run("tiny", "other", "photos/broken.png") == 1
    assert "photos/broken.png: no photo can be read" in capsys.readouterr().err
    assert run("tiny", "other", "photos") == 0
    assert "left out: photos/broken.png: " in capsys.readouterr().err
    assert [pair.name for pair in rendered["pairs"]] == ["a.png", "trip/b.jpg"]


def test_missing_arguments_are_a_mistake_in_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["a", "b"], ["a", "--count", "votes.json"]):
        with pytest.raises(SystemExit) as stop:
            command.main(arguments)
        assert stop.value.code == 2
        assert "usage: fastnst compare A B PHOTO|FOLDER..." in capsys.readouterr().err


VOTES = {
    "format": votes.FORMAT,
    "page": "1",
    "models": ["old", "new"],
    "questions": [{"id": "wall", "text": "Which would you hang?"}],
    "photos": [f"{index}.jpg" for index in range(8)],
}


def saved(path: str, *judges: tuple[str, str, list[str | None]]) -> str:
    entries = [
        {"id": identity, "name": name, "votes": {"wall": answers}}
        for identity, name, answers in judges
    ]
    Path(path).write_text(json.dumps(VOTES | {"judges": entries}), encoding="utf-8")
    return path


def test_votes_are_counted_and_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    anna = saved("anna.json", ("1", "Anna", ["a"] * 8))
    other = saved("other.json", ("2", "Anna", [*["a"] * 7, "b"]), ("3", "Ben", [None] * 8))
    assert command.main(["--count", anna, other]) == 0
    # Seven photos with a share of 1 and one of 1/2: 15/16 = 93.75%. With n = 8 and z²/n = 0.4802,
    # Wilson's interval is (0.9375 + 0.2401 ± 0.2929) / 1.4802, which is 59.8% to 99.3%.
    # Anna's 8 a with 7 a and a b: 7/8 equal, by chance also 7/8, so that kappa is 0.
    assert capsys.readouterr().out.splitlines() == [
        "old or new: 8 photos, judged by Anna, Anna (2), Ben",
        "Which would you hang?",
        "  15 old, 0 no difference, 1 new",
        "  Share of old: 94% (95% interval 60% to 99%)",
        "  old is preferred.",
        "Anna and Anna (2) gave the same answer to 7 of 8 questions (88%; kappa 0.00).",
        "Anna and Ben have no answered question in common.",
        "Anna (2) and Ben have no answered question in common.",
    ]


def test_few_photos_and_no_votes_find_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for answers, verdict in (
        ([None] * 8, "No votes yet."),
        (["a"] * 5 + [None] * 3, "Too few photos to find a difference: 5 of at least 6."),
        (["tie"] * 8, "No difference was found."),
    ):
        assert command.main(["--count", saved("one.json", ("1", "Anna", answers))]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == f"  {verdict}"
