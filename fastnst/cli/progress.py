"""The progress of a training run at the terminal."""

from __future__ import annotations

import sys
import time

import tqdm

from fastnst import formatting
from fastnst.training import engine

_SECONDS_BETWEEN_LINES = 5.0
_TERMS = ("total", "content", "style", "tv")


class TrainingProgress:
    """A bar where stderr is a terminal; elsewhere a plain line every few seconds."""

    def __init__(self, start_step: int, last_step: int, every: int) -> None:
        """Shows nothing until the first step.

        Args:
            start_step: Where the run goes on.
            last_step: Where it ends.
            every: Steps between looks at the losses, which wait for the device.
        """
        self._every = every
        self._last_step = last_step
        self._is_terminal = sys.stderr.isatty()
        self._first_done: float | None = None
        self._last_line = time.monotonic()
        self._start_step = start_step
        self._bar = tqdm.tqdm(
            total=last_step,
            initial=start_step,
            unit="step",
            disable=not self._is_terminal,
            dynamic_ncols=True,
            bar_format="{n}/{total} {bar} {elapsed}<{remaining}{postfix}",
        )

    def __call__(self, progress: engine.Progress) -> None:
        """Shows a step."""
        now = time.monotonic()
        if self._first_done is None:
            # The first step traces its graph and tells nothing of the time left.
            self._first_done = now
            self._bar.unpause()
        self._bar.update(progress.step - self._bar.n)
        if self._is_terminal:
            if progress.due(self._every) or progress.step == self._start_step + 1:
                self._bar.set_postfix_str(_terms(progress))
        else:
            if now - self._last_line >= _SECONDS_BETWEEN_LINES or progress.finished:
                self._last_line = now
                print(
                    f"step {progress.step}/{self._last_step}  {_terms(progress)}"
                    f"{self._left(progress.step, now - self._first_done)}",
                    file=sys.stderr,
                    flush=True,
                )

    def close(self) -> None:
        """Ends the bar's line."""
        self._bar.close()

    def _left(self, step: int, seconds: float) -> str:
        """How long the rest will take, if `seconds` went by since the first step was done."""
        timed = step - self._start_step - 1
        return (
            f"  {formatting.clock((self._last_step - step) * seconds / timed)} left"
            if timed
            else ""
        )


def _terms(progress: engine.Progress) -> str:
    metrics = progress.metrics()
    terms = "  ".join(f"{name} {formatting.short(metrics[name])}" for name in _TERMS)
    return f"{terms}  {progress.images_per_second:.1f} images/s"
