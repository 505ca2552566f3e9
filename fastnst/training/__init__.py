"""Training: the engine that runs any task, and what happens beside its steps.

An `Engine` runs a `Task`. The tasks that come with fastnst are in `tasks`; `actions` holds the
listeners to the engine's events.
"""

from __future__ import annotations

from fastnst.events import Metrics
from fastnst.training.engine import Engine, Feed
from fastnst.training.task import Judgement, Task

__all__ = ["Engine", "Feed", "Judgement", "Metrics", "Task"]
