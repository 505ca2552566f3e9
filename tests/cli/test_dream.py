"""`fastnst dream`, on small pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import frozen
import numpy as np
import pytest
import stacked
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator

from fastnst import files, images
from fastnst.cli import dream
from fastnst.pixels import deepdream

SMALL = ["--iterations", "1", "--octaves", "2"]
INCEPTION = (
    "pretrained/tensorflow_inception_graph.pb: no such file; name it with --network_file, or "
    "unpack it from https://storage.googleapis.com/download.tensorflow.org/models/inception5h.zip"
)
INPUT = "photo-1-1.png: would overwrite an input picture; choose another file with -o"
SHALLOW = ["--layer", "relu1_2"]


@pytest.fixture
def here(tmp_path: Path, photo: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a photo."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(40, 50)).save("photo.png")
    return tmp_path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = dream.main(arguments)
        return (code, *capsys.readouterr())

    return run


def test_a_photo_keeps_its_size_and_earlier_dreams(
    here: Path, said: Callable[..., tuple[int, str, str]]
) -> None:
    for name in ("photo-relu1_2-dream.jpg", "photo-relu1_2-dream-2.jpg"):
        code, out, _ = said("photo.png", *SMALL, *SHALLOW)
        assert (code, out) == (0, f"generated/{name}\n")
        dreamt = images.decode(Path("generated", name).read_bytes()).astype(int)
        before = images.decode(Path("photo.png").read_bytes())
        assert dreamt.shape == before.shape
        assert 0.5 < np.abs(dreamt - before).mean() < 20


def test_slims_other_networks_dream_of_pictures_that_are_large_enough(
    here: Path, said: Callable[..., tuple[int, str, str]]
) -> None:
    stacked.write(Path("pretrained/alexnet_v2.ckpt"), "alexnet_v2")
    asked = ["photo.png", *SMALL, "--network", "alexnet_v2"]
    assert said(*asked)[:2] == (0, "generated/photo-relu5-dream.jpg\n")
    code, _, error = said(*asked, "--size", "34")
    assert code == 1
    assert "42 x 34 px is too small; each side should be at least 35 px" in error


def test_noise_is_the_default_and_json_names_the_result(
    here: Path, said: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, _ = said(*SMALL, "--layer", "relu1_1:3,relu1_2", "--size", "48", "--json")
    assert code == 0
    assert json.loads(out) == {
        "output": "generated/noise-relu1_1-relu1_2-dream.png",
        "size": [48, 48],
        "layers": {"relu1_1": 0.75, "relu1_2": 0.25},
    }


def test_channels_and_a_guide_change_the_dream(
    here: Path, said: Callable[..., tuple[int, str, str]]
) -> None:
    pictures = []
    # The content decides, not the extension.
    shutil.copy(files.asset("img/wave.jpg"), "guide.txt")
    for more in ([], ["--channel", "3"], ["--channel", "3:0.2,5:0.8"], ["--guide", "guide.txt"]):
        assert said("photo.png", *SMALL, *SHALLOW, *more, "-o", "x.png")[0] == 0
        pictures.append(images.decode(Path("x.png").read_bytes()))
    for index, picture in enumerate(pictures):
        assert all((picture != other).any() for other in pictures[:index])


def test_inception5h_is_read_and_its_layers_listed(
    here: Path, said: Callable[..., tuple[int, str, str]]
) -> None:
    frozen.write(here / "graph.pb")
    network = ["--network", "inception5h", "--network_file", "graph.pb"]
    code, out, _ = said("--list", *network)
    assert code == 0
    assert out.splitlines()[-1].split() == [frozen.SECOND, "6", "channels"]
    code, _, err = said(
        "photo.png", *network, *SMALL, "--layer", frozen.SECOND, "--channel", "4", "-o", "x.png"
    )
    assert code == 0, err


def test_the_defaults_are_those_of_the_method() -> None:
    arguments = dream.make_parser("dream").parse_args([])
    defaults = deepdream.Options()
    for name in ("octaves", "scale", "step", "iterations", "seed"):
        assert getattr(arguments, name) == getattr(defaults, name), name


def test_the_report_and_tensorboard_show_each_octave(
    here: Path, said: Callable[..., tuple[int, str, str]]
) -> None:
    asked = ["--iterations", "2", "--octaves", "2", "--scale", "1.25", *SHALLOW]
    code, out, _ = said("photo.png", *asked, "--report", "--tensorboard", "board", "-o", "a.png")
    assert (code, out) == (0, "a.png\na.html\n")
    board = event_accumulator.EventAccumulator("board", {"tensors": 0}).Reload()
    assert [event.step for event in board.Tensors("training/activity")] == [1, 2, 3, 4]
    # After each octave, at its size.
    shown = {event.step: event.tensor_proto for event in board.Tensors("validation/0")}
    sizes = {step: tuple(map(int, proto.string_val[:2])) for step, proto in shown.items()}
    assert sizes == {2: (40, 32), 4: (50, 40)}
    page = Path("a.html").read_text(encoding="utf-8")
    assert page.count('<img alt="the dream at step ') == 2
    assert "<td>40 x 32 px</td><td>50 x 40 px</td>" in page
    assert "fastnst dream photo.png --iterations 2" in page and "layer: relu1_2\n" in page
    # Pictures are written only if they are asked for.
    assert {path.name for path in here.glob("a*")} == {"a.png", "a.html"}


def test_pictures_on_the_way_are_written_at_the_size_of_the_photo(
    here: Path, said: Callable[..., tuple[int, str, str]]
) -> None:
    asked = ["--iterations", "2", "--octaves", "2", "--scale", "1.25", *SHALLOW]
    code, out, _ = said(
        "photo.png", *asked, "--save_every", "3", "--report", "--json", "-o", "a.png"
    )
    assert code == 0
    assert json.loads(out)["report"] == "a.html"
    assert {path.name for path in here.glob("a*")} == {"a.png", "a-3.png", "a.html"}
    assert images.read("a-3.png").shape == images.read("a.png").shape == (40, 50, 3)
    assert (images.read("a-3.png") != images.read("a.png")).any()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--layer", "relu9_9"], "--layer relu9_9: no such layer"),
        (["--layer", "relu1_1:x"], "--layer relu1_1:x: the share should be a number above 0"),
        (["--channel", "64", *SHALLOW], "--channel 64: no such channel"),
        (["--channel", "1", "--layer", "relu1_1,relu1_2"], "--channel needs a single --layer"),
        (["--channel", "1", "--guide", "wave.jpg", *SHALLOW], "--guide compares all channels"),
        (["-o", "photo.png"], "photo.png: would overwrite an input picture"),
        (["-o", "x.txt"], "x.txt: "),
        (["-o", "photo.png/x.png"], "photo.png/x.png: cannot be written (File exists)"),
        (["--zoom", "2", "-o", "photo.png/x"], "photo.png/x"),
        (["--size", "20", *SHALLOW], "is too small; each side should be at least 32 px"),
        (["--network", "inception5h"], INCEPTION),
        (["--zoom", "2", "--save_every", "1", "--report"], "omit --save_every and --report"),
        (["--save_every", "1", "-o", "photo-1.png", *SHALLOW, "--guide", "photo-1-1.png"], INPUT),
        (["--zoom", "2", "-o", "x.gif"], "x.gif: cannot write .gif; use one of .mp4"),
    ],
)
def test_mistakes_are_one_line(
    here: Path,
    said: Callable[..., tuple[int, str, str]],
    arguments: list[str],
    complaint: str,
) -> None:
    shutil.copy("photo.png", "photo-1-1.png")
    code, out, err = said("photo.png", *SMALL, *arguments)
    assert (code, out) == (1, "")
    assert complaint in err and len(err.splitlines()) == 1


def test_a_dream_of_too_many_pixels_is_refused_before_it_is_made(
    here: Path, said: Callable[..., tuple[int, str, str]]
) -> None:
    images.write("thin.png", np.zeros((4000, 1, 3), np.uint8))
    for arguments, complaint in (
        (["thin.png", "--size", "384"], "with a shorter side of 384 instead of 1 it would have"),
        (["--size", "60000"], "--size 60000: 60000 x 60000 pixels are more than 200,000,000"),
    ):
        code, out, err = said(*arguments)
        assert (code, out) == (1, "") and complaint in err and err.count("\n") == 1


@pytest.mark.parametrize("output", [None, "new.one/"])
def test_the_folder_of_a_zoom_may_have_a_dot(
    here: Path, said: Callable[..., tuple[int, str, str]], output: str | None
) -> None:
    Path("photo.png").rename("my.v2.png")
    chosen = [] if output is None else ["-o", output]
    folder = "generated/my.v2-relu1_2-dream" if output is None else "new.one"
    found = said("my.v2.png", *SMALL, *SHALLOW, "--zoom", "1", *chosen)
    assert found[:2] == (0, f"{folder}\n")
    assert [path.name for path in Path(folder).glob("*.png")] == ["00001.png"]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs FFmpeg")
def test_a_zoom_is_a_video_that_can_be_extended(
    here: Path, said: Callable[..., tuple[int, str, str]]
) -> None:
    for frames in (2, 3):
        code, out, _ = said("photo.png", *SMALL, *SHALLOW, "--zoom", str(frames), "-o", "zoom.mp4")
        assert (code, out) == (0, "zoom.mp4\n")
        assert len([*Path("zoom-frames").glob("*.png")]) == frames
    code, _, err = said("photo.png", *SMALL, "--layer", "relu1_1", "--zoom", "3", "-o", "zoom.mp4")
    assert code == 1 and "zoom-frames: contains frames that were made with other options" in err
