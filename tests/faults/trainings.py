"""Real trainings in processes of their own, to be disturbed, and what they leave behind."""

from __future__ import annotations

import collections.abc
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from fastnst import checkpoint_file

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT_EVERY, VALIDATE_EVERY = 5, 8
_COMMON: dict[str, Any] = {
    "naming": "run",
    "image_size": 32,
    "batch_size": 2,
    "log_every": 1,
    "summary_every": 5,
    "preview_every": VALIDATE_EVERY,
    "checkpoint_every": CHECKPOINT_EVERY,
    "keep_checkpoints": 2,
}
# The least network of each task, with everything that could make a resumed run differ: random crops
# and enlargements, sizes in stages, noise, a schedule, momentum, an average, earlier pictures,
# moments of a norm, and a photo to skip.
CONFS: dict[str, dict[str, Any]] = {
    "style": {
        "style_image": "img/wave.jpg",
        "dataset": "photos",
        "validation": "judged",
        "width": 4,
        "residual_blocks": 1,
        "stages": {24: 10},
        "zoom": 3,
        "content_layers": ["relu2_2"],
        "style_layers": ["relu1_2", "relu2_2"],
        "optimizer": "muon",
        "schedule": "cosine",
        "warmup_steps": 5,
    },
    "translation": {
        "task": "translation",
        "dataset": "photos",
        "domain": "paintings",
        "validation": "judged",
        "width": 4,
        "residual_blocks": 0,
        "output_norm": False,
        "discriminator_width": 2,
        "history": 3,
        "zoom": 2,
        "schedule": "linear",
    },
    "classification": {
        "task": "classification",
        "dataset": "classes",
        "classifier": "residual",
        "classifier_width": 8,
        "image_size": 16,
        "batch_size": 4,
        "distortion": "shift_flip",
        "optimizer": "momentum",
        "schedule": "cosine",
        "average": 0.9,
    },
}
_FOLDERS = {"photos": 6, "judged": 2, "paintings": 5, "classes/left": 6, "classes/right": 7}


def prepare(folder: Path, steps: int, task: str = "style") -> Path:
    """Writes a conf of a task and its pictures into a folder; returns the conf."""
    random = np.random.default_rng(0)
    for name, count in _FOLDERS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, 256, (40 + number, 48, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    for name in ("photos", "paintings"):
        (folder / name / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    conf = folder / "run.yml"
    keys = _COMMON | CONFS[task] | {"max_steps": steps}
    named = {"dataset", "domain", "validation"} & keys.keys()
    keys |= {key: str(folder / keys[key]) for key in named}
    conf.write_text(yaml.safe_dump(keys), encoding="utf-8")
    return conf


@dataclasses.dataclass
class Ended:
    """The end of a training process."""

    code: int
    stderr: str

    @property
    def is_clean(self) -> bool:
        """Whether it printed no traceback and nothing of TensorFlow's internals."""
        return "Traceback" not in self.stderr and "function_node" not in self.stderr

    @property
    def resumed_at(self) -> int:
        """The step that it resumed from, 0 if it began anew."""
        found = re.search(r"resuming .* at step ([\d,]+) of", self.stderr)
        return int(found[1].replace(",", "")) if found else 0

    @property
    def last_line(self) -> str:
        """The last line that it printed."""
        return (self.stderr.strip().splitlines() or [""])[-1]


class Training:
    """A training in a process, whose files are below a folder."""

    def __init__(
        self,
        conf: Path,
        models: Path,
        *,
        environment: collections.abc.Mapping[str, str] | None = None,
        before: collections.abc.Callable[[], None] | None = None,
    ) -> None:
        """Starts it.

        Args:
            conf: The conf file.
            models: The folder of models.
            environment: Further variables of its environment.
            before: Runs in the process before the training, such as to set limits.
        """
        self.run = models / "run"
        self._earlier = _last_start(log(self.run))
        self._stderr = (models.parent / f"stderr-{time.monotonic_ns()}").open("w+b")
        command = ["train", "-c", str(conf), "--model_path", str(models)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fastnst", *command],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            preexec_fn=before,
        )

    def wait_for(
        self, happened: collections.abc.Callable[[], bool], seconds: float = 300.0
    ) -> bool:
        """Waits, at most so long, until something has happened; returns whether it has."""
        deadline = time.monotonic() + seconds
        while not happened():
            if self.process.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.0005)
        return True

    def wait_for_steps(self, more: int = 1) -> bool:
        """Waits until this process, and not an earlier one, has logged so many steps."""

        def happened() -> bool:
            entries = log(self.run)
            start = _last_start(entries)
            if start is None or start == self._earlier:
                return False
            after = entries[entries.index(start) :]
            return sum(entry["kind"] == "training" for entry in after) >= more

        return self.wait_for(happened)

    def end(self, number: signal.Signals | None = None) -> Ended:
        """Sends a signal, if any, and waits for the end."""
        if number is not None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(600)
        finally:
            self.process.kill()
            self.process.wait()
        self._stderr.seek(0)
        text = self._stderr.read().decode(errors="replace")
        self._stderr.close()
        return Ended(code, text)


def log(run: Path) -> list[dict[str, Any]]:
    """Returns the whole lines of a run's log."""
    try:
        lines = (run / "metrics.jsonl").read_text(errors="replace").splitlines()
    except OSError:
        return []
    entries = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and {"kind", "step"} <= entry.keys():
            entries.append(entry)
    return entries


def _last_start(entries: list[dict[str, Any]]) -> dict[str, Any] | None:
    return next((entry for entry in reversed(entries) if entry["kind"] == "start"), None)


def last_step(run: Path) -> int:
    """Returns the last step that is in a run's log."""
    return max((entry["step"] for entry in log(run)), default=0)


def weights(run: Path) -> dict[str, bytes]:
    """Returns everything that the newest checkpoint of a run holds, by name."""
    tensors = checkpoint_file.read_checkpoint(checkpoint_file.saved(run / "checkpoints")[-1])
    # The number of saves of a process, and the names of objects.
    others = ("save_counter", "_CHECKPOINTABLE")
    return {name: t.tobytes() for name, t in tensors.items() if not name.startswith(others)}


def metrics_are_whole(run: Path, steps: int) -> bool:
    """Returns whether the log holds each step exactly once, and each validation."""
    found = [entry["step"] for entry in log(run) if entry["kind"] == "training"]
    judged = [entry["step"] for entry in log(run) if entry["kind"] == "validation"]
    due = sorted({*range(VALIDATE_EVERY, steps + 1, VALIDATE_EVERY), steps})
    return found == list(range(1, steps + 1)) and judged == due
