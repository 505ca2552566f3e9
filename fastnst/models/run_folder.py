"""The folder of a run, models/<naming>: its paths, and checks that it can be written."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from fastnst import errors

# The weights, their average and Adam's two moments: 4 x 1.7 million float32 values.
_CHECKPOINT_BYTES = 27_000_000


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

    def prepare(self, checkpoints: int) -> None:
        """Creates the folder and checks that it is writable and has enough space.

        Args:
            checkpoints: Number of checkpoints that will be kept.

        Raises:
            UserError: If the folder cannot be created or written, or the disk is nearly full.
        """
        advice = "set another folder with model_path or --model_path"
        if pattern := set("*?[").intersection(str(self.path)):
            raise errors.UserError(
                f"model_path: {self.path} contains {' and '.join(sorted(pattern))}, which "
                f"TensorFlow treats as wildcards; {advice}"
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise errors.UserError(
                f"model_path: {self.path} cannot be written ({error.strerror}); {advice}"
            ) from None
        needed = (checkpoints + 2) * _CHECKPOINT_BYTES
        free = shutil.disk_usage(self.path).free
        if free < needed:
            raise errors.UserError(
                f"model_path: {self.path} has {free // 1_000_000} MB of free disk space, but the "
                f"checkpoints need {needed // 1_000_000} MB; free some space, or {advice}"
            )
