"""`train.py`: the files of a run, and its output; other topics are in test_train_*.py."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import runs
import tensorflow as tf
import yaml
from tensorboard.backend.event_processing import event_accumulator

from fastnst import config, events, images
from fastnst.cli import terminal
from fastnst.cli import train as command
from fastnst.config import recipes, schema
from fastnst.models import descriptions, metrics_log, run_folder

ROOT = Path(__file__).resolve().parent.parent.parent
Conf = Callable[..., Path]
TERMS = {"total", "content", "style", "tv"}
UNWEIGHTED = {"unweighted/content", "unweighted/style", "unweighted/tv"}
LAYERS = {"layers/content/relu2_2", "layers/style/relu1_2", "layers/style/relu2_2"}


# The files of a finished run.


def test_the_resolved_configuration_is_saved_in_the_run_folder(tiny_run: Path) -> None:
    written = yaml.safe_load((tiny_run / "config.yml").read_text())
    assert set(written) == set(schema.fields(schema.STYLE))
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


def test_tensorboard_shows_every_term_and_the_images(
    tiny_run: Path, validation_photos: Path
) -> None:
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
    # The photo, its shorter side scaled to the 32 pixels of training, beside its stylized version.
    np.testing.assert_array_equal(
        shown[:, : shown.shape[1] // 2],
        images.to_uint8(images.read(validation_photos / "0.png", 32)),
    )


def test_the_style_target_is_saved_as_the_loss_network_sees_it(tiny_run: Path) -> None:
    saved = images.read(tiny_run / "target_style_tiny.jpg")
    expected = images.read(ROOT / "img" / "wave.jpg", 32)
    assert saved.shape == expected.shape and np.abs(saved - expected).mean() < 6


def test_each_validation_saves_a_strip_of_samples(tiny_run: Path) -> None:
    strips = sorted((tiny_run / "samples").iterdir())
    assert [strip.name for strip in strips] == ["step-000003.png", "step-000006.png"]
    # The photos of 40 x 50 and 48 x 40 at 32 pixels are 32 x 40 and 38 x 32.
    assert images.read(strips[0]).shape == (32, 40 + round(32 * 32 / 38), 3)


def test_the_latest_checkpoints_and_the_best_one_are_kept(tiny_run: Path) -> None:
    assert runs.steps_in(tiny_run / "checkpoints") == [4, 6]
    lines = metrics_log.read(tiny_run / "metrics.jsonl")
    judged = {line["total"]: line["step"] for line in lines if line["kind"] == "validation"}
    assert runs.steps_in(tiny_run / "checkpoints" / "best") == [judged[min(judged)]]


def test_a_report_is_written_at_the_end(tiny_run: Path) -> None:
    report = (tiny_run / "report.html").read_text()
    assert "tiny" in report and "residual_blocks" in report and "data:image/" in report


def test_nothing_else_is_left_behind(tiny_run: Path) -> None:
    assert {path.name for path in tiny_run.iterdir()} == {
        "checkpoints",
        "config.yml",
        "inputs.json",
        "metrics.jsonl",
        "model.json",
        "report.html",
        "samples",
        "target_style_tiny.jpg",
        "tensorboard",
    }


# Several styles, the terminal and the profiler.


@pytest.mark.slow
def test_the_report_covers_each_of_several_styles(
    tmp_path: Path, conf: Conf, capsys: pytest.CaptureFixture[str]
) -> None:
    styles = {name: f"img/{name}.jpg" for name in ("candy", "mosaic", "wave")}
    path = conf(tmp_path, style_image=None, styles=styles, max_steps=3, **runs.LEAST)
    assert command.main(["-c", str(path)]) == 0
    output, error = capsys.readouterr()
    run = tmp_path / "models" / "tiny"
    assert output == f"{run / 'report.html'}\n"
    assert descriptions.Description.read(run / "model.json").names == tuple(styles)
    report = (run / "report.html").read_text()
    for name in styles:
        for term in TERMS:
            assert f'<th scope="row">{name} {term}</th>' in report
    # Two validation photos, each style in turn, in six pairs.
    assert report.count('class="pair"') == 6
    # The bar is too short for the terms of each style.
    (line,) = (line for line in error.splitlines() if line.startswith("step 3/3"))
    assert "total " in line and "candy" not in line


@pytest.mark.slow
def test_a_quick_run_shows_a_progress_bar_in_a_terminal(tmp_path: Path, conf: Conf) -> None:
    path = conf(tmp_path, **runs.LEAST)
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


def test_a_profile_is_written_where_tensorboard_looks(tmp_path: Path) -> None:
    def steps(actions: list[events.Action], should_stop: Callable[[], bool]) -> events.Finished:
        _, profile, *_ = actions
        profile(events.Started(0, 9))
        for step in range(1, 10):
            profile(events.Step(step, 9))
        return events.Finished(9, 9)

    folder = run_folder.RunFolder(tmp_path)
    run: Any = types.SimpleNamespace(train=steps, folder=folder, settings=config.Config())
    command._train(run, runs.ignore, profiled=2, stop=terminal.StopRequest())
    assert list(folder.tensorboard.glob("plugins/profile/*/*.xplane.pb"))
