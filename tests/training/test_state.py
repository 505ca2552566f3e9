"""The counters of a run."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fastnst.training import state


def test_a_new_run_has_done_nothing_and_anything_is_better_than_its_best() -> None:
    new = state.State.new()
    assert int(new.step) == 0 == int(new.position) and float(new.best_loss) == np.inf
    assert new.step.dtype == new.position.dtype == tf.int64


def test_a_checkpoint_keeps_all_counters() -> None:
    new = state.State.new()
    assert new.kept() == vars(new)
    assert [*new.kept()] == ["step", "position", "best_loss"]
