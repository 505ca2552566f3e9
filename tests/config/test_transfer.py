"""The keys of style transfer."""

from __future__ import annotations

from fastnst import config
from fastnst.config import schema


def test_the_keys_of_style_transfer_apply_to_its_task_alone() -> None:
    assert {"scales", "steady", "wallpaper", "start_from", "identity"} == {
        *schema.keys(config.Transfer)
    }
    for key in schema.keys(config.Transfer):
        assert schema.tasks_with(key) == [schema.STYLE]


def test_a_run_cannot_change_whether_it_has_an_identity_row() -> None:
    fixed = {
        key for key, field in schema.keys(config.Transfer).items() if "fixed" in field.metadata
    }
    assert fixed == {"identity"}
