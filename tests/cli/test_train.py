"""`train.py`: what a run leaves behind, how it stops and resumes, and what bad input gets."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import io
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import yaml
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator

from fastnst import checkpoint_file, config, events, images
from fastnst.cli import train as command
from fastnst.config import recipes
from fastnst.models import metrics_log, model, run_folder
from fastnst.training import engine
from fastnst.training.tasks import session

ROOT = Path(__file__).resolve().parent.parent.parent
Conf = Callable[..., Path]
TERMS = {"total", "content", "style", "tv"}
UNWEIGHTED = {"unweighted/content", "unweighted/style", "unweighted/tv"}
# The smallest objective and network: much of a test is TensorFlow tracing graphs.
LEAST = {"residual_blocks": 0, "content_layers": ["relu1_1"], "style_layers": ["relu1_1"]}
LAYERS = {"layers/content/relu2_2", "layers/style/relu1_2", "layers/style/relu2_2"}


def steps_in(folder: Path) -> list[int]:
    return sorted(int(file.stem.removeprefix("step-")) for file in folder.glob("step-*.index"))


# What a run leaves behind.


def test_the_resolved_configuration_lies_beside_the_checkpoints(tiny_run: Path) -> None:
    written = yaml.safe_load((tiny_run / "config.yml").read_text())
    assert set(written) == set(config.FIELDS)
    assert written["width"] == 4 and written["learning_rate"] == 1e-3


def test_the_log_has_a_line_for_each_interval_and_each_validation(tiny_run: Path) -> None:
    start, *lines = metrics_log.read(tiny_run / "metrics.jsonl")
    assert set(start) == {"kind", "step", "time", "photos", "device", "precision"}
    assert [(line["kind"], line["step"]) for line in lines] == [
        ("training", 2),
        ("validation", 3),
        ("training", 4),
        ("training", 6),
        ("validation", 6),
    ]
    every = {"kind", "step", "time"} | TERMS | UNWEIGHTED | LAYERS
    for line in lines:
        own = {"images_per_second", "learning_rate"} if line["kind"] == "training" else set()
        assert set(line) == every | own
        assert line["total"] == pytest.approx(sum(line[name] for name in TERMS - {"total"}))
        assert line["style"] == pytest.approx(8 * line["unweighted/style"])


def test_tensorboard_shows_every_term_and_the_pictures(tiny_run: Path, judges: Path) -> None:
    events = event_accumulator.EventAccumulator(
        str(tiny_run / "tensorboard"), {"tensors": 0}
    ).Reload()
    tags = {tag: events.Tensors(tag) for tag in events.Tags()["tensors"]}
    terms = TERMS | UNWEIGHTED | LAYERS
    pictures = {"tiny"} | {f"validation/{index}" for index in range(2)}
    assert set(tags) == (
        {f"training/{name}" for name in {*terms, "learning_rate", "images_per_second"}}
        | {f"validation/{name}" for name in terms}
        | pictures
    )
    assert [event.step for event in tags["training/total"]] == [2, 4, 6]
    assert [event.step for event in tags["validation/total"]] == [3, 6]
    lines = metrics_log.read(tiny_run / "metrics.jsonl")
    training = [line for line in lines if line["kind"] == "training"]
    for event, line in zip(tags["training/total"], training, strict=True):
        assert float(tf.make_ndarray(event.tensor_proto)) == pytest.approx(line["total"])
    beside = tf.make_ndarray(tags["validation/0"][0].tensor_proto)[2]
    shown = tf.io.decode_png(beside).numpy()
    # The photo, its shorter side scaled to the 32 pixels of training, beside its painting.
    np.testing.assert_array_equal(
        shown[:, : shown.shape[1] // 2], images.to_uint8(images.read(judges / "0.png", 32))
    )


def test_a_strip_of_samples_is_kept_of_each_validation(tiny_run: Path) -> None:
    strips = sorted((tiny_run / "samples").iterdir())
    assert [strip.name for strip in strips] == ["step-000003.png", "step-000006.png"]
    # The photos of 40 x 50 and 48 x 40 at 32 pixels are 32 x 40 and 38 x 32.
    assert images.read(strips[0]).shape == (32, 40 + round(32 * 32 / 38), 3)


def test_the_last_few_checkpoints_and_the_best_are_kept(tiny_run: Path) -> None:
    assert steps_in(tiny_run / "checkpoints") == [4, 6]
    lines = metrics_log.read(tiny_run / "metrics.jsonl")
    judged = {line["total"]: line["step"] for line in lines if line["kind"] == "validation"}
    assert steps_in(tiny_run / "checkpoints" / "best") == [judged[min(judged)]]


def test_a_report_is_written_at_the_end(tiny_run: Path) -> None:
    report = (tiny_run / "report.html").read_text()
    assert "tiny" in report and "residual_blocks" in report and "data:image/" in report


def test_nothing_else_is_left_behind(tiny_run: Path) -> None:
    assert {path.name for path in tiny_run.iterdir()} == {
        "checkpoints",
        "config.yml",
        "metrics.jsonl",
        "model.json",
        "report.html",
        "samples",
        "tensorboard",
    }


# How a run stops and resumes: it is killed, resumed, interrupted, resumed, finished, extended, and
# started anew.


@dataclasses.dataclass
class Stage:
    """What one command of the story came to."""

    code: int
    stdout: str
    stderr: str
    # As the command left them.
    saved: list[int]
    log: list[dict[str, Any]]


@dataclasses.dataclass
class Story:
    """The run's folder at the end, what lay there before it began anew, and the stages."""

    run: Path
    before_fresh: dict[str, str]
    killed: Stage
    interrupted: Stage
    ended: Stage
    repeated: Stage
    extended: Stage
    fresh: Stage


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def wait_for_step(process: subprocess.Popen[bytes], run: Path, step: int) -> None:
    """Waits until a training process has logged a step."""
    deadline = time.monotonic() + 200
    while not any(line["step"] >= step for line in metrics_log.read(run / "metrics.jsonl")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def story(
    tmp_path_factory: pytest.TempPathFactory, conf: Conf, photo: Callable[..., np.ndarray]
) -> Story:
    """Lives the story; the first two stages are real processes."""
    folder = tmp_path_factory.mktemp("story")
    photos = folder / "photos"
    photos.mkdir()
    for seed in range(4):
        Image.fromarray(photo(40, 44, seed)).save(photos / f"{seed}.png")
    (photos / "broken.jpg").write_text("no photo")
    keys = {"log_every": 1, "checkpoint_every": 20, "preview_every": 30, "max_steps": 100_000}
    path = conf(folder, dataset=str(photos), **keys, **LEAST)
    run = folder / "models" / "tiny"

    def stage(code: int, stdout: str, stderr: str) -> Stage:
        log = metrics_log.read(run / "metrics.jsonl")
        return Stage(code, stdout, stderr, steps_in(run / "checkpoints"), log)

    def in_a_process(step: int, number: signal.Signals) -> Stage:
        output = [(folder / name).open("w+b") for name in ("stdout", "stderr")]
        with output[0], output[1]:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "train.py"), "-c", str(path)],
                stdout=output[0],
                stderr=output[1],
            )
            try:
                wait_for_step(process, run, step)
                process.send_signal(number)
                code = process.wait(200)
            finally:
                process.kill()
                process.wait()
            for file in output:
                file.seek(0)
            return stage(code, output[0].read().decode(), output[1].read().decode())

    def here(*arguments: str) -> Stage:
        stdout, stderr = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            code = command.main(["-c", str(path), *arguments])
        return stage(code, stdout.getvalue(), stderr.getvalue())

    killed = in_a_process(25, signal.SIGKILL)
    interrupted = in_a_process(killed.log[-1]["step"] + 5, signal.SIGINT)
    last = interrupted.saved[-1]
    ended = here("--steps", str(last + 4))
    repeated = here("--steps", str(last + 4))
    extended = here("--steps", str(last + 6))
    before_fresh = digests(run)
    fresh = here("--fresh", "--steps", "2", "--set", "style_weight=1e5")
    return Story(run, before_fresh, killed, interrupted, ended, repeated, extended, fresh)


