"""Recipes, and how a file's own keys combine with them."""

from __future__ import annotations

from typing import Any

import pytest

from fastnst import config
from fastnst.config import recipes, schema, values

LEAST = {"style_image": "img/candy.jpg", "naming": "candy"}


def flat(**keys: Any) -> dict[str, Any]:
    """The flat configuration that these keys give on a CPU."""
    return config.from_mapping(LEAST | keys).flat()


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_recipe_has_only_known_keys_and_allowed_values(name: str) -> None:
    for key, value in recipes.RECIPES[name].items():
        assert values.check(config.FIELDS[key], value) == value, key


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_recipe_is_about_training_and_leaves_style_network_and_names_alone(name: str) -> None:
    for section in (config.Config, config.Style, config.Network, config.LossNetwork):
        assert recipes.RECIPES[name].keys().isdisjoint(schema.keys(section))


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_file_trains_by_the_recipe_it_names(name: str) -> None:
    found = flat(recipe=name)
    assert found["recipe"] == name
    recipe = recipes.RECIPES[name]
    assert {key: found[key] for key in recipe} == recipe
    for key in found.keys() - recipe.keys() - {*LEAST, "recipe", "width", "deep", "identity"}:
        assert found[key] == schema.default(config.FIELDS[key]), key


def test_the_original_trained_with_a_constant_rate_without_any_of_our_additions() -> None:
    found = flat(recipe="original")
    expected = {
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "schedule": "constant",
        "warmup_steps": 0,
        "batch_size": 4,
        "image_size": 256,
        "epoch": 2,
        "max_steps": None,
        "augment": "none",
        "zoom": 1.0,
        "scales": 1,
        "steady": 0.0,
        "wallpaper": 0.0,
        "average": 0.0,
        "start_from": None,
        "stages": {},
        "log_every": 10,
        "summary_every": 25,
        "checkpoint_every": 1000,
    }
    assert {key: found[key] for key in expected} == expected
    assert (found["skips"], found["output_norm"], found["width"]) == (True, True, 32)


def test_auto_goes_by_the_device_unless_a_run_was_begun_with_a_recipe() -> None:
    def recipe(**options: Any) -> str:
        return config.from_mapping(LEAST, **options).recipe

    assert recipe() == "cpu"
    assert recipe(gpu=True) == "gpu"
    assert recipe(gpu=True, begun="cpu") == "cpu"
    assert recipe(begun="original") == "original"
    assert config.from_mapping(LEAST | {"recipe": "auto"}, gpu=True).recipe == "gpu"
    named = config.from_mapping(LEAST | {"recipe": "quick"}, gpu=True, begun="cpu")
    assert named.recipe == "quick"


def test_a_gpu_sees_more_photos_than_a_cpu() -> None:
    cpu, gpu = recipes.RECIPES["cpu"], recipes.RECIPES["gpu"]
    assert cpu.keys() == gpu.keys()
    assert cpu["batch_size"] * cpu["max_steps"] < gpu["batch_size"] * gpu["max_steps"]
    assert {key for key in cpu if cpu[key] != gpu[key]} == {"batch_size", "max_steps", "stages"}


def test_a_files_own_keys_win_over_the_recipe() -> None:
    found = flat(batch_size=3, warmup_steps=7)
    assert (found["batch_size"], found["warmup_steps"]) == (3, 7)
    assert found["max_steps"] == 6000


@pytest.mark.parametrize(
    ("key", "value", "dependent", "default"),
    [
        ("epoch", 3, "max_steps", None),
        ("image_size", 128, "stages", {}),
        ("optimizer", "adam", "learning_rate", 1e-3),
    ],
)
def test_a_value_of_a_recipe_yields_to_the_key_it_depends_on(
    key: str, value: Any, dependent: str, default: Any
) -> None:
    assert recipes.YIELDS[dependent] == key
    assert flat()[dependent] == recipes.RECIPES["cpu"][dependent] != default
    found = flat(**{key: value})
    assert found[dependent] == default
    others = recipes.RECIPES["cpu"].keys() - {key, dependent}
    assert {name: found[name] for name in others} == {name: flat()[name] for name in others}


def test_a_dependent_value_of_the_file_stays() -> None:
    assert flat(epoch=3, max_steps=10)["max_steps"] == 10
    assert flat(image_size=128, stages={64: 5})["stages"] == {64: 5}
    assert flat(optimizer="adam", learning_rate=1e-5)["learning_rate"] == 1e-5


def test_null_in_a_file_is_a_value_that_wins_over_the_recipe() -> None:
    assert flat(max_steps=None)["max_steps"] is None


def test_recipes_do_not_share_their_mappings_with_configurations() -> None:
    config.from_mapping(LEAST).data.stages.clear()
    assert flat()["stages"] == {192: 2000}
