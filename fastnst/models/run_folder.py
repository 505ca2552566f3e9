"""The folder of a run: what lies where in models/<naming>, and whether it can be written."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from fastnst import errors

# The weights, their average and Adam's two moments: 4 x 1.7 million float32 numbers.
_CHECKPOINT_BYTES = 27_000_000


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The places in a run's folder.

    Attributes:
        path: For example models/candy.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The resolved configuration, all keys."""
        return self.path / "config.yml"

    @property
    def metrics(self) -> Path:
        """A line of JSON for each entry of the log and each validation."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        """TensorFlow checkpoints; the best one is in "best" below."""
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        """The painted validation photos, a strip for each validation."""
        return self.path / "samples"

    @property
    def tensorboard(self) -> Path:
        """What TensorBoard is pointed at."""
        return self.path / "tensorboard"

    @property
    def report(self) -> Path:
        """The report that is written at the end."""
        return self.path / "report.html"

    def sample_strips(self) -> dict[int, Path]:
        """The strips by step, in order."""
        strips = {
            int(number): strip
            for strip in self.samples.glob("step-*.png")
            if (number := strip.stem.removeprefix("step-")).isdecimal()
        }
        return dict(sorted(strips.items()))

    def prepare(self, checkpoints: int) -> None:
        """Makes the folder and sees that there is room in it.

        Args:
            checkpoints: How many will be kept.

        Raises:
            UserError: If it cannot be made or written, or the disk is nearly full.
        """
        advice = "name another place with model_path or --model_path"
        if pattern := set("*?[").intersection(str(self.path)):
            raise errors.UserError(
                f"model_path: {self.path} has {' and '.join(sorted(pattern))} in it, which "
                f"TensorFlow takes for a pattern of names; {advice}"
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
                f"model_path: {self.path} has {free // 1_000_000} MB of disk left and the "
                f"checkpoints need {needed // 1_000_000} MB; make room, or {advice}"
            )
