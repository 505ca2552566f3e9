"""`train.py`: how a run stops and resumes."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import runs
import yaml

from fastnst import events
from fastnst.cli import train as command
from fastnst.models import descriptions, metrics_log
from fastnst.training.tasks import session

ROOT = Path(__file__).resolve().parent.parent.parent
Conf = Callable[..., Path]

pytestmark = pytest.mark.slow


# A run that is killed, resumed, interrupted, resumed, finished, extended, and started anew.


@dataclasses.dataclass
class Stage:
    """The result of one command: its output, and the run's checkpoints and log afterwards."""

    code: int
    stdout: str
    stderr: str
    saved: list[int]
    log: list[dict[str, Any]]


@dataclasses.dataclass
class Story:
    """The run's folder, its files before the fresh start, and the commands in their order."""

    run: Path
    before_fresh: dict[str, str]
    killed: Stage
    interrupted: Stage
    ended: Stage
    repeated: Stage
    extended: Stage
    fresh: Stage


def wait_for_step(process: subprocess.Popen[bytes], run: Path, step: int) -> None:
    """Waits until a training process has logged a step."""
    deadline = time.monotonic() + 200
    while not any(line["step"] >= step for line in metrics_log.read(run / "metrics.jsonl")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, conf: Conf, photos: Path) -> Story:
    """Runs the commands; the first two are real processes."""
    folder = tmp_path_factory.mktemp("story")
    keys = {"log_every": 1, "checkpoint_every": 20, "preview_every": 30, "max_steps": 100_000}
    path = conf(folder, dataset=str(photos), **keys, **runs.LEAST)
    run = folder / "models" / "tiny"

    def stage(code: int, stdout: str, stderr: str) -> Stage:
        log = metrics_log.read(run / "metrics.jsonl")
        return Stage(code, stdout, stderr, runs.steps_in(run / "checkpoints"), log)

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
    before_fresh = runs.digests(run)
    fresh = here("--fresh", "--steps", "2", "--set", "style_weight=1e5")
    return Story(run, before_fresh, killed, interrupted, ended, repeated, extended, fresh)


def logged(stage: Stage, kind: str = "training") -> list[int]:
    return [line["step"] for line in stage.log if line["kind"] == kind]


def test_a_killed_run_resumes_from_its_last_checkpoint(story: Story) -> None:
    assert story.killed.code == -signal.SIGKILL
    saved, done = story.killed.saved[-1], story.killed.log[-1]["step"]
    assert saved % 20 == 0 and 0 < saved < done  # killed between two checkpoints
    assert f"resuming {story.run} at step {saved} of 100000" in story.interrupted.stderr


def test_the_log_of_a_killed_and_resumed_run_has_every_step_once(story: Story) -> None:
    for stage in (story.killed, story.interrupted, story.ended, story.extended):
        steps = logged(stage)
        assert steps == list(range(1, steps[-1] + 1))
        judged = logged(stage, "validation")
        # Every 30 steps, and at each end.
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


def test_ctrl_c_saves_the_current_step_and_the_same_command_resumes_from_it(story: Story) -> None:
    stage = story.interrupted
    last = logged(stage)[-1]
    assert stage.code == 130 and stage.stdout == ""
    assert "stopping after this step; press Ctrl-C again to stop at once" in stage.stderr
    assert f"stopped and saved at step {last} of 100000" in stage.stderr
    assert stage.saved[-1] == last
    assert f"resuming {story.run} at step {last} of {last + 4}" in story.ended.stderr


def test_a_run_ends_by_printing_the_path_of_its_report(story: Story) -> None:
    for stage in (story.ended, story.extended, story.fresh):
        assert stage.code == 0 and stage.stdout == f"{story.run / 'report.html'}\n"
        assert "Stylize a photo:  fastnst eval --model" in stage.stderr


def test_repeating_the_command_of_a_finished_run_says_how_to_continue(story: Story) -> None:
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
    assert runs.digests(aside) == story.before_fresh
    assert logged(story.fresh) == [1, 2]
    # YAML reads 1e5 as text, but it is a number here.
    assert yaml.safe_load((story.run / "config.yml").read_text())["style_weight"] == 100_000.0


def test_an_unreadable_photo_is_reported_once_and_skipped(story: Story, photos: Path) -> None:
    # One photo of the five is broken, so every epoch comes to it.
    assert len(logged(story.killed)) * 2 > 2 * 5
    for stage in (story.killed, story.interrupted):
        assert stage.stderr.count("broken.png") == 1
        assert f"skipped {photos / 'broken.png'}" in stage.stderr


def test_without_a_terminal_only_our_own_plain_lines_are_printed(story: Story) -> None:
    beginnings = (
        "5 photos in",
        "training ",
        "resuming ",
        "step ",
        "validation at step ",
        "skipped ",
    )
    for stage in (story.killed, story.interrupted):
        lines = [
            line
            for line in stage.stderr.splitlines()
            if not line.startswith((*beginnings, "stopp"))
        ]
        assert lines == []


# Other ends of a run, and a run of an earlier version.


def test_a_run_older_than_recipes_resumes_with_its_own_settings(
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
    # The conf leaves these to the recipe, whose values differ.
    left = ("optimizer", "learning_rate", "schedule", "warmup_steps", "batch_size", "image_size")
    path = conf(tmp_path, **dict.fromkeys((*left, "preview_every", "checkpoint_every")))
    assert command.main(["-c", str(path), "--steps", "7"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if " -> " in line] == [
        "resuming with a changed max_steps: 6 -> 7"
    ]
    written = yaml.safe_load((run / "config.yml").read_text())
    assert {key: written[key] for key in left} == {key: earlier[key] for key in left}
    assert descriptions.Description.read(run / "model.json").names == ("tiny",)


def test_a_nan_loss_stops_the_run_before_anything_is_saved(
    tmp_path: Path, conf: Conf, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "models" / "tiny"
    shutil.copytree(tiny_run, run)
    before = runs.digests(run / "checkpoints") | runs.digests(run / "samples")
    arguments = ["-c", str(conf(tmp_path)), "--steps", "12", "--set", "learning_rate=1e30"]
    # Not even with a checkpoint after each step.
    always = ["--set", "checkpoint_every=1", "--set", "preview_every=1"]
    assert command.main([*arguments, *always]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("train.py: the loss became NaN or infinite between steps 7 and 7 (")
    assert f"the last good checkpoint is {run / 'checkpoints' / 'step-6'}. " in error
    assert "lower learning rate" in error
    assert runs.digests(run / "checkpoints") | runs.digests(run / "samples") == before
    assert "NaN" not in (run / "metrics.jsonl").read_text()
