"""`eval.py`, on a tiny run and a tiny model of several styles."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tqdm
from PIL import Image

from fastnst import images
from fastnst.cli import eval as command
from fastnst.export import portable
from fastnst.models import loading, tiled
from fastnst.nets import sweeps
from fastnst.painting import jobs, large

Photo = Callable[..., np.ndarray]


@pytest.fixture
def here(tmp_path: Path, tiny_run: Path, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with models/tiny, a.png of 25 x 33 pixels, and photos of mixed sizes.

    Photos are stylized with TensorFlow; test_runtimes.py has the choice.
    """
    monkeypatch.setattr(portable, "suits", lambda *_: False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "models" / "tiny").symlink_to(tiny_run)
    Image.fromarray(photo(33, 25)).save(tmp_path / "a.png")
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    Image.fromarray(photo(20, 40, 1)).save(folder / "1.png")
    buffer = io.BytesIO()
    Image.fromarray(photo(60, 60, 2)).save(buffer, "JPEG")
    (folder / "2.jpg").write_bytes(buffer.getvalue()[:900])
    Image.fromarray(photo(41, 19, 3)).save(folder / "below" / "3.jpg")
    return tmp_path


def shape(path: str | Path) -> tuple[int, ...]:
    return images.read(path).shape


def test_a_photo_is_stylized_at_its_own_size_and_the_path_is_printed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "tiny", "a.png"]) == 0
    assert capsys.readouterr() == ("generated/a-tiny.png\n", "stylizing with models/tiny\n")
    assert shape("generated/a-tiny.png") == shape("a.png")
    assert np.abs(images.read("generated/a-tiny.png") - images.read("a.png")).mean() > 5


def test_results_are_objects_with_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--model", "tiny", "a.png", "photos/1.png", "-o", "out", "--json"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first.pop("seconds") > 0.0
    assert first == {"output": "out/a.png", "input": "a.png", "size": [25, 33]}
    assert second["output"] == "out/1.png" and second["size"] == [40, 20]


def test_quiet_prints_results_and_errors_only(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "tiny", "photos", "-o", "out", "--quiet"]) == 1
    output, error = capsys.readouterr()
    assert output.splitlines() == ["out/1.png", "out/below/3.jpg"]
    assert error.count("\n") == 2 and "stylizing with" not in error
    assert error.startswith("eval.py: photos/2.jpg: the image is damaged")
    assert command.main(["--model", "tinny", "a.png", "--quiet"]) == 1
    assert "did you mean tiny?" in capsys.readouterr().err


def test_stylized_photos_are_replaced_unless_they_are_to_be_kept(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "out").mkdir()
    Path("out/1.png").write_bytes(b"mine")
    arguments = ["--model", "tiny", "photos/1.png", "photos/below/3.jpg", "-o", "out"]
    assert command.main([*arguments, "--no-clobber"]) == 0
    output, error = capsys.readouterr()
    assert output == "out/3.jpg\n" and Path("out/1.png").read_bytes() == b"mine"
    assert "1 of 2 stylized photos exist and are kept\n" in error
    assert command.main([*arguments, "--no-clobber"]) == 0
    assert capsys.readouterr().out == ""
    assert command.main(arguments) == 0
    assert shape("out/1.png") == (20, 40, 3)


