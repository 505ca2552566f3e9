"""The actions that accompany training, one file per action.

An action is a function of one event (`fastnst.events`). `standard` returns those of every run.
"""

from __future__ import annotations

from fastnst import events
from fastnst.config import schema
from fastnst.models import run_folder
from fastnst.training.actions import log, profile, report, samples, tensorboard

__all__ = ["log", "profile", "report", "samples", "standard", "tensorboard"]


def standard(folder: run_folder.RunFolder, intervals: schema.Intervals) -> list[events.Action]:
    """Returns the actions that record the history of a run in its folder.

    Args:
        folder: The run's folder.
        intervals: Steps between records.
    """
    return [
        log.Log(folder.metrics, intervals.log_every),
        tensorboard.TensorBoard(folder.tensorboard, intervals.summary_every),
        samples.Samples(folder.samples),
    ]