def logged(stage: Stage, kind: str = "training") -> list[int]:
    return [line["step"] for line in stage.log if line["kind"] == kind]


def test_a_killed_run_resumes_from_its_last_checkpoint(story: Story) -> None:
    assert story.killed.code == -signal.SIGKILL
    saved, done = story.killed.saved[-1], story.killed.log[-1]["step"]
    assert saved % 20 == 0 and 0 < saved < done  # killed between two checkpoints
    assert f"resuming {story.run} at step {saved} of 100000" in story.interrupted.stderr


def test_the_log_of_a_killed_run_has_no_step_twice_and_none_is_missing(story: Story) -> None:
    for stage in (story.killed, story.interrupted, story.ended, story.extended):
        steps = logged(stage)
        assert steps == list(range(1, steps[-1] + 1))
        judged = logged(stage, "validation")
        # Every 30 steps, and wherever it came to an end.
        ends = [story.ended.saved[-1], story.extended.saved[-1]]
        due = {*range(30, steps[-1] + 1, 30), *(end for end in ends if end <= steps[-1])}
        assert judged == sorted(due)


def test_steps_repeated_after_a_kill_have_the_same_losses(story: Story) -> None:
    before, after = (
        {line["step"]: line["total"] for line in stage.log if line["kind"] != "start"}
        for stage in (story.killed, story.interrupted)
    )
    for step, total in before.items():
        assert after[step] == pytest.approx(total, rel=1e-3), step