def test_photos_that_arrive_in_a_watched_folder_are_stylized_until_ctrl_c(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = 0

    def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1
        assert seconds == 1.0
        if looks == 3:
            shutil.copy("a.png", "empty/new.png")
        if looks == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(command.time, "sleep", sleep)
    arguments = ["--model", "tiny", "empty", "-o", "out", "--watch"]
    assert command.main(arguments) == 130
    output, error = capsys.readouterr()
    assert output == "out/new.png\n" and shape("out/new.png") == shape("a.png")
    assert "watching for photos; press Ctrl-C to stop" in error
    assert command.main(["--model", "tiny", "a.png", "--watch"]) == 1
    assert "--watch: watches folders; name no single photos" in capsys.readouterr().err


def test_the_originals_options_stylize_the_same(
    here: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = str(tiny_run / "checkpoints" / "best" / "step-6")
    assert command.main(["--model_file", checkpoint, "--image_file", "a.png"]) == 0
    assert command.main(["--model", "tiny", "--image", "a.png", "-o", "b.png"]) == 0
    assert capsys.readouterr().out == "generated/a-tiny.png\nb.png\n"
    np.testing.assert_array_equal(images.read("generated/a-tiny.png"), images.read("b.png"))


def test_damaged_files_of_a_folder_are_reported_and_the_others_are_stylized(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "tiny", "photos", "-o", "out", "--batch", "2"]) == 1
    output, error = capsys.readouterr()
    assert output.splitlines() == ["out/1.png", "out/below/3.jpg"]
    assert shape("out/1.png") == (20, 40, 3) and shape("out/below/3.jpg") == (41, 19, 3)
    said = [line for line in error.replace("\r", "\n").splitlines() if line.startswith("eval.py")]
    assert said[0].startswith("eval.py: photos/2.jpg: the image is damaged")
    assert said[1] == "eval.py: 1 of 3 photos could not be stylized"
    assert "3/3" not in error  # the bar is for terminals
    assert "Traceback" not in error


def test_the_bar_names_the_photo_that_is_painted_now() -> None:
    photos = ("one.png", "a-photo-with-a-very-long\x1b-name.png")
    work = [jobs.Job(Path("in", photo), Path("out", photo)) for photo in photos]
    with tqdm.tqdm(total=2, file=io.StringIO()) as bar:
        for shown in ("one.png", "h-a-very-long\\x1b-name.png"[-24:], ""):
            command._name_next(bar, work)
            assert (bar.postfix or "") == shown
            bar.update()


def test_several_photos_and_folders_can_be_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "tiny", "a.png", "photos/below"]) == 0
    assert capsys.readouterr().out.split() == ["generated/a-tiny.png", "generated/3-tiny.jpg"]


def test_size_and_quality_take_effect(here: Path) -> None:
    def paint(*options: str) -> int:
        arguments = ["--model", "tiny", "a.png", "-o", "b.jpg", "--size", "50", *options]
        assert command.main(arguments) == 0
        assert shape("b.jpg") == (66, 50, 3)
        return Path("b.jpg").stat().st_size

    assert paint("--quality", "30") < paint() < paint("--quality", "100")


