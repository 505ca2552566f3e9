"""A trace of some steps, for TensorBoard's profiler."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from fastnst import events

# The first step traces the graph, and the next few still fill caches.
SKIPPED = 5


class Profile:
    """Traces some steps, to show where they spend time and memory."""

    def __init__(self, folder: Path, steps: int) -> None:
        """Prepares to trace.

        Args:
            folder: Folder to point TensorBoard at; the trace goes to plugins/profile below it.
            steps: Steps to trace, after the first few.
        """
        self._folder, self._steps = folder, steps
        self._first = self._last = 0
        self._running = False

    def __call__(self, event: events.Event) -> None:
        """Starts or stops tracing; a run that ends before the first traced step writes no trace."""
        match event:
            case events.Started():
                self._first = event.step + SKIPPED
                self._last = self._first + self._steps
            case events.Step():
                self._after_step(event)

    def _after_step(self, event: events.Step) -> None:
        ends = event.step >= self._last or event.finished or event.interrupted
        if self._running and ends:
            # Waits for the dispatched steps, so that the trace contains them completely.
            _wait_for(event)
            tf.profiler.experimental.stop()
            self._running = False
        elif event.step == self._first and not ends:
            _wait_for(event)
            tf.profiler.experimental.start(str(self._folder))
            self._running = True


def _wait_for(event: events.Step) -> None:
    """Waits until the device has done the step."""
    for metrics in event.recent[-1:]:
        for value in metrics.values():
            float(value)
