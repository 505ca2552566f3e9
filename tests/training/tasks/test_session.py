"""Runs of one style, built from configurations; other topics are in test_session_*.py."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import runs
import tensorflow as tf

from fastnst import checkpoint_file, config, errors, events
from fastnst.losses import auto_weight
from fastnst.models import metrics_log
from fastnst.nets import architectures
from fastnst.training.tasks import session

ROOT = Path(__file__).resolve().parents[3]
Conf = Callable[..., Path]


def last_metrics(run: session.Session) -> dict[str, float]:
    """Trains a run to its end and returns the metrics of its last steps."""
    steps: list[events.Step] = []
    finished = run.train([lambda e: steps.append(e) if isinstance(e, events.Step) else None])
    assert not finished.interrupted and steps[-1].finished
    return steps[-1].mean_metrics


def iterations(run: session.Session) -> int:
    """Returns the steps that the optimizer has taken."""
    return int(run.task.kept()["optimizer"].iterations)


@pytest.mark.slow
def test_ten_steps_and_ten_more_equal_twenty_steps(
    tmp_path: Path, conf: Conf, photos: Path
) -> None:
    keys = {
        "dataset": str(photos),
        "max_steps": 20,
        "schedule": "cosine",
        "warmup_steps": 5,
        "checkpoint_every": 10,
        "preview_every": 10,
        "log_every": 1,
    }
    settings = config.load(conf(tmp_path, **keys, **runs.SHALLOW))

    whole = session.open_session(settings.replace(naming="whole"), runs.ignore)
    assert not whole.train().interrupted

    parts = settings.replace(naming="parts")
    first = session.open_session(parts, runs.ignore)
    assert first.train([], runs.stop_after(first, 10)).interrupted
    second = session.open_session(parts, runs.ignore)
    assert second.start_step == 10
    assert not second.train().interrupted

    expected, found = runs.final_checkpoint(whole), runs.final_checkpoint(second)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        np.testing.assert_allclose(found[name], tensor, rtol=1e-6, atol=1e-6, err_msg=name)
    # The run trained on 40 photos, and every fifth position is the broken one.
    assert int(second.engine.state.position) > 40

    def history(run: session.Session) -> list[tuple[str, int, float, float]]:
        lines = metrics_log.read(run.folder.metrics)
        return [
            (line["kind"], line["step"], line["total"], line.get("learning_rate", 0.0))
            for line in lines
            if line["kind"] != "start"
        ]

    starts = [line for line in metrics_log.read(second.folder.metrics) if line["kind"] == "start"]
    assert [(line["step"], line["photos"], line["precision"]) for line in starts] == [
        (0, 5, "float32"),
        (10, 5, "float32"),
    ]
    for one, two in zip(history(whole), history(second), strict=True):
        assert one[:2] == two[:2] and one[2:] == pytest.approx(two[2:], rel=1e-5)
    # The rate rises over five steps and then falls. The last step uses the rate at 19 of 20.
    rates = [rate for kind, _, _, rate in history(whole) if kind == "training"]
    assert rates[0] == 0.0
    assert rates[5] == pytest.approx(1e-3)
    assert rates == sorted(rates[:6]) + sorted(rates[6:], reverse=True)
    assert rates[-1] == pytest.approx(1e-3 * 0.5 * (1 + np.cos(np.pi * 14 / 15)), rel=1e-3)


@pytest.mark.parametrize(
    "keys",
    [
        {"precision": "mixed_bfloat16", "residual_blocks": 1},
        {"optimizer": "muon"},
        pytest.param({"optimizer": "muon", "xla": "on"}, marks=pytest.mark.slow),
        {"scales": 2, "steady": 60.0},
    ],
    ids=str,
)
def test_every_precision_and_optimizer_trains_with_a_finite_loss(
    tmp_path: Path, conf: Conf, keys: dict[str, Any]
) -> None:
    keys = runs.LEAST | keys
    run = session.open_session(config.load(conf(tmp_path, max_steps=3, **keys)), runs.ignore)
    before = run.task.net.tensors()
    metrics = last_metrics(run)
    assert all(np.isfinite(value) for value in metrics.values())
    for name, tensor in run.task.net.tensors().items():
        assert tensor.dtype == np.float32
        assert np.isfinite(tensor).all() and not np.array_equal(tensor, before[name]), name


@pytest.mark.slow
def test_a_float16_run_scales_its_loss_and_resumes_in_float16_or_float32(
    tmp_path: Path, conf: Conf
) -> None:
    # With a loss this large, the scale halves until float16 can hold the gradients.
    large = {"content_weight": 1e3, "style_weight": 1e4, "max_steps": 14}
    settings = config.load(conf(tmp_path, precision="mixed_float16", **large, **runs.SHALLOW))
    run = session.open_session(settings, runs.ignore)
    before = run.task.net.tensors()
    assert all(np.isfinite(value) for value in last_metrics(run).values())
    after = run.task.net.tensors()
    assert [name for name in after if np.array_equal(before[name], after[name])] == []
    # It halved from 1 at every step whose gradients were not finite, which was not taken.
    scale, taken = (float(run.task.kept()["loss_scale"]), iterations(run))
    assert scale == 2.0 ** (taken - 14) and 0 < taken < 14
    steps = int(run.task.kept()["steps_at_loss_scale"])
    assert 0 < steps <= taken

    again = session.open_session(settings.replace(max_steps=15), runs.ignore)
    assert again.start_step == 14 and float(again.task.kept()["loss_scale"]) == scale
    assert not again.train().interrupted
    assert iterations(again) == taken + 1
    assert int(again.task.kept()["steps_at_loss_scale"]) == steps + 1

    # This is the advice for a loss of NaN.
    advised = settings.replace(precision="float32", max_steps=16)
    run = session.open_session(advised, runs.ignore)
    assert run.start_step == 15
    assert not run.train().interrupted
    assert iterations(run) == taken + 2


def test_without_max_steps_the_epochs_give_the_number_of_steps(
    tmp_path: Path, conf: Conf, photos: Path
) -> None:
    path = conf(tmp_path, dataset=str(photos), max_steps=None, epoch=3)
    run = session.open_session(config.load(path), runs.ignore)
    assert run.last_step == 3 * 5 // 2
    assert run.start_step == 0 and run.plan.count == 5
    assert run.task.references()["tiny"].shape[0] == 32


@pytest.mark.slow
def test_image_size_grows_in_stages_and_a_run_resumes_within_one(
    tmp_path: Path, conf: Conf, request: pytest.FixtureRequest
) -> None:
    stages = {32: 2, 48: 3}
    keys = {"stages": stages, "max_steps": 7, "image_size": 64, "naming": "whole"}
    whole = config.load(conf(tmp_path, **keys, **runs.LEAST))
    sizes: list[int] = []

    def train(settings: config.Config) -> session.Session:
        run = session.open_session(settings, runs.ignore)

        def watched(*arguments: Any) -> Any:
            for batch, position in run.feed(*arguments):
                sizes.append(batch.shape[1])
                yield batch, position

        # The engine asks for no batch that it does not train on.
        dataclasses.replace(run, feed=watched).train()
        return run

    train(whole)
    assert sizes == [32, 32, 48, 48, 48, 64, 64]
    sizes.clear()
    request.getfixturevalue("no_steps")
    for last in (3, 7):
        parts = whole.replace(naming="parts", max_steps=last)
        run = train(parts)
    assert sizes == [32, 32, 48, 48, 48, 64, 64]
    assert int(run.engine.state.position) == 7 * whole.data.batch_size


def test_a_run_starts_from_another_model_and_resumes_without_it(
    tmp_path: Path, tiny_run: Path, conf: Conf
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_run, other)
    expected = runs.load(other).tensors()
    heard: list[str] = []
    settings = config.load(conf(tmp_path, start_from=str(other)))
    run = session.open_session(settings, heard.append)
    assert heard == [f"starting from the weights of {other}"]
    for net in (run.task.net, run.task.average):
        for name, tensor in net.tensors().items():
            np.testing.assert_array_equal(tensor, expected[name], err_msg=name)
    run.engine.state.step.assign(2)
    run.engine.checkpointer.save()
    shutil.rmtree(other)
    again = session.open_session(settings, heard.append)
    assert again.start_step == 2 and len(heard) == 1
    for change, message in (
        ({"start_from": str(other)}, "start_from: no model "),
        (
            {"start_from": str(tiny_run), "width": 8},
            f"start_from: {tiny_run} was trained with width: 4; set the same",
        ),
    ):
        with pytest.raises(errors.UserError, match=f"^{message}"):
            session.open_session(settings.replace(naming="new", **change), runs.ignore)
        assert not (tmp_path / "models" / "new").exists()


def test_a_measured_style_weight_is_reported(
    tmp_path: Path, conf: Conf, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = iter([12.3456, 20.0])
    monkeypatch.setattr(auto_weight, "style_weight", lambda *arguments: next(measured))
    heard: list[str] = []
    one = conf(tmp_path, style_weight="auto", strength=2.0, max_steps=1)
    session.open_session(config.load(one), heard.append)
    assert heard == ["style_weight: auto, computed as 24.7"]
    styles = {
        "candy": "img/candy.jpg",
        "wave": {"style_image": "img/wave.jpg", "style_weight": 3.0},
    }
    several = conf(tmp_path, naming="two", style_image=None, styles=styles, style_weight="auto")
    heard.clear()
    session.open_session(config.load(several), heard.append)
    assert heard == ["candy: style_weight: auto, computed as 20"]


@pytest.mark.usefixtures("no_steps")
@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (
            "No space left on device\n...",
            "no space left on the disk; make room and run the same command again",
        ),
        (
            "OOM when allocating tensor\n...",
            "not enough memory for a step; set a smaller batch_size or image_size and run the "
            "same command again",
        ),
    ],
)
def test_running_out_of_disk_or_memory_names_the_checkpoint_to_resume_from(
    tmp_path: Path, conf: Conf, reason: str, told: str
) -> None:
    run = session.open_session(config.load(conf(tmp_path)), runs.ignore)

    def fill(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 3:
            raise tf.errors.ResourceExhaustedError(None, None, reason)

    with pytest.raises(errors.UserError) as caught:
        run.train([fill])
    saved = tmp_path / "models" / "tiny" / "checkpoints" / "step-2"
    assert str(caught.value) == f"{run.folder.path}: {told}, which resumes from {saved}"


# Logical devices must be configured before TensorFlow starts, so this runs in its own process. A
# run on one of two CPUs is treated like a run on one GPU.
_ONE_AND_TWO_DEVICES = """
import sys
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from fastnst import config, devices
from fastnst.training import engine
from fastnst.training.tasks import session

