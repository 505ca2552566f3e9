"""Which keys of the configuration may change when a run resumes, and the consequences."""

from __future__ import annotations

import collections.abc
import dataclasses
from pathlib import Path
from typing import Any

import yaml

from fastnst import errors
from fastnst.config import recipes
from fastnst.models import run_folder
from fastnst.nets import transform_net

# A run cannot resume with other styles or another architecture; any other key may change.
_FIXED_KEYS = frozenset(
    {
        "style_image",
        "styles",
        "identity",
        *(field.name for field in dataclasses.fields(transform_net.Architecture)),
    }
)
# After a change of these, validation losses from before it are not comparable.
JUDGING_KEYS = frozenset(
    {
        "content_weight",
        "style_weight",
        "strength",
        "tv_weight",
        "content_layers",
        "style_layers",
        "style_size",
        "image_size",
        "loss_model_file",
        "validation",
    }
)


def changes(
    current: collections.abc.Mapping[str, Any], folder: run_folder.RunFolder
) -> dict[str, tuple[Any, Any]]:
    """Compares a configuration with the one that a folder's run has had, if there is a run.

    Args:
        current: The configuration now, as `Config.flat` returns it.
        folder: The run's folder.

    Returns:
        The values before and now, by key; a key of one of several styles is "styles.NAME.KEY".

    Raises:
        UserError: If the run cannot resume with these changes, or its config.yml is damaged.
    """
    earlier = _earlier(folder)
    if earlier is None:
        return {}
    before, now = _dotted(earlier), _dotted(current)
    changed = {
        key: (before[key], value)
        for key, value in now.items()
        if key != "recipe" and before.get(key, value) != value
    }
    for key, (old, new) in changed.items():
        leaf = key.rpartition(".")[2]
        # The file may move, but a network learns one painting per style.
        moved = leaf == "style_image" and Path(str(old)).name == Path(str(new)).name
        if leaf in _FIXED_KEYS and not moved:
            raise errors.UserError(
                f"{key}: {folder.path} was begun with {old} and cannot resume with {new}; set it "
                "back, start over with --fresh, or choose another naming"
            )
    return changed


def affects_validation(changed: collections.abc.Iterable[str]) -> bool:
    """Whether validation losses before and after a change of these keys are not comparable."""
    return any(key.rpartition(".")[2] in JUDGING_KEYS for key in changed)


def begun_recipe(
    folder: run_folder.RunFolder,
) -> str | collections.abc.Mapping[str, Any] | None:
    """Returns the recipe that a folder's run was begun with, or None if there is no run.

    A run of before there were recipes has the values of its config.yml for one.
    """
    try:
        earlier = _earlier(folder) or {}
    except errors.UserError:
        # `changes` reports the damage, unless the run is moved aside.
        return None
    if not earlier:
        return None
    if (recipe := earlier.get("recipe", "auto")) != "auto":
        return str(recipe)
    in_recipes = {key for recipe in recipes.RECIPES.values() for key in recipe}
    return {key: value for key, value in earlier.items() if key in in_recipes}


def _earlier(folder: run_folder.RunFolder) -> dict[str, Any] | None:
    """Reads a run's configuration, brought up to the keys of today."""
    if not folder.config.exists():
        return None
    try:
        earlier = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
        assert isinstance(earlier, dict)
    except (yaml.YAMLError, ValueError, AssertionError):
        raise errors.UserError(
            f"{folder.config}: damaged; delete it to resume with the current configuration, or "
            "start over with --fresh"
        ) from None
    if "recipe" not in earlier:
        # Before there were recipes, lite networks had half of the width in the file, and no
        # network had an identity row.
        earlier["identity"] = "off"
        if earlier.get("lite") is True and isinstance(earlier.get("width"), int):
            earlier["width"] //= 2
    return earlier


def _dotted(flat: collections.abc.Mapping[str, Any]) -> dict[str, Any]:
    """Returns every value by key, with "styles.NAME.KEY" for each of several styles' keys."""
    styles = flat.get("styles") or {}
    # The names first: other differences follow from theirs. Their order is that of the rows.
    dotted: dict[str, Any] = {"styles": ", ".join(styles) or "a single style"}
    dotted |= {key: value for key, value in flat.items() if key != "styles"}
    for name, style in styles.items():
        dotted |= {f"styles.{name}.{key}": value for key, value in style.items()}
    return dotted
