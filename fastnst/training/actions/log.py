"""The history of a run, metrics.jsonl."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from fastnst import events
from fastnst.models import metrics_log


class Log:
    """Writes a line at each start, at each validation, and every few training steps."""

    def __init__(self, path: Path, every: int) -> None:
        """Prepares to continue the log of a run.

        Args:
            path: The file, which need not exist yet.
            every: Steps between lines of training metrics.
        """
        self._path, self._every = path, every
        self._rate = f"items{metrics_log.RATE}"

    def __call__(self, event: events.Event) -> None:
        """Appends a line for the event, if one is due."""
        match event:
            case events.Started():
                self._rate = f"{event.items}{metrics_log.RATE}"
                # The run repeats the steps after the checkpoint, so their lines are dropped.
                earlier = [
                    line for line in metrics_log.read(self._path) if line["step"] <= event.step
                ]
                line = _line("start", event.step, **event.about)
                metrics_log.write(self._path, [*earlier, line])
            case events.Step() if event.due(self._every):
                values = {self._rate: round(event.rate, 3), **event.mean_metrics}
                line = _line("training", event.step, **values)
                metrics_log.append(self._path, line)
            case events.Judged():
                metrics_log.append(self._path, _line("validation", event.step, **event.metrics))


def _line(kind: str, step: int, **values: Any) -> dict[str, Any]:
    return {"kind": kind, "step": step, "time": round(time.time(), 3), **values}
