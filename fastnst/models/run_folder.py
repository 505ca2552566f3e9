"""The folder of a run, models/<naming>: its paths, and checks that it can be written."""

from __future__ import annotations

import collections.abc
import dataclasses
import shutil
from pathlib import Path

from fastnst import errors, files, locks

# The weights, their average and Adam's two moments: 4 x 1.7 million float32 values.
_CHECKPOINT_BYTES = 27_000_000
# More than fits into the inode of a file: a full disk refuses it.
_PROBE_BYTES = 65_536


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The paths in a run's folder.

    Attributes:
        path: The folder, for example models/candy.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The complete configuration, with all keys."""
        return self.path / "config.yml"

    @property
    def inputs(self) -> Path:
        """Digests of the paintings, the validation photos and the loss network."""
        return self.path / "inputs.json"

    @property
    def metrics(self) -> Path:
        """The log, with a line of JSON for each log entry and each validation."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        """The TensorFlow checkpoints; the best one is in its subfolder "best"."""
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        """The stylized validation photos, one strip per validation."""
        return self.path / "samples"

    @property
    def tensorboard(self) -> Path:
        """The log directory for TensorBoard."""
        return self.path / "tensorboard"

    @property
    def report(self) -> Path:
        """The report, written when training ends."""
        return self.path / "report.html"

    def sample_strips(self) -> dict[int, Path]:
        """Returns the strips by step, sorted."""
        strips = {
            int(number): strip
            for strip in self.samples.glob("step-*.png")
            if (number := strip.stem.removeprefix("step-")).isdecimal()
        }
        return dict(sorted(strips.items()))

    def config_text(self, say: collections.abc.Callable[[str], None]) -> str:
        """Returns the content of config.yml, empty if it is missing or damaged.

        Args:
            say: Receives a line if it cannot be read.
        """
        try:
            return files.read(self.config).decode("utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "no UTF-8"
            say(f"{self.config}: is damaged and left out ({reason})")
            return ""

    def hold(self) -> locks.Lock | None:
        """Keeps other processes from writing to the folder, as long as the result exists.

        Returns:
            The lock; None if it cannot be created, which `prepare` explains.

        Raises:
            UserError: If another process writes to the folder.
        """
        return locks.hold_if_possible(self.path)

    def sweep(self) -> None:
        """Deletes what a write that was cut short by a kill or a power cut has left."""
        for folder in (self.path, self.samples, self.checkpoints, self.checkpoints / "best"):
            files.sweep(folder)
            for left in folder.glob("step-*_temp"):
                shutil.rmtree(left, ignore_errors=True)

    def prepare(self, checkpoints: int) -> None:
        """Creates the folder and checks that it is writable and has enough space.

        Args:
            checkpoints: Number of checkpoints that will be kept.

        Raises:
            UserError: If the folder cannot be created or written, or the disk is nearly full.
        """
        advice = "set another folder with model_path or --model_path"
        place = None
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for folder in (self.path, self.checkpoints, self.samples, self.tensorboard):
                # A file in the place of a subfolder is told now, and not at the first checkpoint.
                if folder == self.path or folder.exists():
                    place = folder
                    with files.scratch(folder) as scratch:
                        (scratch / "probe").write_bytes(bytes(_PROBE_BYTES))
        except OSError as error:
            place = place or Path(error.filename or self.path)
            raise errors.UserError(
                f"model_path: {place} cannot be written ({error.strerror}); {advice}"
            ) from None
        needed = (checkpoints + 2) * _CHECKPOINT_BYTES
        free = shutil.disk_usage(self.path).free
        if free < needed:
            raise errors.UserError(
                f"model_path: {self.path} has {free // 1_000_000} MB of free disk space, but the "
                f"checkpoints need {needed // 1_000_000} MB; free some space, or {advice}"
            )