def test_ctrl_c_saves_this_very_step_and_the_same_command_resumes_from_it(story: Story) -> None:
    stage = story.interrupted
    last = logged(stage)[-1]
    assert stage.code == 130 and stage.stdout == ""
    assert "stopping after this step; press Ctrl-C again to stop at once" in stage.stderr
    assert f"stopped and saved at step {last} of 100000" in stage.stderr
    assert stage.saved[-1] == last
    assert f"resuming {story.run} at step {last} of {last + 4}" in story.ended.stderr


def test_the_end_of_a_run_names_the_report(story: Story) -> None:
    for stage in (story.ended, story.extended, story.fresh):
        assert stage.code == 0 and stage.stdout == f"{story.run / 'report.html'}\n"
        assert "Paint a photo:  python eval.py --model" in stage.stderr


def test_a_finished_run_says_so_and_how_to_continue(story: Story) -> None:
    last = story.ended.saved[-1]
    assert story.repeated.code == 0
    assert story.repeated.stdout == f"{story.run / 'report.html'}\n"
    assert f"{story.run} is finished after {last} steps" in story.repeated.stderr
    assert "--steps" in story.repeated.stderr and "--fresh" in story.repeated.stderr
    assert (story.repeated.saved, story.repeated.log) == (story.ended.saved, story.ended.log)


def test_more_steps_extend_a_finished_run(story: Story) -> None:
    last = story.ended.saved[-1]
    assert f"resuming {story.run} at step {last} of {last + 2}" in story.extended.stderr
    assert f"resuming with a changed max_steps: {last} -> {last + 2}" in story.extended.stderr
    assert story.extended.saved == [last, last + 2]


def test_fresh_moves_the_earlier_run_aside_and_deletes_nothing(story: Story) -> None:
    aside = story.run.with_name("tiny.old1")
    assert f"the earlier {story.run} is kept as {aside}" in story.fresh.stderr
    assert digests(aside) == story.before_fresh
    assert logged(story.fresh) == [1, 2]
    # 1e5, which YAML takes for text, was read as the number it is.
    assert yaml.safe_load((story.run / "config.yml").read_text())["style_weight"] == 100_000.0


def test_a_photo_that_cannot_be_read_is_named_once_and_skipped(story: Story) -> None:
    # Of five photos each fifth is the broken one: it came by in every epoch.
    assert len(logged(story.killed)) * 2 > 2 * 5
    for stage in (story.killed, story.interrupted):
        assert stage.stderr.count("broken.jpg") == 1
        assert f"skipped {story.run.parent.parent}" in stage.stderr


def test_without_a_terminal_only_our_own_plain_lines_are_written(story: Story) -> None:
    beginnings = ("5 photos in", "training ", "resuming ", "step ", "skipped ")
    for stage in (story.killed, story.interrupted):
        lines = [
            line
            for line in stage.stderr.splitlines()
            if not line.startswith((*beginnings, "stopp"))
        ]
        assert lines == []


# Recipes, and several styles.


