"""The report of a run, report.html."""

from __future__ import annotations

import collections.abc
import contextlib
import datetime
import platform
import sys
from typing import Any

import numpy as np
import tensorflow as tf

from fastnst import errors, events, files
from fastnst.models import card, metrics_log, run_folder
from fastnst.reports import page
from fastnst.training.actions import samples

Pairs = collections.abc.Sequence[tuple[np.ndarray, np.ndarray]]


class Report:
    """Writes the report at each validation, and when a run stops or finishes."""

    def __init__(
        self,
        folder: run_folder.RunFolder,
        *,
        name: str,
        metric_names: collections.abc.Sequence[str],
        references: collections.abc.Mapping[str, np.ndarray],
        config_text: str = "",
        command: str | None = None,
        pairs: collections.abc.Callable[[], Pairs] = lambda: (),
        wording: page.Wording = page.TRAINING,
    ) -> None:
        """Prepares to write.

        Args:
            folder: The run's folder, whose history the report shows.
            name: Title of the report.
            metric_names: Metrics to show, the headline first.
            references: Pictures to show beside the title, uint8 RGB [H, W, 3] by name.
            config_text: The configuration, as YAML.
            command: Name or path of the model in the suggested commands; None for `name`.
            pairs: Returns pairs of a picture before and after, uint8 RGB [H, W, 3] each, once the
                run has finished. Until then, the report shows the pictures of the validation.
            wording: Texts of the report.
        """
        self._folder, self._name, self._metric_names = folder, name, tuple(metric_names)
        self._references, self._config_text = references, config_text
        self._command, self._pairs, self._wording = command, pairs, wording
        self._judged: Pairs = []

    def __call__(self, event: events.Event) -> None:
        """Writes the report, if the event is worth one."""
        match event:
            case events.Judged():
                series = list(event.outputs.values())
                self._judged = [
                    (photo, series[number % len(series)][number])
                    for number, photo in enumerate(event.inputs[: samples.SHOWN] if series else ())
                ]
                self._try_to_write(self._judged)
            case events.Finished(interrupted=True):
                self._try_to_write(self._judged)
            case events.Finished():
                self.write()

    def _try_to_write(self, pairs: Pairs) -> None:
        # The next validation writes it again, and training matters more.
        with contextlib.suppress(errors.UserError):
            self._write(pairs)

    def write(self) -> None:
        """Writes the report of the run so far, as of a finished one.

        Raises:
            UserError: If the report cannot be written.
        """
        self._write(self._pairs())

    def _write(self, pairs: Pairs) -> None:
        lines = metrics_log.read(self._folder.metrics)
        html = page.render(
            name=self._name,
            model=self._command,
            reference=_shown(self._references),
            before=[before for before, _ in pairs],
            after=[after for _, after in pairs],
            samples=self._folder.sample_strips(),
            metrics=lines,
            config_text=self._config_text,
            figures=self._figures(lines),
            terms=self._metric_names,
            wording=self._wording,
        )
        files.write(self._folder.report, html)

    def _figures(self, lines: list[dict[str, Any]]) -> dict[str, str]:
        facts = card.read_facts(self._folder.path)
        rates = [
            (name.removesuffix(metrics_log.RATE), float(value))
            for line in lines
            if line["kind"] == "training"
            for name, value in line.items()
            if name.endswith(metrics_log.RATE) and isinstance(value, int | float)
        ]
        median = np.median([rate for _, rate in rates]) if rates else 0.0
        seconds = metrics_log.seconds_spent(lines)
        best = facts.get("validation", {}).get(self._metric_names[0])
        figures = {
            "Steps": f"{facts.get('steps', 0):,}",
            "Data set": ", ".join(
                f"{facts[items]:,} {items}"
                for items in ("photos", "pictures")
                if isinstance(facts.get(items), int)
            ),
            "Time": str(datetime.timedelta(seconds=round(seconds))),
            "Speed": f"{median:.1f} {rates[-1][0]}/s (median)" if rates else "",
            f"Best validation {self._metric_names[0]}": "" if best is None else f"{best:,.6g}",
            "Device": ", ".join(str(facts[key]) for key in ("device", "precision") if key in facts),
            "Versions": f"TensorFlow {tf.__version__}, Python {platform.python_version()}, "
            f"{sys.platform}",
        }
        return {label: text for label, text in figures.items() if text}


def _shown(references: collections.abc.Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Returns the pictures beside the title as one row; None if there are none."""
    return samples.side_by_side(list(references.values())) if references else None
