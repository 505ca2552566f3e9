"""The plan of a run in one style or many."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import runs

from fastnst import config
from fastnst.training.tasks import style_plan

Conf = Callable[..., Path]


def planned(path: Path, dataset: list[np.ndarray] | None = None) -> style_plan.StylePlan:
    return style_plan.StylePlan(config.load(path), runs.ignore, False, dataset)


def test_a_plan_reads_its_input_and_writes_nothing(tmp_path: Path, conf: Conf) -> None:
    plan = planned(conf(tmp_path, **runs.LEAST))
    assert plan.count and str(plan.count) in plan.data_set
    assert plan.about() == {"photos": plan.count}
    assert [*plan.digests()] == ["style_image", "validation", "loss_model_file"]
    assert '"styles"' in plan.description
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yml"]


def test_few_steps_and_computed_weights_are_noticed(tmp_path: Path, conf: Conf) -> None:
    keys = {"recipe": "original", "max_steps": None, "epoch": 1, "style_weight": "auto"}
    plan = planned(conf(tmp_path, **(runs.LEAST | keys)))
    few, weight = plan.notices(20)
    assert few.startswith(f"epoch: 1 passes over {plan.count} photos are only 20 steps, which give")
    assert weight.startswith("style_weight: auto, computed as ")
    assert [*plan.notices(300)] == [weight]


def test_a_custom_data_set_has_no_number_of_photos(tmp_path: Path, conf: Conf) -> None:
    plan = planned(conf(tmp_path, **runs.LEAST), [])
    assert (plan.data_set, plan.count, plan.about()) == ("a custom data set", None, {})


def test_a_report_shows_each_validation_photo_once_and_the_advice_quotes_the_name(
    tmp_path: Path, conf: Conf, tiny_run: Path
) -> None:
    plan = planned(conf(tmp_path, **runs.LEAST))
    pairs = plan.pairs(tiny_run)
    assert pairs and all(before.shape == after.shape for before, after in pairs)
    assert len({before.tobytes() for before, _ in pairs}) == len(pairs)
    assert plan.advice("my run") == "Stylize a photo:  fastnst eval --model 'my run' PHOTO"
