"""What may change when a run goes on; that runs go by it is in test_factory.py."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from fastnst import config, errors
from fastnst.models import run_folder
from fastnst.training import resumption

BEFORE = config.Config(naming="tiny", style_image="img/candy.jpg")


@pytest.fixture
def folder(tmp_path: Path) -> run_folder.RunFolder:
    """The folder of a run."""
    made = run_folder.RunFolder(tmp_path)
    made.config.write_text(BEFORE.to_yaml(), encoding="utf-8")
    return made


def now(**values: Any) -> dict[str, Any]:
    return dataclasses.asdict(BEFORE) | values


def test_where_there_is_no_run_nothing_has_changed(tmp_path: Path) -> None:
    assert resumption.changes(now(), run_folder.RunFolder(tmp_path)) == {}


def test_what_changed_is_told_with_what_it_was(folder: run_folder.RunFolder) -> None:
    assert resumption.changes(now(), folder) == {}
    changed = now(learning_rate=0.5, style_layers={"relu1_2": 1.0}, style_image="moved/candy.jpg")
    assert resumption.changes(changed, folder) == {
        "learning_rate": BEFORE.learning_rate,
        "style_layers": BEFORE.style_layers,
        "style_image": "img/candy.jpg",
    }


@pytest.mark.parametrize(
    ("key", "value"), [("style_image", "img/wave.jpg"), ("width", 16), ("lite", True)]
)
def test_style_and_shapes_cannot_change(folder: run_folder.RunFolder, key: str, value: Any) -> None:
    with pytest.raises(errors.UserError) as caught:
        resumption.changes(now(**{key: value}), folder)
    message = str(caught.value)
    assert message.startswith(f"{key}: {folder.path} was begun with ") and "--fresh" in message


def test_what_judges_is_what_the_objective_is_made_of() -> None:
    assert set(config.FIELDS) > resumption.JUDGING_KEYS
    assert {"strength", "tv_weight", "validation"} < resumption.JUDGING_KEYS
    assert resumption.JUDGING_KEYS.isdisjoint({"learning_rate", "max_steps", "dataset"})


def test_a_damaged_configuration_is_told(folder: run_folder.RunFolder) -> None:
    folder.config.write_text("- not a mapping", encoding="utf-8")
    with pytest.raises(errors.UserError, match="damaged"):
        resumption.changes(now(), folder)
