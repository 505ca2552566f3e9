"""The events of a running command, as small frozen values.

The code that does the work (the training engine, the pixel optimizer, the record writer) emits
events. Actions (a progress bar, a log, TensorBoard, a report) are functions of one event, and
ignore the events that do not concern them.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
from typing import Any, TypeAlias

# Scalars by name; those of a step may still be on the device.
Metrics: TypeAlias = collections.abc.Mapping[str, Any]
# uint8 RGB [H, W, 3] each; sizes may differ.
Pictures: TypeAlias = tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class Started:
    """Work starts or resumes.

    Attributes:
        step: Number of steps done earlier.
        last_step: Step at which the work ends.
        metric_names: Metrics to show, the headline first; lower is better.
        about: Facts about the run, such as the device.
        references: Pictures to compare with, uint8 RGB [H, W, 3] by name.
        items: What batches hold, as a plural: "images". Rates count them.
    """

    step: int
    last_step: int
    metric_names: tuple[str, ...] = ()
    about: collections.abc.Mapping[str, Any] = dataclasses.field(default_factory=dict)
    references: collections.abc.Mapping[str, Any] = dataclasses.field(default_factory=dict)
    items: str = "items"


@dataclasses.dataclass(frozen=True)
class Step:
    """One step is done.

    Attributes:
        step: Number of steps done, over all runs.
        last_step: Step at which the work ends.
        rate: Items per second over the recent steps, including all other work between them.
        interrupted: Whether the work stops here before it is finished.
        recent: Metrics of the recent steps, still on the device.
    """

    step: int
    last_step: int
    rate: float = 0.0
    interrupted: bool = False
    recent: tuple[Metrics, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether this was the last step."""
        return self.step >= self.last_step

    def due(self, every: int) -> bool:
        """Returns whether an action that runs every `every` steps is due now."""
        return self.step % every == 0 or self.finished

    @functools.cached_property
    def mean_metrics(self) -> dict[str, float]:
        """Means over the recent steps.

        Reading them waits for the device, so do not read them at every step.
        """
        names = self.recent[-1] if self.recent else ()
        return {
            name: sum(float(metrics[name]) for metrics in self.recent) / len(self.recent)
            for name in names
        }


@dataclasses.dataclass(frozen=True)
class Judged:
    """A validation is done.

    Attributes:
        step: Number of steps done.
        metrics: Means over the validation items.
        inputs: The validation items as pictures; may be empty.
        outputs: Pictures computed from the inputs, in the same order, by series, such as a style.
        samples: Rows of pictures for the samples, by name; the outputs if empty.
    """

    step: int
    metrics: collections.abc.Mapping[str, float]
    inputs: Pictures = ()
    outputs: collections.abc.Mapping[str, Pictures] = dataclasses.field(default_factory=dict)
    samples: collections.abc.Mapping[str, Pictures] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Saved:
    """A checkpoint is written.

    Attributes:
        step: Number of steps done.
        path: Prefix of its files.
        best: Whether it was saved as the best so far.
    """

    step: int
    path: str
    best: bool = False


@dataclasses.dataclass(frozen=True)
class Skipped:
    """An item of the input could not be used.

    Attributes:
        reason: Its name and the reason.
    """

    reason: str


@dataclasses.dataclass(frozen=True)
class Rewound:
    """Work goes back to an earlier step; a `Started` follows.

    Attributes:
        step: The step that it goes back to.
        reason: The reason.
    """

    step: int
    reason: str


@dataclasses.dataclass(frozen=True)
class Finished:
    """Work ends.

    Attributes:
        step: Number of steps done.
        last_step: Step at which the work should have ended.
    """

    step: int
    last_step: int

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped early."""
        return self.step < self.last_step


Event: TypeAlias = Started | Step | Judged | Saved | Skipped | Rewound | Finished
Action: TypeAlias = collections.abc.Callable[[Event], None]