def test_a_run_of_before_there_were_recipes_resumes_by_its_own_keys(
    tmp_path: Path,
    conf: Conf,
    tiny_run: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session.Session, "train", lambda *arguments: events.Finished(7, 7))
    run = tmp_path / "models" / "tiny"
    shutil.copytree(tiny_run, run)
    (run / "model.json").unlink()
    earlier = yaml.safe_load((run / "config.yml").read_text())
    for key in ("recipe", "identity"):
        del earlier[key]
    earlier["model_path"] = str(tmp_path / "models")
    (run / "config.yml").write_text(yaml.safe_dump(earlier))
    # Today's confs leave these to the recipe, which would be another.
    left = ("optimizer", "learning_rate", "schedule", "warmup_steps", "batch_size", "image_size")
    path = conf(tmp_path, **dict.fromkeys((*left, "preview_every", "checkpoint_every")))
    assert command.main(["-c", str(path), "--steps", "7"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if " -> " in line] == [
        "resuming with a changed max_steps: 6 -> 7"
    ]
    written = yaml.safe_load((run / "config.yml").read_text())
    assert {key: written[key] for key in left} == {key: earlier[key] for key in left}
    assert model.Description.read(run / "model.json").names == ("tiny",)


def test_several_styles_are_trained_and_reported_each(
    tmp_path: Path, conf: Conf, capsys: pytest.CaptureFixture[str]
) -> None:
    styles = {name: f"img/{name}.jpg" for name in ("candy", "mosaic", "wave")}
    path = conf(tmp_path, style_image=None, styles=styles, max_steps=3, **LEAST)
    assert command.main(["-c", str(path)]) == 0
    output, error = capsys.readouterr()
    run = tmp_path / "models" / "tiny"
    assert output == f"{run / 'report.html'}\n"
    assert model.Description.read(run / "model.json").names == tuple(styles)
    report = (run / "report.html").read_text()
    for name in styles:
        for term in TERMS:
            assert f'<th scope="row">{name} {term}</th>' in report
    # Two validation photos, each style in turn, in six pairs.
    assert report.count('class="pair"') == 6
    # The bar is too short for the terms of each style.
    (line,) = (line for line in error.splitlines() if line.startswith("step 3/3"))
    assert "total " in line and "candy" not in line


# What is shown in a terminal.


def test_in_a_terminal_a_quick_run_shows_a_bar(tmp_path: Path, conf: Conf) -> None:
    path = conf(tmp_path, **LEAST)
    terminal, stderr = pty.openpty()
    fcntl.ioctl(stderr, termios.TIOCSWINSZ, struct.pack("4H", 24, 120, 0, 0))
    small = ("--set", "image_size=32", "--set", "batch_size=2", "--set", "log_every=2")
    with subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), "-c", path, "--quick", "--steps", "4", *small],
        stdout=subprocess.PIPE,
        stderr=stderr,
    ) as process:
        os.close(stderr)
        shown = bytearray()
        # Reading fails when the process has closed its side.
        with contextlib.suppress(OSError):
            while data := os.read(terminal, 4096):
                shown += data
        os.close(terminal)
        assert process.stdout is not None
        report = process.stdout.read().decode().strip()
    assert process.returncode == 0
    assert Path(report) == tmp_path / "models" / "tiny-quick" / "report.html"
    written = yaml.safe_load((tmp_path / "models" / "tiny-quick" / "config.yml").read_text())
    quick = recipes.RECIPES["quick"]
    given = {"image_size": 32, "batch_size": 2, "max_steps": 4}
    assert written["recipe"] == "quick"
    assert {key: written[key] for key in quick} == quick | given
    # The rest is the conf's own.
    assert written["width"] == 4 and written["residual_blocks"] == 0

    text = shown.decode()
    assert "0/4" in text and "\r4/4" in text
    last = text[text.rindex("\r4/4") :]
    for term in ("total ", "content ", "style ", "tv ", "images/s"):
        assert term in last
    # TensorFlow's own messages begin with a letter and the date.
    assert "0000 " not in text and "WARNING" not in text and "Traceback" not in text


# How a run ends otherwise.


