"""The progress of a command at the terminal."""

from __future__ import annotations

import collections.abc
import contextlib
import os
import shutil
import sys
import time
import types

import tqdm

from fastnst import events, formatting
from fastnst.cli import terminal

_SECONDS_BETWEEN_LINES = 5.0
# The least length of a bar.
_BAR = 10


class Progress:
    """Shows events: as a bar if stderr is a terminal, otherwise as a line every few seconds.

    Example:
        >>> with Progress("step", every=10) as progress:
        ...     session.train([progress])
    """

    def __init__(self, unit: str, every: int) -> None:
        """Creates a display, which shows nothing until work starts.

        Args:
            unit: Name of a step.
            every: Steps between updates of the bar's metrics, because reading them waits for the
                device.
        """
        self._unit, self._every = unit, every
        self._is_terminal = sys.stderr.isatty()
        self._bar: tqdm.tqdm | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, event: events.Event) -> None:
        """Shows an event."""
        match event:
            case events.Started():
                self._start(event)
            case events.Step():
                self._show(event)
            case events.Judged() if shown := self._shown(event.metrics):
                terminal.say(f"validation at {self._unit} {event.step}  {'  '.join(shown)}")
            case events.Skipped():
                terminal.say(f"skipped {event.reason}")
            case events.Rewound():
                terminal.say(f"going back to {self._unit} {event.step}: {event.reason}")
                self._close()

    def _start(self, event: events.Started) -> None:
        # Of earlier work, such as the training part of labeled records.
        self._close()
        self._start_step = event.step
        self._rate_unit = f"{event.items}/s"
        self._names = [name for name in event.metric_names if "/" not in name]
        self._first_done: float | None = None
        self._last_line = time.monotonic()
        self._bar = tqdm.tqdm(
            total=event.last_step,
            initial=event.step,
            unit=self._unit,
            disable=not self._is_terminal,
            dynamic_ncols=True,
            bar_format="{n}/{total} {bar} {elapsed}<{remaining}{postfix}",
        )

    def _show(self, event: events.Step) -> None:
        assert self._bar is not None
        now = time.monotonic()
        if self._first_done is None:
            # The first step also traces the graph, so its duration is not representative.
            self._first_done = now
            self._bar.unpause()
        self._bar.update(event.step - self._bar.n)
        if self._is_terminal:
            if event.due(self._every) or event.step == self._start_step + 1:
                self._bar.set_postfix_str(self._metrics(event, self._room(event)))
        elif now - self._last_line >= _SECONDS_BETWEEN_LINES or event.finished:
            self._last_line = now
            left = self._left(event, now - self._first_done)
            terminal.say(
                f"{self._unit} {event.step}/{event.last_step}  {self._metrics(event)}{left}"
            )

    def _room(self, event: events.Step) -> int:
        """Returns the characters for metrics beside a bar of some length."""
        columns = shutil.get_terminal_size().columns
        with contextlib.suppress(OSError, ValueError):
            columns = os.get_terminal_size(sys.stderr.fileno()).columns
        # Both counters, and two times of up to eight characters, with what stands between them.
        return columns - 2 * len(str(event.last_step)) - 22 - _BAR

    def _metrics(self, event: events.Step, room: int | None = None) -> str:
        """Returns the metrics and the rate; of the metrics, the first ones that have room."""
        shown = self._shown(event.mean_metrics)
        rate = [f"{event.rate:.1f} {self._rate_unit}"] if event.rate else []
        while room is not None and len(shown) > 1 and len("  ".join([*shown, *rate])) > room:
            shown.pop()
        return "  ".join([*shown, *rate])

    def _shown(self, metrics: collections.abc.Mapping[str, float]) -> list[str]:
        return [
            f"{name} {formatting.short(metrics[name])}" for name in self._names if name in metrics
        ]

    def _left(self, event: events.Step, seconds: float) -> str:
        """Estimates the time left from the `seconds` since the first step was done."""
        timed = event.step - self._start_step - 1
        steps = event.last_step - event.step
        return f"  {formatting.clock(steps * seconds / timed)} left" if timed else ""


class PixelBar:
    """Shows the progress of each large photo if stderr is a terminal."""

    def __init__(self) -> None:
        self._bar: tqdm.tqdm | None = None

    def __call__(self, done: int, total: int) -> None:
        """Shows that `done` of `total` pixels are painted, in all passes."""
        if self._bar is None:
            self._bar = tqdm.tqdm(
                unit="px", unit_scale=True, disable=None, leave=False, total=total
            )
        # Another photo may follow one that failed halfway.
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        if done >= total:
            self.close()

    def close(self) -> None:
        """Removes the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
