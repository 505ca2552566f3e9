"""Training: the engine, which runs any task, and the actions that respond to its events.

An `Engine` runs a `Task`. The package `tasks` holds the tasks that come with fastnst, and `actions`
the listeners to the engine's events.
"""

from __future__ import annotations

from fastnst.events import Metrics
from fastnst.training.engine import Engine, Feed
from fastnst.training.task import Judgement, Task

__all__ = ["Engine", "Feed", "Judgement", "Metrics", "Task"]