@pytest.mark.slow
def test_large_photos_are_painted_in_tiles(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command.main(["--model", "tiny", "a.png", "-o", "whole.png"]) == 0
    monkeypatch.setattr(sweeps, "WHOLE_MEMORY", 0)
    monkeypatch.setattr(tiled, "THUMBNAIL_SIDE", 20)
    pictures = {}
    for way in ("exact", "thumbnail", "off"):
        arguments = ["--model", "tiny", "a.png", "-o", f"{way}.png", "--tiles", way]
        assert command.main([*arguments, "--max-memory", "64GiB"]) == 0
        pictures[way] = images.read(f"{way}.png")
    whole = images.read("whole.png")
    assert np.abs(pictures["exact"] - whole).max() <= 1
    np.testing.assert_array_equal(pictures["off"], whole)
    assert 0 < np.abs(pictures["thumbnail"] - whole).mean() < 20


def test_a_photo_too_large_for_memory_is_streamed_and_its_tiles_are_explained(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyvips")
    monkeypatch.setattr(large, "is_large", lambda *_: True)
    monkeypatch.setattr(tiled.TiledPainter, "choose", lambda *_: "thumbnail")
    assert command.main(["--model", "tiny", "a.png", "-o", "out/large.tif"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "out/large.tif\n"
    assert "a.png: 25 x 33 pixels do not fit into memory; painting with" in captured.err
    assert shape("out/large.tif") == shape("a.png")
    assert [path.name for path in Path("out").iterdir()] == ["large.tif"]


def test_memory_that_is_too_small_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "tiny", "a.png", "--max-memory", "10MB"]) == 1
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith("eval.py: max_memory 10 MiB: is too little, because the program and")
    with pytest.raises(SystemExit):
        command.main(["--model", "tiny", "a.png", "--max-memory", "much"])
    assert "should be an amount such as 2GiB" in capsys.readouterr().err


def test_the_models_are_listed(
    here: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastnst.models.store.SHIPPED", here / "none")
    shutil.copytree(tiny_run, here / "models" / "another")
    assert command.main(["--model", "list"]) == 0
    assert capsys.readouterr().out == "another  models/another\ntiny     models/tiny\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "tini", "a.png"], "no model tini; did you mean tiny? (models here: "),
        (["--model", "tiny", "b.png"], "b.png: no such file or folder"),
        (["--model", "tiny", "empty"], "empty: contains no photos"),
        (["--model", "tiny", "a.png", "-o", "a.png"], "a.png: would overwrite an input photo"),
        (["--model", "tiny", "a.png", "-o", "b.xyz"], "b.xyz: cannot write .xyz"),
        (["--model", "tiny", "a.png", "-o", "a.png/b.png"], "a.png/b.png: cannot be written (Fi"),
        (["--model", "tiny", "-", "-o", "b.dir/"], "b.dir/: - writes one file; name it"),
        (["--model", "tiny", "-", "-o", "b.xyz"], "b.xyz: cannot write .xyz"),
        (["--model", "tiny", "-", "-o", "a.png/b.png"], "a.png/b.png: cannot be written (File"),
        (["--model", "tiny", "a.png", "--size", "8"], "a.png: 8 x 11 pixels is too small"),
        (["--model", "tiny", "photos/2.jpg"], "photos/2.jpg: the image is damaged"),
        (["--model", "tiny", "photos/2.jpg", "-o", "-"], "photos/2.jpg: the image is damaged"),
        (["--model", "tiny", "-", "a.png"], "- reads one photo from stdin"),
        (
            ["--model", "tiny", "a.png", "--strength", "0.5"],
            "strength 0.5: only 1 is possible, because this",
        ),
        (
            ["--model", "tiny", "a.png", "--strength", "1.6"],
            "strength 1.6: should be from 0 to 1.5",
        ),
        (["--model", "tiny", "a.png", "--style", "tini"], "no style tini; did you mean tiny? (sty"),
    ],
    ids=lambda value: " ".join(value[2:]) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_exit_code_1(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    before = sorted(here.rglob("*"))
    assert command.main(arguments) == 1
    output, error = capsys.readouterr()
    assert output == ""
    (said,) = error.removeprefix("stylizing with models/tiny\n").splitlines()
    assert said.startswith(f"eval.py: {message}")
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["a.png"],
        ["--model", "tiny"],
        ["--model", "tiny", "a.png", "--quality", "101"],
        ["--model", "tiny", "a.png", "--size", "0"],
        ["--model", "tiny", "a.png", "--batch", "some"],
        ["--model", "tiny", "a.png", "--strength", "half"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    assert stopped.value.code == 2


@pytest.mark.slow
def test_a_pipe_carries_a_photo_in_and_the_stylized_photo_out_and_nothing_else(
    here: Path, script: Callable[..., Any]
) -> None:
    photo = Path("a.png").read_bytes()
    command.main(["--model", "tiny", "a.png", "-o", "expected.png"])
    options = ("--runtime", "tensorflow", "-", "-o", "-")
    finished = script("eval.py", "--model", "tiny", *options, cwd=here, stdin=photo)
    assert (finished.returncode, finished.stderr) == (0, b"")
    with Image.open(io.BytesIO(finished.stdout)) as stylized:
        assert stylized.format == "PNG"
        difference = np.asarray(stylized).astype(int) - images.read("expected.png")
    assert np.abs(difference).max() <= 1


class Pipe:
    """Stands for a standard stream that is a pipe."""

    def __init__(self, data: bytes = b"") -> None:
        self.buffer = io.BytesIO(data)

    def flush(self) -> None:
        """Has nothing to do."""


def test_either_end_may_be_a_pipe(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = Path("a.png").read_bytes()
    monkeypatch.setattr("sys.stdin", Pipe(photo))
    assert command.main(["--model", "tiny", "--image", "-", "-o", "in.webp"]) == 0
    assert capsys.readouterr().out == "in.webp\n"
    assert shape("in.webp") == (33, 25, 3)
    out = Pipe()
    monkeypatch.setattr("sys.stdout", out)
    assert command.main(["--model", "tiny", "a.png", "-o", "-", "--size", "40"]) == 0
    with Image.open(io.BytesIO(out.buffer.getvalue())) as stylized:
        assert (stylized.format, stylized.size) == ("PNG", (40, 53))


def test_piped_data_that_is_no_photo_is_rejected(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Pipe(b"no picture"))
    assert command.main(["--model", "tiny", "-", "-o", "b.png"]) == 1
    assert capsys.readouterr().err.startswith("eval.py: standard input: not an image")
    assert not Path("b.png").exists()


@pytest.fixture
def with_gallery(here: Path, gallery: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same working directory with models/gallery, of the styles wave, candy and ink."""
    monkeypatch.setattr("fastnst.models.store.SHIPPED", here / "none")
    (here / "models" / "gallery").symlink_to(gallery)
    return here


def stylized(gallery: Path, style: str | None = None, strength: float | None = None) -> np.ndarray:
    """Stylizes a.png with the library."""
    return loading.load(gallery)(images.to_uint8(images.read("a.png")), style, strength)


@pytest.mark.parametrize(
    ("style", "name"),
    [
        ("candy", "candy"),
        # Windows allows no colon in a name.
        ("wave:0.6,candy:0.4", "wave0.6+candy0.4"),
        ("wave, ink", "wave+ink"),
    ],
)
def test_a_photo_is_stylized_in_a_style_or_blend_and_named_after_it(
    with_gallery: Path, gallery: Path, style: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "gallery", "--style", style, "a.png"]) == 0
    assert capsys.readouterr() == (f"generated/a-{name}.png\n", "stylizing with models/gallery\n")
    result = images.read(f"generated/a-{name}.png")
    np.testing.assert_array_equal(result, stylized(gallery, style))
    assert np.abs(result - stylized(gallery)).mean() > 3


def test_without_a_style_the_first_is_used(with_gallery: Path, gallery: Path) -> None:
    assert command.main(["--model", "gallery", "a.png"]) == 0
    np.testing.assert_array_equal(images.read("generated/a-gallery.png"), stylized(gallery, "wave"))


def test_a_style_is_found_in_whatever_model_it_is(
    with_gallery: Path, gallery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "ink", "a.png"]) == 0
    assert capsys.readouterr() == ("generated/a-ink.png\n", "stylizing with models/gallery\n")
    np.testing.assert_array_equal(images.read("generated/a-ink.png"), stylized(gallery, "ink"))


@pytest.mark.parametrize("model", ["gallery", "ink", "models/gallery/weights.ckpt"])
def test_style_all_stylizes_each_photo_in_every_style(
    with_gallery: Path, gallery: Path, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    arguments = ["--model", model, "--style", "all", "a.png", "photos/1.png", "--batch", "2"]
    assert command.main(arguments) == 0
    styles = ("wave", "candy", "ink")
    assert capsys.readouterr().out.split() == [
        f"generated/{photo}-{style}.png" for style in styles for photo in ("a", "1")
    ]
    for style in styles:
        found = images.read(f"generated/a-{style}.png")
        np.testing.assert_array_equal(found, stylized(gallery, style))
    assert command.main(["--model", model, "--style", "all", "a.png", "-o", "out"]) == 0
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "a-candy.png",
        "a-ink.png",
        "a-wave.png",
    ]


def test_style_all_of_a_model_of_one_style_is_that_style(
    here: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "models" / "mine").symlink_to(tiny_run)
    for model in ("tiny", "mine", "models/tiny/checkpoints"):
        assert command.main(["--model", model, "--style", "all", "a.png", "-o", "b.png"]) == 0
        assert capsys.readouterr().out == "b.png\n"


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 1.5])
def test_strength_takes_effect(with_gallery: Path, gallery: Path, strength: float) -> None:
    options = ["--style", "candy", "--strength", str(strength)]
    assert command.main(["--model", "gallery", *options, "a.png", "-o", "b.png"]) == 0
    np.testing.assert_array_equal(images.read("b.png"), stylized(gallery, "candy", strength))
    assert (strength == 1.0) == np.array_equal(images.read("b.png"), stylized(gallery, "candy"))


@pytest.fixture
def left(here: Path) -> np.ndarray:
    """left.png, a mask of the left half of a.png, twice as large; and the mask in its size."""
    mask = np.zeros((33, 25), np.uint8)
    mask[:, :12] = 255
    Image.fromarray(mask).save(here / "left.png")
    return mask


@pytest.mark.parametrize(
    ("options", "choices"),
    [
        (["--stroke", "1.5"], {"stroke": 1.5}),
        (["--stroke", "0.5"], {"stroke": 0.5}),
        (["--colors", "photo"], {"colors": 1.0}),
        (["--colors", "match"], {"colors": "match"}),
        (["--grain", "12", "--seed", "3"], {"grain": 12, "seed": 3}),
        (
            ["--stroke", "2", "--colors", "0.4", "--grain", "5", "--strength", "0.8"],
            {"stroke": 2, "colors": 0.4, "grain": 5, "seed": 0, "strength": 0.8},
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_controls_take_effect_as_in_the_library(
    with_gallery: Path, gallery: Path, options: list[str], choices: dict[str, Any]
) -> None:
    arguments = ["--model", "gallery", "--style", "candy", *options, "a.png", "-o", "b.png"]
    assert command.main(arguments) == 0
    photo = images.to_uint8(images.read("a.png"))
    expected = loading.load(gallery)(photo, "candy", **choices)
    np.testing.assert_array_equal(images.read("b.png"), expected)
    assert np.abs(expected - stylized(gallery, "candy").astype(int)).mean() > 1


@pytest.mark.slow
def test_masks_take_effect_and_the_rest_is_the_photo_or_in_the_style(
    with_gallery: Path, gallery: Path, left: np.ndarray
) -> None:
    photo = images.read("a.png")
    # The third finds a style by its name, which is no choice of a style for the rest.
    for model, options, rest in (
        ("gallery", ["--mask", "left.png=ink"], photo),
        ("gallery", ["--mask", "left.png=ink", "--style", "candy"], stylized(gallery, "candy")),
        ("candy", ["--mask", "left.png=ink"], photo),
        ("candy", ["--mask", "left.png=photo"], stylized(gallery, "candy")),
    ):
        assert command.main(["--model", model, *options, "a.png", "-o", "b.png"]) == 0
        found = images.read("b.png")
        inside = photo if "left.png=photo" in options else stylized(gallery, "ink")
        expected = np.where(left[..., np.newaxis] > 0, inside, rest)
        assert np.abs(found - expected).max() <= 1


def test_piped_photos_have_all_controls(
    with_gallery: Path, gallery: Path, left: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--mask", "left.png=ink", "--colors", "photo", "--stroke", "2", "--grain", "3"]
    assert command.main(["--model", "gallery", *options, "a.png", "-o", "b.png"]) == 0
    monkeypatch.setattr("sys.stdin", Pipe(Path("a.png").read_bytes()))
    assert command.main(["--model", "gallery", *options, "-", "-o", "c.png"]) == 0
    np.testing.assert_array_equal(images.read("b.png"), images.read("c.png"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stroke", "9"], "stroke 9: should be auto, or a number from 0.5 to 8"),
        (["--colors", "red"], "colors red: should be style, photo, match, or a number from 0"),
        (["--grain", "99"], "grain 99: should be from 0 to 64 levels"),
        (["--seed", "-1"], "seed -1: should be a whole number from 0 to"),
        (["--mask", "left.png"], "mask left.png: should be MASK.png=STYLE"),
        (["--mask", "lef.png=ink"], "lef.png: no such file; did you mean left.png?"),
        (["--mask", "left.png=inc"], "no style inc; did you mean ink? (styles: wave, candy, ink)"),
        (["--mask", "photos/1.png=ink"], "a.png: mask of ink: 40 x 20 pixels, but the photo has"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_in_a_control_is_one_line(
    with_gallery: Path,
    left: np.ndarray,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    assert command.main(["--model", "gallery", *options, "a.png", "-o", "b.png"]) == 1
    output, error = capsys.readouterr()
    assert output == "" and not Path("b.png").exists()
    (said,) = error.removeprefix("stylizing with models/gallery\n").splitlines()
    assert said.startswith(f"eval.py: {message}")


def test_style_all_takes_a_strength(with_gallery: Path, gallery: Path) -> None:
    options = ["--style", "all", "--strength", "0.5"]
    assert command.main(["--model", "gallery", *options, "a.png"]) == 0
    for style in ("wave", "ink"):
        found = images.read(f"generated/a-{style}.png")
        np.testing.assert_array_equal(found, stylized(gallery, style, 0.5))


def test_the_styles_of_models_are_listed(
    with_gallery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "list"]) == 0
    assert capsys.readouterr().out == (
        "gallery  models/gallery  wave, candy, ink\ntiny     models/tiny\n"
    )


def test_a_damaged_model_is_listed_as_such(
    with_gallery: Path, gallery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(gallery, "models/broken")
    Path("models/broken/model.json").write_text("{}")
    assert command.main(["--model", "list"]) == 0
    damaged, *intact = capsys.readouterr().out.splitlines()
    assert damaged.startswith("broken   models/broken  damaged: ") and "model.json" in damaged
    assert [line.split()[0] for line in intact] == ["gallery", "tiny"]


def test_a_piped_photo_is_stylized_in_a_style_with_a_strength(
    with_gallery: Path, gallery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Pipe(Path("a.png").read_bytes()))
    options = ["--style", "candy", "--strength", "0.5"]
    assert command.main(["--model", "gallery", *options, "-", "-o", "b.png"]) == 0
    np.testing.assert_array_equal(images.read("b.png"), stylized(gallery, "candy", 0.5))
    monkeypatch.setattr("sys.stdin", Pipe(Path("a.png").read_bytes()))
    assert command.main(["--model", "ink", "-", "-o", "c.png"]) == 0
    np.testing.assert_array_equal(images.read("c.png"), stylized(gallery, "ink"))


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_base64_text_is_stylized_to_base64_text(
    with_gallery: Path,
    gallery: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    prefix: str,
) -> None:
    photo = Path("a.png").read_bytes()
    text = base64.encodebytes(photo)  # in lines
    monkeypatch.setattr("sys.stdin", Pipe(prefix.encode() + text))
    assert command.main(["--model", "gallery", "--style", "ink", "--base64"]) == 0
    output, error = capfdbinary.readouterr()
    assert output.count(b"\n") == 1 and error == b""
    found = images.decode(base64.b64decode(output.strip(), validate=True))
    np.testing.assert_array_equal(found, stylized(gallery, "ink"))
    # A file is a picture on either side, whatever its extension.
    shutil.copy("a.png", "a.txt")
    assert command.main(["--model", "gallery", "--style", "ink", "--base64", "a.txt"]) == 0
    assert capfdbinary.readouterr().out == output
    monkeypatch.setattr("sys.stdin", Pipe(base64.urlsafe_b64encode(photo)))
    arguments = ["--model", "gallery", "--style", "ink", "--base64", "-", "-o", "b.png"]
    assert command.main(arguments) == 0
    np.testing.assert_array_equal(images.decode(Path("b.png").read_bytes()), found)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x89PNG\r\n", "standard input: is not base64 text ("),
        (b"YQ", "standard input: is not base64 text (Incorrect padding); omit --base64"),
        (b"YWJj", "standard input: not an image that can be read"),
        (b"", "standard input: not an image that can be read"),
    ],
)
def test_other_text_than_base64_is_one_line(
    with_gallery: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    data: bytes,
    message: str,
) -> None:
    monkeypatch.setattr("sys.stdin", Pipe(data))
    assert command.main(["--model", "ink", "--base64"]) == 1
    output, error = capsys.readouterr()
    assert output == "" and error.startswith(f"eval.py: {message}") and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--style", "candi"], "no style candi; did you mean candy? (styles: wave, candy, ink)"),
        (["--style", "wave:0"], "style wave:0: the share should be a number above 0"),
        (["--style", "all", "-o", "b.jpg"], "b.jpg: is one file, but there are several"),
        (["--style", "all", "-o", "-"], "--style all makes several pictures, but -"),
        (["--style", "all", "--base64"], "--style all makes several pictures, but --base64"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistaken_style_is_one_line_and_exit_code_1(
    with_gallery: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert command.main(["--model", "gallery", "a.png", *arguments]) == 1
    output, error = capsys.readouterr()
    (said,) = error.splitlines()
    assert output == "" and said.startswith(f"eval.py: {message}")
    assert not Path("generated").exists()
