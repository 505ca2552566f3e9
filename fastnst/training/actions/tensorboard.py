"""Scalars and pictures for TensorBoard."""

from __future__ import annotations

import collections.abc
import itertools
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import events
from fastnst.models import metrics_log
from fastnst.training.actions import samples


class TensorBoard:
    """Writes the metrics of training and validation, and the validation's pictures."""

    def __init__(self, folder: Path, every: int) -> None:
        """Opens no file yet.

        Args:
            folder: Folder to point TensorBoard at.
            every: Steps between training scalars.
        """
        self._folder, self._every = folder, every

    def __call__(self, event: events.Event) -> None:
        """Writes the event's summaries, if they are due."""
        match event:
            case events.Started():
                self._rate = f"{event.items}{metrics_log.RATE}"
                self._writer = tf.summary.create_file_writer(str(self._folder))
                with self._writer.as_default():
                    for name, picture in event.references.items():
                        tf.summary.image(name, picture[np.newaxis], step=event.step)
            case events.Step() if event.due(self._every):
                with self._writer.as_default():
                    # Not all work measures its rate.
                    rate = {self._rate: event.rate} if event.rate else {}
                    values = {**event.mean_metrics, **rate}
                    for name, value in values.items():
                        tf.summary.scalar(f"training/{name}", value, step=event.step)
                self._writer.flush()
            case events.Judged():
                self._write_judged(event)
            case events.Finished():
                self._writer.close()

    def _write_judged(self, event: events.Judged) -> None:
        with self._writer.as_default():
            for name, value in event.metrics.items():
                tf.summary.scalar(f"validation/{name}", value, step=event.step)
            for name, row in _rows(event):
                beside = samples.side_by_side(row)[np.newaxis]
                tf.summary.image(f"validation/{name}", beside, step=event.step)
        self._writer.flush()


def _rows(event: events.Judged) -> collections.abc.Iterator[tuple[str, events.Pictures]]:
    """Yields rows of pictures by name: the samples, or else each item beside its outputs."""
    if event.samples:
        yield from ((name, row[: samples.SHOWN]) for name, row in event.samples.items())
        return
    series = [*([event.inputs] if event.inputs else []), *event.outputs.values()]
    items = itertools.islice(zip(*series, strict=True), samples.SHOWN)
    yield from ((str(index), item) for index, item in enumerate(items))
