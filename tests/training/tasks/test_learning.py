"""Learning the row of one style; tests/cli/test_learn.py tests it from the command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fastnst import cluster, config, errors, events
from fastnst.models import store
from fastnst.training.tasks import learning


@pytest.fixture
def settings(validation_photos: Path) -> config.Config:
    return config.from_mapping(
        {
            "style_image": "img/wave.jpg",
            "naming": "wave",
            "image_size": 32,
            "stages": {},
            "batch_size": 1,
            "style_size": 48,
            "style_weight": 8.0,
            "content_layers": ["relu2_2"],
            "style_layers": ["relu1_2", "relu2_2"],
            "dataset": str(validation_photos),
            "validation": str(validation_photos),
            "precision": "float32",
            "max_steps": 4,
            "average": 0.0,
        }
    )


@pytest.mark.slow
def test_the_objective_falls_and_events_tell_of_it(
    tmp_path: Path, tiny_run: Path, settings: config.Config
) -> None:
    run = tmp_path / "tiny"
    shutil.copytree(tiny_run, run)
    seen: list[events.Event] = []
    longer = settings.replace(max_steps=30, warmup_steps=0)
    result = learning.learn(longer, store.find(run), actions=[seen.append])
    assert result.folder == run and result.added and not result.finished.interrupted
    assert store.learned_names(run) == ("wave",)
    assert isinstance(seen[0], events.Started) and isinstance(seen[-1], events.Finished)
    steps = [event for event in seen if isinstance(event, events.Step)]
    totals = [float(step.recent[-1]["total"]) for step in steps]
    assert len(totals) == 30 and np.mean(totals[-5:]) < np.mean(totals[:5])


@pytest.mark.slow
def test_a_stopped_run_keeps_the_row_as_it_is(
    tmp_path: Path, tiny_run: Path, settings: config.Config
) -> None:
    run = tmp_path / "tiny"
    shutil.copytree(tiny_run, run)
    result = learning.learn(settings, store.find(run), should_stop=lambda: True)
    assert result.added and result.finished.interrupted and result.finished.step == 1
    assert store.learned_names(run) == ("wave",)
    kept = (run / "learned" / "wave.npz").read_bytes()
    # A second one does not take the place of the first.
    assert not learning.learn(settings, store.find(run), should_stop=lambda: True).added
    assert (run / "learned" / "wave.npz").read_bytes() == kept


def test_several_processes_are_refused(
    tiny_run: Path, settings: config.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = {
        "cluster": {"worker": ["localhost:1", "localhost:2"]},
        "task": {"type": "worker", "index": 0},
    }
    monkeypatch.setenv(cluster.VARIABLE, json.dumps(nodes))
    with pytest.raises(errors.UserError, match=r"trains a row in one process; unset TF_CONFIG"):
        learning.learn(settings, store.find(tiny_run))