def test_a_loss_that_is_nan_stops_the_run_and_nothing_of_it_is_saved(
    tmp_path: Path, conf: Conf, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "models" / "tiny"
    shutil.copytree(tiny_run, run)
    before = digests(run / "checkpoints") | digests(run / "samples")
    arguments = ["-c", str(conf(tmp_path)), "--steps", "12", "--set", "learning_rate=1e30"]
    # Even if there is a checkpoint after each step.
    always = ["--set", "checkpoint_every=1", "--set", "preview_every=1"]
    assert command.main([*arguments, *always]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("train.py: the loss became NaN or infinite between steps 7 and 7 (")
    assert f"the last good checkpoint is {run / 'checkpoints' / 'step-6'}. " in error
    assert "learning_rate" in error
    assert digests(run / "checkpoints") | digests(run / "samples") == before
    assert "NaN" not in (run / "metrics.jsonl").read_text()


def ignore(event: events.Event) -> None:
    """An action that does nothing."""


def test_the_second_ctrl_c_ends_a_run_at_once_and_the_signals_are_given_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    def interrupted_twice(
        actions: list[events.Action], should_stop: Callable[[], bool]
    ) -> events.Finished:
        assert not should_stop()
        os.kill(os.getpid(), signal.SIGTERM)
        assert should_stop()
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("unreachable")

    run: Any = types.SimpleNamespace(train=interrupted_twice, settings=config.Config())
    with pytest.raises(KeyboardInterrupt):
        command._train(run, ignore, profiled=None)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_profile_is_written_where_tensorboard_looks(tmp_path: Path) -> None:
    def steps(actions: list[events.Action], should_stop: Callable[[], bool]) -> events.Finished:
        _, profile, *_ = actions
        profile(events.Started(0, 9))
        for step in range(1, 10):
            profile(events.Step(step, 9))
        return events.Finished(9, 9)

    folder = run_folder.RunFolder(tmp_path)
    run: Any = types.SimpleNamespace(train=steps, folder=folder, settings=config.Config())
    command._train(run, ignore, profiled=2)
    assert list(folder.tensorboard.glob("plugins/profile/*/*.xplane.pb"))


# What bad input gets.


def write_records(folder: Path, **features: bytes) -> str:
    """Writes a TFRecord file of three records with these features."""
    feature = {
        key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for key, value in features.items()
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    path = folder / "head.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for _ in range(3):
            writer.write(example.SerializeToString())
    return str(path)


BAD_CONFS: dict[str, tuple[dict[str, Any], str]] = {
    "missing key": ({"style_image": None}, "{conf}: style_image is missing"),
    "misspelt key": (
        {"sytle_size": 64},
        "{conf}:{line}: unknown key sytle_size; did you mean style_size?",
    ),
    "wrong type": ({"batch_size": "many"}, "{conf}:{line}: batch_size: should be a number, found"),
    "image_size 0": ({"image_size": 0}, "{conf}:{line}: image_size: 0 is too small, should be at"),
    "no such layer": ({"style_layers": ["relu9_1"]}, "{conf}:{line}: style_layers: no layer relu9"),
    "naming": ({"naming": "../../x"}, "{conf}:{line}: naming: '../../x' is not a plain name"),
    "choice": (
        {"schedule": "cosin"},
        "{conf}:{line}: schedule: 'cosin' is not one of constant, cosine; did you mean cosine?",
    ),
    "layer not in the file": (
        {"style_layers": ["relu5_1"]},
        "layer relu5_1 is not in the loss network's file, which ends at relu4_3",
    ),
    "style image missing": ({"style_image": "img/cndy.jpg"}, "style_image: img/cndy.jpg: no such"),
    "style image unreadable": ({"style_image": "{text}"}, "style_image: {text}: not an image"),
    "style image is an empty folder": (
        {"style_image": "{folder}/empty"},
        "style_image: {folder}/empty: no paintings in this folder",
    ),
    "folder missing": ({"dataset": "{folder}/nowhere"}, "dataset: {folder}/nowhere: no such file"),
    "folder empty": ({"dataset": "{folder}/empty"}, "dataset: {folder}/empty: contains no photo"),
    "glob unmatched": ({"dataset": "{folder}/*.tfrecord9"}, "dataset: {folder}/*.tfrecord9: no fi"),
    "records without images": (
        {"dataset": "{records}"},
        "dataset: {records}: no image in its records; keys found: label, number",
    ),
    "batch too large": ({"batch_size": 97}, "batch_size: 97 is more than the 96 photos of"),
    "validation empty": (
        {"validation": "{folder}/empty"},
        "validation: {folder}/empty: contains no photo",
    ),
    "validation unreadable": (
        {"validation": "{folder}/bad"},
        "validation: {folder}/bad: none of its 1 photos can be read",
    ),
    "loss network missing": (
        {"loss_model_file": "{folder}/vgg.ckpt"},
        "loss_model_file: {folder}/vgg.ckpt: no checkpoint there",
    ),
    "loss network is something else": (
        {"loss_model_file": "{text}"},
        "loss_model_file: {text}: not a TensorFlow checkpoint",
    ),
}


@pytest.mark.parametrize("name", BAD_CONFS)
def test_bad_input_gets_a_line_that_names_the_place_and_leaves_nothing_behind(
    tmp_path: Path, conf: Conf, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "photo.jpg").write_text("no photo")
    (tmp_path / "text.jpg").write_text("no picture")
    places = {
        "folder": str(tmp_path),
        "text": str(tmp_path / "text.jpg"),
        "records": write_records(tmp_path, number=b"7", label=b"seven"),
    }
    keys, message = BAD_CONFS[name]
    (key, value) = next(iter(keys.items()))
    path = conf(tmp_path, **{key: value.format(**places) if isinstance(value, str) else value})
    lines = path.read_text().splitlines()
    line = next((number for number, text in enumerate(lines, 1) if text.startswith(key)), 0)
    before = digests(tmp_path)

    assert command.main(["-c", str(path)]) == 1
    output, error = capsys.readouterr()
    assert output == ""
    assert error.startswith("train.py: " + message.format(conf=path, line=line, **places))
    assert error.count("\n") == 1
    assert digests(tmp_path) == before and not (tmp_path / "models").exists()


def test_all_mistakes_of_a_conf_are_reported_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.yml"
    path.write_text("style_image: a.jpg\nstyle_size: 2\nepoch: 3\nepoch: 4\nbatchsize: 2\n")
    assert command.main(["-c", str(path), "--set", "seed=x"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"train.py: {path}:4: epoch: already set at {path}:3; remove one of them",
        f"{path}:2: style_size: 2 is too small, should be at least 16",
        f"{path}:5: unknown key batchsize; did you mean batch_size?",
        "--set seed=x: seed: should be a number, found 'x'",
        f"{path}: naming is missing: {config.FIELDS['naming'].metadata['help']}",
    ]


def test_a_model_path_that_cannot_be_written_is_named(
    tmp_path: Path, conf: Conf, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("precious")
    arguments = ["-c", str(conf(tmp_path)), "--model_path", str(tmp_path / "file" / "models")]
    assert command.main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"train.py: model_path: {tmp_path}/file/models/tiny cannot be written")
    assert error.count("\n") == 1 and "--model_path" in error
    assert (tmp_path / "file").read_text() == "precious"


def test_a_disk_that_is_too_full_is_found_before_training(
    tmp_path: Path,
    conf: Conf,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = types.SimpleNamespace(total=10**9, used=10**9 - 7_000_000, free=7_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert command.main(["-c", str(conf(tmp_path))]) == 1
    error = capsys.readouterr().err
    assert (
        "has 7 MB of free disk space, but the checkpoints need" in error and error.count("\n") == 1
    )
    assert [path for path in (tmp_path / "models").rglob("*") if path.is_file()] == []


def test_a_damaged_checkpoint_is_skipped_and_if_all_are_damaged_a_line_says_what_to_do(
    tmp_path: Path,
    conf: Conf,
    tiny_run: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Everything but computing.
    monkeypatch.setattr(engine.Engine, "compile_step", lambda self: lambda batch: {})
    run = tmp_path / "models" / "tiny"
    shutil.copytree(tiny_run, run)

    def damage(step: int) -> None:
        data = run / "checkpoints" / f"step-{step}.data-00000-of-00001"
        data.write_bytes(data.read_bytes()[:1000])

    damage(6)
    assert command.main(["-c", str(conf(tmp_path)), "--steps", "7"]) == 0
    error = capsys.readouterr().err
    assert f"{run / 'checkpoints' / 'step-6'}: is damaged (" in error
    assert f"resuming {run} at step 4 of 7" in error
    last = [Path(path).name for path in checkpoint_file.saved(run / "checkpoints")]
    assert last == ["step-6", "step-7"]
    for step in (6, 7):
        damage(step)
    before = digests(run)
    assert command.main(["-c", str(conf(tmp_path)), "--steps", "12"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"train.py: {run / 'checkpoints' / 'step-7'}: cannot resume")
    assert "--fresh" in error
    assert digests(run) == before


def test_another_architecture_is_a_line_that_says_what_to_do(
    tmp_path: Path, conf: Conf, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "models" / "tiny"
    shutil.copytree(tiny_run, run)
    before = digests(run)
    assert command.main(["-c", str(conf(tmp_path)), "--set", "width=8"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"train.py: width: {run} was begun with 4 and cannot resume with 8")
    assert error.count("\n") == 1 and digests(run) == before
    # Nor where the configuration is gone.
    (run / "config.yml").unlink()
    assert command.main(["-c", str(conf(tmp_path)), "--set", "width=8"]) == 1
    assert "another architecture" in capsys.readouterr().err.splitlines()[-1]
