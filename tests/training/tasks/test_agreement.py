"""What the workers of a cluster must have in common, and how a difference is told.

tests/cli/test_launch.py has real clusters.
"""

from __future__ import annotations

import tensorflow as tf

from fastnst import config
from fastnst.training.tasks import agreement, plan


class Plan(plan.Plan):
    """A plan of 96 photos."""

    def about(self) -> dict[str, int]:
        return {"photos": 96}


def facts(**keys: object) -> dict[str, object]:
    """What a worker tells of a configuration."""
    settings = config.from_mapping({"naming": "tiny", "style_image": "img/wave.jpg", **keys})
    return agreement._facts(settings, Plan(), {"style_image": "abcd"})


def test_the_same_configuration_at_another_place_is_the_same() -> None:
    places = {"model_path": "/elsewhere", "dataset": "/photos", "style_image": "img/candy.jpg"}
    assert agreement.differences(facts(), facts(**places, devices=2)) == []


def test_each_key_that_differs_is_named_with_both_values() -> None:
    keys = {"content_layers": ["relu1_1"], "learning_rate": 0.25}
    other = facts(content_layers=["relu2_2"], learning_rate=0.5)
    assert agreement.differences(facts(**keys), other) == [
        "content_layers ({'relu2_2': 1.0} instead of {'relu1_1': 1.0})",
        "learning_rate (0.5 instead of 0.25)",
    ]


def test_files_count_by_their_content_and_photos_by_their_number() -> None:
    other = facts() | {"style_image": "content ef01", "photos": 95}
    assert agreement.differences(facts(), other) == [
        "photos (95 instead of 96)",
        "style_image ('content ef01' instead of 'content abcd')",
    ]


def test_a_key_that_one_worker_lacks_is_named_and_many_are_counted() -> None:
    assert agreement.differences({"a": 1}, {"b": 2, "c": 3, "d": 4}) == [
        "a (nothing instead of 1)",
        "b (2 instead of nothing)",
        "c (3 instead of nothing)",
        "1 more",
    ]


def test_a_process_without_others_agrees_with_itself() -> None:
    settings = config.from_mapping({"naming": "tiny", "style_image": "img/wave.jpg"})
    agreement.check(tf.distribute.get_strategy(), settings, Plan(), {})
