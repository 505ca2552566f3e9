"""Checks how the configuration has changed when a run resumes."""

from __future__ import annotations

import collections.abc
import types
from pathlib import Path
from typing import Any

from fastnst import config, errors
from fastnst.config import conf_file, recipes
from fastnst.models import run_folder
from fastnst.training.tasks import contents

# A run cannot resume with different styles either.
_FIXED_KEYS = {
    "styles",
    *(key for key, field in config.FIELDS.items() if field.metadata.get("fixed")),
}
_JUDGING_KEYS = {key for key, field in config.FIELDS.items() if field.metadata.get("judges")}


def changes(
    current: collections.abc.Mapping[str, Any],
    folder: run_folder.RunFolder,
    found: collections.abc.Mapping[str, str] = types.MappingProxyType({}),
) -> dict[str, tuple[Any, Any]]:
    """Compares a configuration and its files with those of the run in a folder.

    Args:
        current: The current configuration, as `Config.flat` returns it.
        folder: The run's folder.
        found: Digests of the current files, as `contents.digests` returns them.

    Returns:
        The earlier and the current value of each changed key; a key of one of several styles is
        "styles.NAME.KEY". Empty if the folder holds no run.

    Raises:
        UserError: If the run cannot resume with these changes, or its config.yml is damaged.
    """
    earlier = _earlier(folder)
    if earlier is None:
        return {}
    before, now = dotted(earlier), dotted(current)
    changed = {
        key: (before[key], value)
        for key, value in now.items()
        if key != "recipe" and before.get(key, value) != value
    }
    stored = contents.read(folder)
    replaced = {key for key in found if stored.get(key, found[key]) != found[key]}
    for key in replaced:
        changed[key] = (f"content {stored[key]}", f"content {found[key]}")
    for key, (old, new) in changed.items():
        leaf = key.rpartition(".")[2]
        # The file may move, but the painting of a style must stay the same. Runs that are older
        # than the digests know only its name.
        moved = leaf == "style_image" and (
            key not in replaced if key in stored else Path(str(old)).name == Path(str(new)).name
        )
        if leaf in _FIXED_KEYS and not moved:
            raise errors.UserError(
                f"{key}: {folder.path} was started with {old} and cannot resume with {new}; "
                "restore the old value, start over with --fresh, or choose another naming"
            )
    return changed


def affects_validation(changed: collections.abc.Iterable[str]) -> bool:
    """Returns whether a change to these keys makes earlier validation losses incomparable."""
    return any(key.rpartition(".")[2] in _JUDGING_KEYS for key in changed)


def begun_recipe(
    folder: run_folder.RunFolder,
) -> str | collections.abc.Mapping[str, Any] | None:
    """Returns the recipe of the run in a folder, or None if there is no run.

    For a run that is older than recipes, these are the keys of a recipe with the values in its
    config.yml.
    """
    try:
        earlier = _earlier(folder) or {}
    except errors.UserError:
        # `changes` reports the damage, unless --fresh moves the run aside.
        return None
    if not earlier:
        return None
    if (recipe := earlier.get("recipe", "auto")) != "auto":
        return str(recipe)
    in_recipes = {key for recipe in recipes.RECIPES.values() for key in recipe}
    return {key: value for key, value in earlier.items() if key in in_recipes}


def _earlier(folder: run_folder.RunFolder) -> dict[str, Any] | None:
    """Reads the configuration saved in a run's folder, and converts it to the current keys.

    Raises:
        UserError: If config.yml is damaged.
    """
    if not folder.config.exists():
        return None
    try:
        read = conf_file.read(folder.config, [])
        earlier = {key: entry.value for key, entry in read.items()}
        styles = earlier.get("styles") or {}
        if not all(isinstance(style, dict) for style in styles.values()):
            raise ValueError
    # A list has no values.
    except (errors.UserError, ValueError, AttributeError):
        raise errors.UserError(
            f"{folder.config}: damaged; delete it to resume with the current configuration, or "
            "start over with --fresh"
        ) from None
    # Runs that are older than this key had no low-pass filters.
    for name in ("antialias", "deep"):
        earlier.setdefault(name, False)
    # Of other tasks, which all name theirs, there are no recipes.
    if "recipe" not in earlier and "task" not in earlier:
        # In runs that are older than recipes, lite networks had half the width given in the file,
        # and no network had an identity row.
        earlier["identity"] = "off"
        if earlier.get("lite") is True and isinstance(earlier.get("width"), int):
            earlier["width"] //= 2
    return earlier


def dotted(flat: collections.abc.Mapping[str, Any]) -> dict[str, Any]:
    """Returns every value by key; the keys of several styles become "styles.NAME.KEY"."""
    styles = flat.get("styles") or {}
    # The names come first, because other differences follow from them. Their order, which is that
    # of the rows, matters too.
    dotted: dict[str, Any] = {"styles": ", ".join(styles) or "a single style"}
    dotted |= {key: value for key, value in flat.items() if key != "styles"}
    for name, style in styles.items():
        dotted |= {f"styles.{name}.{key}": value for key, value in style.items()}
    return dotted
