"""The faults: each disturbs trainings, resumes them, and compares them with an unbroken one."""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import functools
import importlib.util
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import trainings

HOUR = 3600.0


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        fault: What was done.
        times: How often.
        lost: The most steps that had to be repeated.
        outcome: What followed.
        passed: Whether that is what is promised.
    """

    fault: str
    times: int
    lost: int
    outcome: str
    passed: bool


class Bench:
    """A place for trainings, with the result of the one that is never disturbed."""

    def __init__(self, folder: Path, steps: int, seed: int = 0, task: str = "style") -> None:
        """Trains the undisturbed run of a task."""
        self.folder, self.steps = folder, steps
        self.random = random.Random(seed)
        self.conf = trainings.prepare(folder, steps, task)
        self._count = 0
        models = self.models()
        self.whole = models / "run"
        ended = trainings.Training(self.conf, models).end()
        if ended.code or not trainings.metrics_are_whole(self.whole, steps):
            raise RuntimeError(f"the undisturbed training failed: {ended.stderr}")
        self.expected = trainings.weights(self.whole)

    def models(self) -> Path:
        """Returns a new folder of models."""
        self._count += 1
        folder = self.folder / f"case-{self._count}" / "models"
        folder.mkdir(parents=True)
        return folder

    def finish(self, models: Path, **options: object) -> tuple[trainings.Ended, str]:
        """Runs the same command to the end; returns its end, and what is wrong with the result."""
        ended = trainings.Training(self.conf, models, **options).end()  # type: ignore[arg-type]
        return ended, self.verdict(models / "run", ended)

    def verdict(self, run: Path, ended: trainings.Ended) -> str:
        """Returns what is wrong with a finished run, nothing if it equals the undisturbed one."""
        if ended.code or not ended.is_clean:
            return f"exit {ended.code}: {ended.last_line}"
        if trainings.weights(run) != self.expected:
            return "other weights"
        if not trainings.metrics_are_whole(run, self.steps):
            return "metrics are missing or doubled"
        left = [path for path in run.rglob("*") if path.name.endswith("_temp")]
        return f"left {left[0].name}" if left else ""


def row(fault: str, times: int, lost: int, wrong: collections.abc.Iterable[str]) -> Row:
    """Returns the row of a fault after which runs should be as if it had not been."""
    found = [text for text in wrong if text]
    passed = not found and lost <= trainings.CHECKPOINT_EVERY
    return Row(fault, times, lost, "; ".join(found) or "resumed, bit-identical", passed)


def killed(bench: Bench) -> collections.abc.Iterator[Row]:
    """Kills trainings 20 times."""
    for moment, times in (("between", 10), ("checkpoint", 5), ("validation", 5)):
        yield kills(bench, moment, times)


def kills(bench: Bench, moment: str, times: int) -> Row:
    """Kills one training so often, each time at a random moment of a kind, and lets it finish.

    Args:
        bench: The bench.
        moment: "between" (any moment), "checkpoint" (within a write) or "validation".
        times: Number of kills.
    """
    models, lost, done, wrong = bench.models(), 0, 0, []
    while done < times:
        training = trainings.Training(bench.conf, models)
        run = training.run
        before = trainings.last_step(run)
        if not training.wait_for_steps(1) or not training.wait_for(_at(run, moment, bench.random)):
            ended = training.end(signal.SIGKILL)
            wrong.append(f"ended before kill {done + 1}: {ended.last_line}")
            break
        ended = training.end(signal.SIGKILL)
        if done:
            lost = max(lost, before - ended.resumed_at)
        wrong += [] if ended.code == -signal.SIGKILL else [f"exit {ended.code}"]
        done += 1
    before = trainings.last_step(run)
    ended, verdict = bench.finish(models)
    lost = max(lost, before - ended.resumed_at)
    return row(f"SIGKILL, {moment}", done, lost, [*wrong, verdict])


def _at(run: Path, moment: str, chance: random.Random) -> collections.abc.Callable[[], bool]:
    """Returns a function that is true once the moment of a kind has come."""
    if moment == "checkpoint":
        # TensorFlow writes into a folder step-N_temp, and renames its files.
        folders = [run / "checkpoints", run / "checkpoints" / "best"]
        return lambda: any(
            name.endswith("_temp")
            for folder in folders
            if folder.is_dir()
            for name in os.listdir(folder)
        )
    if moment == "validation":
        due = (trainings.last_step(run) // trainings.VALIDATE_EVERY + 1) * trainings.VALIDATE_EVERY
        after = chance.uniform(0, 0.05)
        return lambda: trainings.last_step(run) >= due and (time.sleep(after) or True)
    deadline = time.monotonic() + chance.uniform(0, 0.7)
    return lambda: time.monotonic() >= deadline


SIGNALS = ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129))


def signals(
    bench: Bench, sent: collections.abc.Iterable[tuple[signal.Signals, int]] = SIGNALS
) -> collections.abc.Iterator[Row]:
    """Ends trainings by signals that let them save, each with its exit code."""
    for number, code in sent:
        models = bench.models()
        # Under nohup, or in the background of a shell, they would be ignored.
        training = trainings.Training(
            bench.conf,
            models,
            before=functools.partial(signal.signal, number, signal.SIG_DFL),
        )
        training.wait_for_steps(7)
        stopped = training.end(number)
        before = trainings.last_step(training.run)
        ended, verdict = bench.finish(models)
        wrong = [verdict]
        wrong += [] if stopped.code == code and stopped.is_clean else [f"exit {stopped.code}"]
        wrong += [] if (training.run / "report.html").exists() else ["no report"]
        lost = before - ended.resumed_at
        wrong += ["steps lost"] if lost else []
        yield row(f"{number.name} (exit {code})", 1, lost, wrong)


def interrupted(
    bench: Bench,
    fault: str,
    strike: collections.abc.Callable[[trainings.Training], None] = lambda training: None,
    mend: collections.abc.Callable[[Path], None] = lambda run: None,
    *,
    models: Path | None = None,
    loses_all: bool = False,
    before: collections.abc.Callable[[], None] | None = None,
) -> Row:
    """Lets a fault strike a training, which should end by itself in one line; mends it; resumes.

    Args:
        bench: The bench.
        fault: Name of the fault.
        strike: Lets it strike, after some steps.
        mend: Mends it in the run's folder.
        models: The folder of models.
        loses_all: Whether the fault itself deletes all checkpoints.
        before: Runs in the process before the training.
    """
    models = models or bench.models()
    training = trainings.Training(bench.conf, models, before=before)
    if before is None:
        training.wait_for_steps(7)
    strike(training)
    stopped = training.end()
    done = trainings.last_step(training.run)
    mend(training.run)
    ended, verdict = bench.finish(models)
    lost = 0 if loses_all else done - ended.resumed_at
    wrong = [verdict]
    if stopped.code != 1 or not stopped.is_clean:
        wrong.append(f"exit {stopped.code}: {stopped.last_line}")
    made = row(fault, 1, lost, wrong)
    if made.passed:
        told = stopped.last_line.partition(": ")[2]
        return dataclasses.replace(made, outcome=f"one line, {made.outcome}: {told:.60}...")
    return made


def limit(bench: Bench, most: int = 60_000) -> Row:
    """Limits the size of files, which fails as a quota of the disk does."""
    # Python ignores the signal that announces it, so the write itself fails.
    fault = f"RLIMIT_FSIZE of {most:,} bytes (as a quota)"
    return interrupted(bench, fault, before=functools.partial(_limit_files, most))


def disks(bench: Bench) -> collections.abc.Iterator[Row]:
    """Limits of files, full disks, and folders that are removed or read-only."""
    yield limit(bench, 2_000)
    yield limit(bench)
    yield interrupted(
        bench,
        "folder of the run removed",
        lambda training: shutil.rmtree(training.run, ignore_errors=True),
        lambda run: shutil.rmtree(run, ignore_errors=True),
        loses_all=True,
    )
    with _small_disk(bench) as models:
        if models is None:
            yield Row("disk full; folder read-only", 0, 0, "not tried: needs root's mount", True)
            return
        yield interrupted(
            bench, "disk full", lambda t: _fill(models), lambda run: _empty(models), models=models
        )
        shutil.rmtree(models / "run")
        yield interrupted(
            bench,
            "folder made read-only",
            lambda training: _make_read_only(models),
            lambda run: _make_writable(models),
            models=models,
        )


def _limit_files(bytes_: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))


@contextlib.contextmanager
def _small_disk(bench: Bench) -> collections.abc.Iterator[Path | None]:
    """Yields a folder on a file system of 300 MB of its own, None where that is not allowed."""
    models = bench.models()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(models)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        yield models
    finally:
        subprocess.run(["umount", str(models)], check=True)


def _fill(models: Path) -> None:
    with contextlib.suppress(OSError), (models / "filler").open("wb") as file:
        while True:
            file.write(bytes(100_000))
            file.flush()


def _empty(models: Path) -> None:
    (models / "filler").unlink()


def _make_read_only(models: Path) -> None:
    """Covers a folder with a view of it that is read-only; files that are open stay writable."""
    subprocess.run(["mount", "--bind", str(models), str(models)], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", str(models)], check=True)


def _make_writable(models: Path) -> None:
    subprocess.run(["umount", str(models)], check=True)


def clock(bench: Bench) -> Row:
    """Sets the clock back by a year between two parts of a training."""
    models = bench.models()
    training = trainings.Training(bench.conf, models)
    training.wait_for_steps(7)
    training.end(signal.SIGKILL)
    done = trainings.last_step(training.run)
    environment: dict[str, str] = {}
    if library := _libfaketime():
        fault = "clock set back by a year (libfaketime)"
        environment = {"LD_PRELOAD": library, "FAKETIME": "-365d", "DONT_FAKE_MONOTONIC": "1"}
    else:
        fault = "clock set back by a year (files of the future)"
        later = time.time() + 365 * 24 * HOUR
        entries = [{**entry, "time": later} for entry in trainings.log(training.run)]
        lines = "".join(json.dumps(entry) + "\n" for entry in entries)
        (training.run / "metrics.jsonl").write_text(lines)
        for path in training.run.rglob("*"):
            os.utime(path, (later, later))
    ended, verdict = bench.finish(models, environment=environment)
    report = (training.run / "report.html").read_text(encoding="utf-8")
    wrong = ["days in the report's time"] if " day" in report.split("</header>")[0] else []
    return row(fault, 1, done - ended.resumed_at, [verdict, *wrong])


def _libfaketime() -> str | None:
    spec = importlib.util.find_spec("libfaketime")
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.rglob("libfaketime.so.1"))
    return str(found[0]) if found else None


def two_processes(bench: Bench) -> Row:
    """Starts the same training twice."""
    models = bench.models()
    first = trainings.Training(bench.conf, models)
    first.wait_for_steps(1)
    second = trainings.Training(bench.conf, models).end()
    ended = first.end()
    wrong = [bench.verdict(first.run, ended)]
    if second.code != 1 or f"process {first.process.pid} on" not in second.last_line:
        wrong.append(f"the second: exit {second.code}: {second.last_line}")
    outcome = "; ".join(filter(None, wrong)) or "the second is refused, the first bit-identical"
    return Row("two processes in one folder", 1, 0, outcome, not any(wrong))


DAMAGES: dict[str, collections.abc.Callable[[bytes], bytes | None]] = {
    "cut short": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "bit-flipped": lambda content: _flipped(content),
    "deleted": lambda content: None,
}


def _flipped(content: bytes) -> bytes:
    flipped = bytearray(content)
    if flipped:
        flipped[len(flipped) // 2] ^= 0x10
    return bytes(flipped)


def damages(bench: Bench, most: int | None = None) -> collections.abc.Iterator[Row]:
    """Damages each file of a stopped run in each way, and lets it finish.

    Args:
        bench: The bench.
        most: Number of files to choose at random for each way; None for all.
    """
    models = bench.models()
    training = trainings.Training(bench.conf, models)
    training.wait_for_steps(12)
    training.end(signal.SIGINT)
    done = trainings.last_step(training.run)
    files = sorted(path.relative_to(models) for path in models.rglob("*") if path.is_file())
    for name in DAMAGES:
        wrong, refused, lost = [], 0, 0
        chosen = files if most is None else bench.random.sample(files, most)
        for file in chosen:
            copy = bench.models()
            shutil.copytree(models, copy, dirs_exist_ok=True)
            content = DAMAGES[name]((copy / file).read_bytes())
            if content is None:
                (copy / file).unlink()
            else:
                (copy / file).write_bytes(content)
            ended = trainings.Training(bench.conf, copy).end()
            kept = trainings.weights(copy / "run") if ended.code == 0 else None
            if ended.code == 1 and ended.is_clean:
                refused += 1
                continue
            lost = max(lost, done - ended.resumed_at)
            if ended.code or not ended.is_clean or kept != bench.expected:
                wrong.append(f"{file}: exit {ended.code}, {ended.last_line:.80}")
                print(ended.stderr, file=sys.stderr)
            shutil.rmtree(copy.parent)
        made = row(f"each file {name}", len(chosen), lost, wrong)
        # Two checkpoints back: the newest is damaged, and the one before it is older.
        passed = not wrong and lost <= 2 * trainings.CHECKPOINT_EVERY
        note = f", {refused} refused in one line" if refused else ""
        yield dataclasses.replace(made, outcome=made.outcome + note, passed=passed)


def everything(bench: Bench) -> collections.abc.Iterator[Row]:
    """Yields the whole table."""
    yield from killed(bench)
    yield from signals(bench)
    yield from disks(bench)
    yield clock(bench)
    yield two_processes(bench)
    yield from damages(bench)


if sys.platform != "linux":  # The signals, limits and mounts are those of Linux.
    raise ImportError("the faults need Linux")
