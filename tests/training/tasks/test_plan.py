"""The plans of runs."""

from __future__ import annotations

from fastnst import config
from fastnst.training.tasks import session


def test_every_task_of_a_conf_file_has_a_plan() -> None:
    assert [*session.PLANS] == list(config.FIELDS["task"].metadata["choices"])
