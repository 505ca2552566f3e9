"""What may change when a run resumes; test_session_resume.py tests that runs obey it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from fastnst import config, errors
from fastnst.config import recipes
from fastnst.models import run_folder
from fastnst.training.tasks import resumption

BEFORE = config.from_mapping({"naming": "tiny", "style_image": "img/candy.jpg"})
GALLERY = config.from_mapping(
    {"naming": "tiny", "styles": {"candy": "img/candy.jpg", "wave": "img/wave.jpg"}}
)
# The keys that came with recipes: a config.yml of earlier code has neither.
_NEW_KEYS = ("recipe", "identity", "task")


@pytest.fixture
def folder(tmp_path: Any) -> run_folder.RunFolder:
    """The folder of a run of one style."""
    return begun(run_folder.RunFolder(tmp_path), BEFORE)


def begun(folder: run_folder.RunFolder, settings: config.Config) -> run_folder.RunFolder:
    """Makes the folder that of a run with this configuration."""
    folder.config.write_text(settings.to_yaml(), encoding="utf-8")
    return folder


def begun_by_earlier_code(folder: run_folder.RunFolder, **values: Any) -> None:
    """Makes the folder that of a run of code that knew no recipes."""
    flat = BEFORE.flat() | values
    kept = {key: value for key, value in flat.items() if key not in _NEW_KEYS}
    folder.config.write_text(yaml.safe_dump(kept), encoding="utf-8")


def now(**values: Any) -> dict[str, Any]:
    return BEFORE.replace(**values).flat()


def refusal(current: dict[str, Any], folder: run_folder.RunFolder) -> str:
    with pytest.raises(errors.UserError) as caught:
        resumption.changes(current, folder)
    message = str(caught.value)
    assert "--fresh" in message and "\n" not in message
    return message


def test_without_a_run_nothing_has_changed(tmp_path: Any) -> None:
    folder = run_folder.RunFolder(tmp_path)
    assert resumption.changes(now(), folder) == {}
    assert resumption.begun_recipe(folder) is None


def test_changes_are_returned_with_the_values_before_and_now(folder: run_folder.RunFolder) -> None:
    assert resumption.changes(now(), folder) == {}
    changed = now(learning_rate=0.5, style_layers={"relu1_2": 1.0}, style_image="moved/candy.jpg")
    assert resumption.changes(changed, folder) == {
        "learning_rate": (3e-3, 0.5),
        "style_layers": (BEFORE.styles["tiny"].style_layers, {"relu1_2": 1.0}),
        "style_image": ("img/candy.jpg", "moved/candy.jpg"),
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("style_image", "img/wave.jpg"),
        ("width", 16),
        ("residual_blocks", 2),
        ("output_norm", False),
        ("skips", False),
        ("lite", True),
        ("identity", "on"),
    ],
)
def test_style_and_architecture_cannot_change(
    folder: run_folder.RunFolder, key: str, value: Any
) -> None:
    before = BEFORE.flat()[key]
    assert refusal(now(**{key: value}), folder).startswith(
        f"{key}: {folder.path} was started with {before} and cannot resume with {value}; "
    )


def test_the_recipe_itself_may_change_silently(folder: run_folder.RunFolder) -> None:
    assert resumption.changes(now(recipe="gpu"), folder) == {}


def test_a_run_keeps_the_recipe_it_was_begun_with(folder: run_folder.RunFolder) -> None:
    assert resumption.begun_recipe(folder) == "cpu"
    begun(folder, BEFORE.replace(recipe="original"))
    assert resumption.begun_recipe(folder) == "original"
    folder.config.write_text("naming: [", encoding="utf-8")
    assert resumption.begun_recipe(folder) is None


def test_a_run_of_before_there_were_recipes_keeps_its_own_keys(
    folder: run_folder.RunFolder,
) -> None:
    own = {"image_size": 320, "batch_size": 3, "optimizer": "adam", "learning_rate": 5e-4}
    begun_by_earlier_code(folder, max_steps=777, **own)
    recipe = resumption.begun_recipe(folder)
    assert not isinstance(recipe, str) and recipe is not None
    assert recipe.items() > {**own, "max_steps": 777}.items()
    # What no recipe decides is left to the defaults of today.
    assert set(recipe) <= {key for values in recipes.RECIPES.values() for key in values}
    assert not {"naming", "style_image", "width", "tv_weight"} & set(recipe)
    resumed = config.from_mapping({"naming": "tiny", "style_image": "img/candy.jpg"}, begun=recipe)
    assert {key: resumed.flat()[key] for key in own} == own
    assert resumption.changes(resumed.flat(), folder) == {}
    # The conf's own keys still win.
    changed = config.from_mapping(
        {"naming": "tiny", "style_image": "img/candy.jpg", "batch_size": 2}, begun=recipe
    )
    assert resumption.changes(changed.flat(), folder) == {"batch_size": (3, 2)}


@pytest.mark.parametrize("lite", [False, True])
def test_a_run_of_earlier_code_resumes_without_changes(
    folder: run_folder.RunFolder, lite: bool
) -> None:
    # It had the width of 32 in the file, and half of it in a lite network.
    begun_by_earlier_code(folder, width=32, lite=lite)
    assert resumption.changes(now(lite=lite, width=None), folder) == {}
    assert refusal(now(lite=lite, width=24), folder).startswith("width: ")
    assert refusal(now(lite=lite, width=None, identity="on"), folder).startswith("identity: ")


def test_a_lite_run_of_todays_code_has_its_true_width(folder: run_folder.RunFolder) -> None:
    lite = BEFORE.replace(lite=True, width=None)
    begun(folder, lite)
    assert resumption.changes(lite.flat(), folder) == {}
    assert "started with 16 and cannot resume with 32" in refusal(
        lite.replace(width=32).flat(), folder
    )


@pytest.mark.parametrize("key", ["antialias", "deep"])
def test_a_run_that_is_older_than_a_layer_cannot_resume_with_it(
    key: str, folder: run_folder.RunFolder
) -> None:
    without = BEFORE.replace(**{key: False})
    begun(folder, without)
    text = folder.config.read_text()
    folder.config.write_text(text.replace(f"{key}: false\n", ""))
    assert key not in folder.config.read_text()
    assert resumption.changes(without.flat(), folder) == {}
    assert refusal(without.replace(**{key: True}).flat(), folder).startswith(f"{key}: ")


def test_each_of_several_styles_is_compared_with_itself(folder: run_folder.RunFolder) -> None:
    begun(folder, GALLERY)
    assert resumption.changes(GALLERY.flat(), folder) == {}
    current = GALLERY.flat()
    current["styles"]["wave"] |= {"strength": 2.0, "style_image": "moved/wave.jpg"}
    assert resumption.changes(current, folder) == {
        "styles.wave.style_image": ("img/wave.jpg", "moved/wave.jpg"),
        "styles.wave.strength": (1.0, 2.0),
    }
    current["styles"]["wave"]["style_image"] = "img/candy.jpg"
    assert refusal(current, folder).startswith("styles.wave.style_image: ")


@pytest.mark.parametrize("names", [["candy"], ["wave", "candy"], ["candy", "wave", "mosaic"]])
def test_the_names_and_the_order_of_styles_are_fixed(
    folder: run_folder.RunFolder, names: list[str]
) -> None:
    begun(folder, GALLERY)
    styles = {name: f"img/{name}.jpg" for name in names}
    current = config.from_mapping({"naming": "tiny", "styles": styles}).flat()
    assert refusal(current, folder).startswith(
        f"styles: {folder.path} was started with candy, wave and cannot resume with "
        f"{', '.join(names)}; "
    )


def test_a_run_of_one_style_cannot_resume_with_several(folder: run_folder.RunFolder) -> None:
    message = refusal(GALLERY.flat(), folder)
    assert "started with a single style and cannot resume with candy, wave" in message
    assert "started with candy, wave and cannot resume with a single style" in refusal(
        now(), begun(folder, GALLERY)
    )


def test_the_keys_of_the_objective_affect_validation() -> None:
    for key in ("strength", "tv_weight", "validation", "image_size", "loss_model_file"):
        assert resumption.affects_validation([key]), key
    assert resumption.affects_validation(["learning_rate", "strength"])
    assert resumption.affects_validation(["styles.wave.style_size"])
    assert not resumption.affects_validation(["learning_rate", "max_steps", "dataset"])
    assert not resumption.affects_validation(["styles.wave.style_image"])


def test_a_damaged_configuration_is_reported(folder: run_folder.RunFolder) -> None:
    folder.config.write_text("- not a mapping", encoding="utf-8")
    assert "damaged" in refusal(now(), folder)