compile_step = engine.Engine.compile_step

def compile_watched_step(self):
    step = compile_step(self)

    def watched(images):
        assert images.device == self.task.variables[0].device, images.device
        assert images.device.endswith("CPU:1"), images.device
        return step(images)

    return watched

def train(naming):
    settings = config.load(sys.argv[1]).replace(naming=naming)
    assert not session.open_session(settings, print).train().interrupted

engine.Engine.compile_step = compile_watched_step
devices.make_strategy = lambda batch_size, **options: tf.distribute.OneDeviceStrategy("CPU:1")
train("one")
engine.Engine.compile_step = compile_step
both = ["CPU:0", "CPU:1"]
devices.make_strategy = lambda batch_size, **options: tf.distribute.MirroredStrategy(both)
train("two")
"""


@pytest.mark.slow
@pytest.mark.parametrize("styles", [1, 2])
def test_two_devices_train_like_one_on_the_same_batches(
    tmp_path: Path, conf: Conf, photos: Path, styles: int
) -> None:
    keys = {"dataset": str(photos), "max_steps": 2, "log_every": 1, **runs.SHALLOW}
    if styles > 1:
        keys |= {"style_image": None, "styles": ["img/candy.jpg", "img/wave.jpg"]}
    path = conf(tmp_path, **keys)
    finished = subprocess.run(
        [sys.executable, "-c", _ONE_AND_TWO_DEVICES, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    one, two = (
        checkpoint_file.read_checkpoint(tmp_path / "models" / naming / "checkpoints" / "step-2")
        for naming in ("one", "two")
    )
    assert one.keys() == two.keys()
    net = [name for name in one if name.startswith("net/")]
    # Eight kernels and the table of styles.
    assert len(net) == 9
    # Two devices sum in another order, which changes a gradient by a millionth of its size. A step
    # of 1e-3 changes as little, except where a gradient is near 0: Adam's first steps have full
    # size for any gradient. The largest difference seen was 7e-6. The shift of the last residual
    # block is excluded: the norm after it removes any constant, so its gradient is noise around 0.
    layout = architectures.Transform(width=4, residual_blocks=1).layout()
    noise = np.concatenate(
        [[entry.name == "residuals/0/norm2/shift"] * entry.size for entry in layout.entries]
    )
    for of in (one, two):
        of["net/styles/.ATTRIBUTES/VARIABLE_VALUE"][:, noise] = 0.0
    for name in (*net, "position/.ATTRIBUTES/VARIABLE_VALUE"):
        np.testing.assert_allclose(two[name], one[name], atol=3e-5, err_msg=name)
    # Adam takes the same step for a gradient and its double, but its moments differ.
    moments = [name for name in one if name.startswith("optimizer/_variables/")]
    assert len(moments) == 2 * 9
    expected, found = (np.concatenate([of[name].ravel() for name in moments]) for of in (one, two))
    assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected)
    logs = [
        metrics_log.read(tmp_path / "models" / naming / "metrics.jsonl")
        for naming in ("one", "two")
    ]
    assert [len(log) for log in logs] == [4, 4]
    for of_one, of_two in zip(*(log[1:] for log in logs), strict=True):
        assert of_two["total"] == pytest.approx(of_one["total"], rel=1e-4)
