"""Runs that train on a custom data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import runs
import tensorflow as tf

from fastnst import config, errors
from fastnst.models import metrics_log
from fastnst.training.tasks import session

Conf = Callable[..., Path]


@pytest.mark.slow
def test_a_custom_data_set_can_be_any_iterable_of_batches(
    tmp_path: Path,
    conf: Conf,
    photo: Callable[..., np.ndarray],
    request: pytest.FixtureRequest,
) -> None:
    batches = [photo(32, 32, seed)[np.newaxis].astype(np.float32) for seed in range(3)]
    settings = config.load(conf(tmp_path, max_steps=4, **runs.LEAST))
    dataset = tf.data.Dataset.from_tensor_slices(batches)
    run = session.open_session(settings, runs.ignore, dataset=dataset)
    assert run.plan.data_set == "a custom data set" and run.plan.count is None
    assert run.train([], runs.stop_after(run, 2)).interrupted
    request.getfixturevalue("no_steps")
    run = session.open_session(settings, runs.ignore, dataset=batches)
    assert run.start_step == 2 and int(run.engine.state.position) == 2
    assert not run.train().interrupted and int(run.engine.state.position) == 4
    start, *_ = metrics_log.read(run.folder.metrics)
    assert "photos" not in start


@pytest.mark.parametrize(
    ("keys", "dataset", "message"),
    [
        (
            {"max_steps": None},
            [],
            "max_steps: the size of a custom data set is unknown; set the number of steps",
        ),
        ({}, iter([]), "dataset: is an iterator"),
    ],
)
def test_an_unfit_custom_data_set_is_refused_before_anything_is_written(
    tmp_path: Path, conf: Conf, keys: dict[str, Any], dataset: Any, message: str
) -> None:
    settings = config.load(conf(tmp_path, recipe="original", **keys))
    with pytest.raises(errors.UserError, match=f"^{message}"):
        session.open_session(settings, runs.ignore, dataset=dataset)
    assert not (tmp_path / "models").exists()
