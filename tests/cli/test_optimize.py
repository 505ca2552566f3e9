"""`fastnst optimize`, on pictures of 32 pixels and with a few iterations."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacked
import tensorflow as tf
from PIL import Image
from scipy import io
from tensorboard.backend.event_processing import event_accumulator

from fastnst import errors, images
from fastnst.cli import optimize, optimizing
from fastnst.features import loss_network, vgg
from fastnst.losses import perceptual, presets
from fastnst.pixels import descent, gatys

ROOT = Path(__file__).resolve().parents[2]
SMALL = ["--size", "32", "--steps", "3"]


@pytest.fixture
def here(tmp_path: Path, photo: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a photo and two paintings."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(40, 50)).save("photo.png")
    Image.fromarray(photo(60, 45, 1)).save("red.png")
    random = np.random.default_rng(2).integers(0, 256, (48, 70, 3), dtype=np.uint8)
    Image.fromarray(random).save("blue.png")
    return tmp_path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = optimize.main(arguments)
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Replaces the objective by one for gray pictures; collects `make_objective`'s arguments."""
    made: list[tuple[Any, ...]] = []

    def judge(pictures: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        far = tf.reduce_mean(tf.square(pictures - 128.0))
        return far, {"total": far, "content": far, "style": 0 * far, "tv": 0 * far}

    class Gray:
        weights = perceptual.Weights(1.0, 2.0, 0.0, {}, {})

        def towards(self, content: np.ndarray) -> Any:
            return judge

    def make(*arguments: Any, **named: Any) -> Gray:
        made.append(arguments)
        return Gray()

    monkeypatch.setattr(presets, "make_objective", make)
    return made


def files() -> set[str]:
    """All files except the photo and the paintings."""
    found = {str(path) for path in Path().rglob("*") if path.is_file()}
    return found - {"photo.png", "red.png", "blue.png"}


@pytest.mark.slow
def test_a_photo_is_stylized_at_its_own_size(here: Path, said: Any) -> None:
    code, output, error = said("photo.png", "--style", "blue.png", "--size", "32", "--steps", "9")
    assert code == 0
    assert files() == {"generated/photo-blue-optimized.png"}
    found = re.match(
        r"generated/photo-blue-optimized\.png: objective (.+)M from 5M, 9 iterations in", output
    )
    assert found and float(found[1]) < 4
    stylized = images.decode(images.read_bytes("generated/photo-blue-optimized.png"))
    assert stylized.shape == (40, 50, 3)
    lines = error.splitlines()
    assert lines[0].startswith("40 x 32 px, johnson, weights: content 1, style ")
    assert lines[-1].startswith("iteration 9/9  total ")
    assert all(f"  {term} " in lines[-1] for term in ("content", "style", "tv"))


def test_the_best_picture_of_the_minimizer_is_written(
    here: Path, said: Any, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def minimize(objective: object, start: np.ndarray, steps: int, **others: Any) -> object:
        best = np.zeros_like(start)
        best[:, :, 0] = 200.4
        given.update(others, start=start, steps=steps)
        return descent.Result(best, 1.0, 1, ({"total": 9.0}, {"total": 1.0}), False)

    monkeypatch.setattr(descent, "minimize", minimize)
    asked = ["--method", "adam", "--learning_rate", "2.5", "-o", "out.png", *SMALL]
    code, output, _ = said("photo.png", "--style", "red.png", *asked)
    assert code == 0
    assert output.startswith("out.png: objective 1 from 9, 1 iteration in ")
    stylized = images.decode(images.read_bytes("out.png"))
    np.testing.assert_array_equal(stylized, np.full((40, 50, 3), (200, 0, 0)))
    assert (given["steps"], given["method"], given["learning_rate"]) == (3, "adam", 2.5)
    assert given["start"].shape == (32, 40, 3)


def start_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> np.ndarray:
    """The initial picture that the minimizer gets."""
    starts: list[np.ndarray] = []

    def minimize(objective: object, start: np.ndarray, *others: Any, **more: Any) -> object:
        starts.append(start)
        return descent.Result(start, 1.0, 0, ({"total": 1.0},), False)

    monkeypatch.setattr(descent, "minimize", minimize)
    assert optimize.main(["photo.png", "--style", "red.png", *SMALL, *arguments]) == 0
    return starts[0]


def test_it_starts_from_the_photo_from_noise_or_from_a_picture(
    here: Path, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = images.resize(images.decode(images.read_bytes("photo.png")), 32, 40)
    np.testing.assert_array_equal(start_of(monkeypatch), small)
    blue = images.resize(images.decode(images.read_bytes("blue.png")), 32, 40)
    np.testing.assert_array_equal(start_of(monkeypatch, "--init", "blue.png"), blue)
    noise = start_of(monkeypatch, "--init", "noise")
    assert noise.shape == (32, 40, 3) and noise.dtype == np.float32
    assert noise.min() < 5 and noise.max() > 250 and abs(noise.mean() - 127.5) < 5
    again = start_of(monkeypatch, "--init", "noise", "--seed", "0")
    np.testing.assert_array_equal(noise, again)
    other = start_of(monkeypatch, "--init", "noise", "--seed", "1")
    assert np.abs(noise - other).mean() > 50


@pytest.mark.parametrize(
    ("own", "asked", "expected"),
    [
        ((100, 37), [], (100, 37)),
        ((600, 768), [], (512, 655)),
        ((600, 768), ["--size", "520"], (520, 666)),
        ((20, 30), ["--size", "40"], (40, 60)),
    ],
)
def test_it_works_at_the_photos_own_size_up_to_512_pixels(
    here: Path,
    plain: list[tuple[Any, ...]],
    photo: Callable[..., np.ndarray],
    own: tuple[int, int],
    asked: list[str],
    expected: tuple[int, int],
) -> None:
    Image.fromarray(photo(*own)).save("photo.png")
    arguments = ["photo.png", "--style", "red.png", "--method", "adam", "--steps", "1", *asked]
    assert optimize.main(arguments) == 0
    # The last size; pictures above 512 pixels begin at half of it.
    _, pixels, [(style, _)], _ = plain[-1]
    assert pixels.shape == (*expected, 3) and pixels.dtype == np.float32
    assert min(style.shape[:2]) == min(expected)
    assert images.read("generated/photo-red-optimized.png").shape == (*own, 3)


def test_several_styles_are_blended_by_their_weights(
    here: Path, said: Any, plain: list[tuple[Any, ...]]
) -> None:
    both = ["photo.png", "--style", "red.png", "--style", "blue.png", *SMALL]
    assert said(*both)[0] == 0
    assert said(*both, "--style_blend", "2,0.5", "--style_size", "24")[0] == 0
    seen = [[(style.shape, share) for style, share in made[2]] for made in plain]
    assert seen[0] == [((43, 32, 3), 1.0), ((32, 47, 3), 1.0)]
    assert seen[1] == [((32, 24, 3), 2.0), ((24, 35, 3), 0.5)]
    # The second picture gets a number, because the first is not overwritten.
    assert files() == {
        "generated/photo-red-blue-optimized.png",
        "generated/photo-red-blue-optimized-2.png",
    }


def test_intermediate_pictures_are_written(here: Path, said: Any, plain: Any) -> None:
    asked = "--method adam --size 32 --steps 10 --save_every 4 -o out/a.jpg".split()
    assert said("photo.png", "--style", "red.png", *asked)[0] == 0
    assert files() == {"out/a.jpg", "out/a-04.jpg", "out/a-08.jpg"}
    first, second, last = (
        images.read(f"out/{name}.jpg").astype(int) for name in ("a-04", "a-08", "a")
    )
    assert first.shape == second.shape == last.shape == (40, 50, 3)
    assert 0 < np.abs(second - last).mean() < np.abs(first - last).mean()


def test_an_intermediate_picture_that_cannot_be_written_does_not_stop_the_search(
    here: Path, said: Any, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = images.write

    def fail(path: Path, picture: Any) -> None:
        if path.stem != "a":
            raise errors.UserError(f"{path}: cannot be written (No space left on device)")
        write(path, picture)

    monkeypatch.setattr(images, "write", fail)
    asked = "--method adam --size 32 --steps 3 --save_every 2 --report -o a.png".split()
    code, _, error = said("photo.png", "--style", "red.png", *asked)
    assert code == 0
    assert "a-2.png: cannot be written (No space left on device)\n" in error
    assert files() == {"a.png", "a.html"}


@pytest.mark.slow
def test_the_report_shows_pictures_curves_and_the_command(here: Path, said: Any) -> None:
    arguments = ["photo.png", "--style", "red.png", "--style", "blue.png", *SMALL]
    code, output, _ = said(*arguments, "--save_every", "1", "--report", "-o", "my pictures/a.png")
    assert code == 0
    assert output.splitlines()[1] == "my pictures/a.html"
    page = Path("my pictures/a.html").read_text(encoding="utf-8")
    assert "photo · optimization report" in page
    assert page.count('<img alt="stylized at step ') == 3
    for number, _ in enumerate(("total", "content", "style")):
        assert f'<g class="training term{number}">' in page
    assert "<dt>Iterations</dt><dd>3, the best at 3</dd>" in page
    assert "style: red.png blue.png\n" in page
    assert "style_blend" not in page and "Configuration" not in page and "eval.py" not in page
    assert (
        "fastnst optimize photo.png --style red.png --style blue.png --size 32 --steps 3 "
        "--save_every 1 --report -o &#x27;my pictures/a.png&#x27;</pre>"
    ) in page
    # Both styles side by side: 43 x 32 px is scaled to the height of 32 x 47 px.
    assert '<img alt="the style image" width="71" height="32"' in page


def test_the_report_shows_the_best_terms_not_the_last(
    here: Path, said: Any, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = tuple({"total": total, "content": total} for total in (999.0, 111.0, 555.0))

    def minimize(objective: object, start: np.ndarray, *others: Any, **more: Any) -> object:
        return descent.Result(start, 111.0, 1, history, False)

    monkeypatch.setattr(descent, "minimize", minimize)
    assert said("photo.png", "--style", "red.png", *SMALL, "--report", "-o", "a.png")[0] == 0
    page = Path("a.html").read_text(encoding="utf-8")
    assert '<th scope="row">total</th><td>111</td></tr>' in page
    assert "<td>555</td>" not in page
    assert "2, the best at 1" in page


def test_the_alpha_of_the_photo_is_kept(here: Path, said: Any, plain: Any) -> None:
    picture = Image.open("photo.png").convert("RGBA")
    picture.putalpha(Image.fromarray(np.tile(np.arange(50, dtype=np.uint8), (40, 1))))
    picture.save("photo.png")
    assert said("photo.png", "--style", "red.png", *SMALL)[0] == 0
    alpha = images.read_picture("generated/photo-red-optimized.png").alpha
    assert alpha is not None
    np.testing.assert_array_equal(alpha[7], np.arange(50))


def test_the_choices_in_the_help_match_the_modules() -> None:
    assert set(optimizing.METHODS) == set(descent.METHODS)
    assert set(optimizing.POOLINGS) == set(loss_network.POOLINGS)
    assert optimizing.DEFAULT_SIDE == gatys.FINE_SIDE


def test_the_variants_search_as_their_sources_do(
    here: Path, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def minimize(objective: object, start: np.ndarray, steps: int, **others: Any) -> object:
        given.update(others, start=start, steps=steps)
        return descent.Result(start, 1.0, 0, ({"total": 1.0},), False)

    monkeypatch.setattr(descent, "minimize", minimize)
    arguments = ["photo.png", "--style", "red.png", "--size", "32", "--variant", "notes"]
    assert optimize.main(arguments) == 0
    assert (given["steps"], given["method"], given["learning_rate"]) == (1000, "adam", 10.0)
    gray = given["start"]
    assert gray.shape == (32, 40, 3) and gray.dtype == np.float32
    assert abs(gray.mean() - 128) < 0.1 and abs(gray.std() - 1) < 0.05
    # The cookbook draws N(0, 1) * 0.256 around the mean color of VGG's pictures.
    assert optimize.main([*arguments, "--variant", "stylenet"]) == 0
    np.testing.assert_allclose(given["start"].mean((0, 1)), [123.68, 116.78, 103.94], atol=0.05)
    np.testing.assert_allclose(given["start"].std((0, 1)), 0.256, atol=0.02)
    others = ["--steps", "5", "--method", "lbfgs", "--init", "content"]
    assert optimize.main([*arguments, *others]) == 0
    assert (given["steps"], given["method"]) == (5, "lbfgs")
    assert given["start"].std() > 5


def test_layers_and_normalization_are_those_of_the_command_line(here: Path, said: Any) -> None:
    asked = "--content_layers conv2_2 --style_layers relu1_1:2,relu2_1:0.5 --normalization gatys"
    report = ["--tensorboard", "board", "--report", "-o", "a.png"]
    code, _, error = said("photo.png", "--style", "red.png", *SMALL, *asked.split(), *report)
    assert code == 0, error
    board = event_accumulator.EventAccumulator("board", {"tensors": 0}).Reload()
    tags = board.Tags()["tensors"]
    layers = {tag.removeprefix("training/layers/") for tag in tags if "/layers/" in tag}
    assert {"content/relu2_2", "style/relu1_1", "style/relu2_1"} <= layers
    assert [event.step for event in board.Tensors("training/total")] == [1, 2, 3]
    # A picture of each iteration, because there are few.
    assert [event.step for event in board.Tensors("validation/0")] == [1, 2, 3]
    page = Path("a.html").read_text(encoding="utf-8")
    assert page.count('<img alt="stylized at step ') == 3
    assert "style_layers: relu1_1:2, relu2_1:0.5\n" in page
    # Pictures are written only if they are asked for.
    assert {name for name in files() if not name.startswith("board")} == {"a.png", "a.html"}


def test_each_improvement_is_written_when_asked(here: Path, said: Any, plain: Any) -> None:
    asked = "--method adam --learning_rate 30 --size 32 --steps 12 --save_improvements -o a.png"
    assert said("photo.png", "--style", "red.png", *asked.split())[0] == 0
    written = sorted(files() - {"a.png"})
    # Such large steps overshoot.
    assert 0 < len(written) < 12
    assert all(re.fullmatch(r"a-\d\d\.png", name) for name in written)
    np.testing.assert_array_equal(images.read(written[-1]), images.read("a.png"))


def test_a_large_picture_is_optimized_from_coarse_to_fine(
    here: Path, said: Any, plain: list[tuple[Any, ...]]
) -> None:
    asked = "--method adam --size 64 --scales 3 --steps 4 --style_size 32 --save_every 2".split()
    code, output, error = said("photo.png", "--style", "red.png", *asked, "-o", "a.png")
    assert code == 0 and ", 7 iterations in" in output
    # At each size, the style is scaled in proportion.
    seen = [(made[1].shape[:2], min(made[2][0][0].shape[:2])) for made in plain]
    assert seen == [((16, 20), 8), ((32, 40), 16), ((64, 80), 32)]
    assert files() == {"a.png", "a-2.png", "a-4.png", "a-6.png"}
    sizes = [line.split(",")[0] for line in error.splitlines() if ", weights: " in line]
    assert sizes == ["20 x 16 px", "40 x 32 px", "80 x 64 px"]
    assert "iteration 7/7" in error
    code, _, error = said("photo.png", "--style", "red.png", "--size", "40", "--scales", "3")
    assert code == 1 and "10 px is too small" in error and "fewer --scales" in error


def test_the_pixels_of_all_pictures_have_one_limit(here: Path, said: Any) -> None:
    for limit, name in (("1000", "photo.png"), ("2000", "red.png")):
        code, _, error = said("photo.png", "--style", "red.png", *SMALL, "--max-pixels", limit)
        assert code == 1 and error.startswith(f"fastnst optimize: {name}: ")
        assert f"pixels are more than {int(limit):,}" in error


def test_slims_other_networks_stylize(here: Path, said: Any) -> None:
    stacked.write(Path("pretrained/lenet.ckpt"), "lenet", inputs=1)
    given = ["photo.png", "--style", "red.png", *SMALL, "--loss_model", "lenet"]
    code, _, error = said(*given, "--content_layers", "relu2", "--style_layers", "relu1,relu2")
    assert code == 0, error
    code, _, error = said(*given)
    assert code == 1 and "lenet has no layer relu3_3" in error and "`fastnst layers lenet`" in error


def test_vgg19_of_matconvnet_stylizes(
    here: Path, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = ((2, 4), (2, 5), (4, 6), (4, 7), (4, 8))
    monkeypatch.setitem(vgg.MODELS, "vgg_19", blocks)
    random, inputs = np.random.default_rng(0), 3
    layers: list[dict[str, Any]] = []
    for count, outputs in blocks:
        for _ in range(count):
            cell = np.empty((1, 2), object)
            cell[0, 0] = random.normal(0, 0.3, (3, 3, inputs, outputs)).astype(np.float32)
            cell[0, 1] = np.zeros((outputs, 1), np.float32)
            layers += [{"type": "conv", "weights": cell}, {"type": "relu"}]
            inputs = outputs
        layers.append({"type": "pool"})
    struct = np.empty((1, len(layers)), object)
    struct[0, :] = layers
    mean = {"normalization": {"averageImage": np.full((1, 1, 3), 120.0)}}
    io.savemat("vgg.mat", {"layers": struct, "meta": mean})
    arguments = ["photo.png", "--style", "red.png", *SMALL, "--loss_model", "vgg_19"]
    for pooling in ("max", "avg"):
        given = ["--loss_model_file", "vgg.mat", "--pooling", pooling, "-o", f"{pooling}.png"]
        code, _, error = said(*arguments, "--variant", "gatys", *given)
        assert code == 0, error
    assert images.read_bytes("max.png") != images.read_bytes("avg.png")
    code, _, error = said(*arguments)
    assert code == 1 and error.count("\n") == 1
    assert "pretrained/imagenet-vgg-verydeep-19.mat: no such file; download imagenet-vgg" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["foto.png"], "foto.png: no such file; did you mean photo.png?"),
        (["photo.png", "--style", "green.png"], "green.png: no such file"),
        (["photo.png", "--size", "8"], "photo.png: 8 px is too small, the shorter side should be"),
        (["photo.png", "--style_size", "9"], "--style_size 9: should be at least 16"),
        (["photo.png", "--init", "nose"], "--init nose: no such file; use content, noise"),
        (["photo.png", "--style_blend", "1,2"], "--style_blend 1,2: 2 weights for 1 styles; set"),
        (["photo.png", "--style_blend", "0"], "--style_blend 0: all weights are 0; set"),
        (["photo.png", "--style_blend", "x"], "--style_blend x: 'x' should be a number from 0 to"),
        (["photo.png", "-o", "a.xyz"], "a.xyz: cannot write .xyz"),
        (["photo.png", "-o", "photo.png"], "photo.png: would overwrite an input picture; choose"),
        (["photo.png", "-o", "red.png"], "red.png: would overwrite an input picture; choose"),
        (["photo.png", "-o", "red.png/a.png"], "red.png/a.png: cannot be written (File exists)"),
        (["photo.png", "--style_weight", "0", "--content_weight", "0"], "all weights are 0"),
        (["photo.png", "--variant", "gatys"], "--variant gatys: layer relu5_1 is not in the loss"),
        (["photo.png", "--loss_model_file", "no.ckpt"], "no.ckpt: no checkpoint there"),
        (["photo.png", "--loss_model_file", "red.png"], "red.png: "),
    ],
)
def test_user_errors_print_one_line_and_write_nothing(
    here: Path, said: Any, arguments: list[str], message: str
) -> None:
    style = [] if "--style" in arguments else ["--style", "red.png"]
    code, output, error = said(*arguments, *style, "--steps", "3")
    # The line with the weights is printed before the search, so it may precede the error.
    lines = [line for line in error.splitlines() if ", weights: " not in line]
    assert (code, output, len(lines)) == (1, "", 1), error
    assert lines[0].startswith(f"fastnst optimize: {message}")
    assert not files()


def test_intermediate_pictures_never_overwrite_an_input(here: Path, said: Any) -> None:
    Path("photo.png").rename("a-2.png")
    before = images.read_bytes("a-2.png")
    code, _, error = said(
        "a-2.png", "--style", "red.png", *SMALL, "--save_every", "2", "-o", "a.png"
    )
    assert code == 1 and "a-2.png: would overwrite an input picture" in error
    assert images.read_bytes("a-2.png") == before


def test_a_format_that_cannot_hold_the_result_raises_an_error_before_the_search(
    here: Path, said: Any, plain: Any
) -> None:
    Image.fromarray(np.zeros((20, 17_000, 3), np.uint8)).save("photo.png")
    asked = ["--size", "16", "--steps", "1", "-o", "a.webp"]
    code, output, error = said("photo.png", "--style", "red.png", *asked)
    assert (code, output) == (1, "")
    assert "a.webp: 17000 x 20 pixels cannot be written as WEBP" in error
    assert error.count("\n") == 1  # No iteration was run.


@pytest.mark.parametrize(
    "arguments",
    [
        ["photo.png"],
        ["photo.png", "--style", "red.png", "--steps", "0"],
        ["photo.png", "--style", "red.png", "--seed", "-1"],
        ["photo.png", "--style", "red.png", "--style_weight", "nan"],
        ["photo.png", "--style", "red.png", "--style_weight", "1e31"],
        ["photo.png", "--style", "red.png", "--learning_rate", "inf"],
        ["photo.png", "--style", "red.png", "--style_layers", "relu9_1"],
        ["photo.png", "--style", "red.png", "--style_layers", "relu1_1:0"],
        ["photo.png", "--style", "red.png", "--scales", "99"],
        ["photo.png", "--style", "red.png", "--loss_model", "resnet_v1_50"],
        ["photo.png", "--style", "red.png", "--learning_rate", "-1"],
        ["photo.png", "--style", "red.png", "--variant", "monet"],
    ],
)
def test_wrong_usage_exits_with_code_2(here: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        optimize.main(arguments)
    assert stop.value.code == 2
    assert not files()


@pytest.mark.slow
def test_ctrl_c_writes_the_best_picture_so_far(here: Path) -> None:
    command = f"{sys.executable} -m fastnst optimize photo.png --style blue.png --size 32"
    with subprocess.Popen(
        [*command.split(), "--steps", "5000", "--save_every", "5"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background ignore Ctrl-C, which child processes would inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        while (
            process.poll() is None and not Path("generated/photo-blue-optimized-0005.png").exists()
        ):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert re.match(
        r"generated/photo-blue-optimized\.png: objective \S+ from 5M, \d+ iterations in ", output
    )
    assert "Traceback" not in error
    last = error.splitlines()[-1]
    assert last.startswith("stopped after ") and last.endswith(" of 5,000 iterations")
    stylized = images.decode(images.read_bytes("generated/photo-blue-optimized.png"))
    assert stylized.shape == (40, 50, 3)
    assert not np.array_equal(stylized, images.read("photo.png"))


def test_ctrl_c_before_the_first_iteration_writes_nothing(
    here: Path, said: Any, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def minimize(objective: object, start: np.ndarray, *others: Any, **more: Any) -> object:
        return descent.Result(start, 1.0, 0, ({"total": 1.0},), True)

    monkeypatch.setattr(descent, "minimize", minimize)
    code, output, error = said("photo.png", "--style", "red.png", *SMALL)
    assert (code, output) == (130, "")
    assert error.endswith("fastnst optimize: interrupted\n")
    assert not files()
