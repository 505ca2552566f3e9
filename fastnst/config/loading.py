"""Builds a configuration from the defaults, a recipe, a conf file and overrides, and checks it.

Conf files, `--set key=value` and the Python API pass the same checks. All problems are reported at
once, each with its file, line, key and the nearest valid name.
"""

from __future__ import annotations

import collections.abc
import dataclasses
from pathlib import Path
from typing import Any

from fastnst import errors
from fastnst.config import conf_file, nodes, objective, recipes, schema, values
from fastnst.features import stacks

_STYLE_KEYS = schema.keys(objective.Style)
_NO_PAINTING = f"style_image is missing: {_STYLE_KEYS['style_image'].metadata['help']}"


def load(
    path: str | Path,
    assignments: collections.abc.Sequence[str] = (),
    quick: bool = False,
    *,
    gpu: bool = False,
    begun: str | collections.abc.Mapping[str, Any] | None = None,
    **values: Any,
) -> schema.Config:
    """Reads a conf file.

    Values come from, in order of increasing precedence: the defaults, the recipe, the file,
    `quick`, `assignments` and `values`.

    Args:
        path: The YAML file, or the bare name of one in conf/.
        assignments: Strings "key=value", as in `--set`; "styles.wave.strength=2" sets a key of one
            style.
        quick: Whether to apply the recipe `quick` over the file, and to name the model
            "<naming>-quick".
        gpu: Whether there is a GPU, which decides `recipe: auto`.
        begun: The recipe of the run to resume, which `recipe: auto` keeps: its name, or its keys
            and values if the run is older than recipes. None for a new run.
        **values: Values by flat key.

    Raises:
        UserError: If there are problems; the message lists all of them, one per line.
    """
    problems: list[str] = []
    file = conf_file.find(path)
    given = conf_file.read(file, problems)
    over = _assigned(assignments, problems)
    over |= {key: nodes.entry(value, f"--{key}") for key, value in values.items()}
    if quick:
        given = _quick(given, over)
    return _make(given, over, str(file), begun or ("gpu" if gpu else "cpu"), problems)


def from_mapping(
    mapping: collections.abc.Mapping[str, Any],
    source: str = "config",
    assignments: collections.abc.Sequence[str] = (),
    *,
    gpu: bool = False,
    begun: str | collections.abc.Mapping[str, Any] | None = None,
) -> schema.Config:
    """Builds a configuration from the keys of a conf file.

    Args:
        mapping: Values by key.
        source: The mapping's name in error messages.
        assignments: Strings "key=value", which win over the mapping.
        gpu: Whether there is a GPU, which decides `recipe: auto`.
        begun: The recipe of the run to resume, which `recipe: auto` keeps: its name, or its keys
            and values if the run is older than recipes. None for a new run.

    Raises:
        UserError: If there are problems; the message lists all of them, one per line.
    """
    problems: list[str] = []
    given = nodes.entry(dict(mapping), source).items
    over = _assigned(assignments, problems)
    return _make(given, over, source, begun or ("gpu" if gpu else "cpu"), problems)


def _assigned(
    assignments: collections.abc.Sequence[str], problems: list[str]
) -> dict[str, nodes.Entry]:
    """Reads "key=value" assignments; each malformed one becomes a problem."""
    entries: dict[str, nodes.Entry] = {}
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        where = f"--set {assignment:.200}"
        if not separator:
            problems.append(f"{where}: should be key=value")
            continue
        try:
            entries[key.strip()] = nodes.parse(text, _always(where), problems)
        except nodes.InvalidError:
            problems.append(f"{where}: the value is not valid YAML")
    return entries


def _always(where: str) -> collections.abc.Callable[[int], str]:
    return lambda line: where


def _quick(given: dict[str, nodes.Entry], over: dict[str, nodes.Entry]) -> dict[str, nodes.Entry]:
    """Applies the recipe `quick` over a file's entries, and renames the model."""
    quick = recipes.RECIPES["quick"]
    kept = {key: entry for key, entry in given.items() if key not in quick}
    laid = kept | _recipe("quick", quick, over) | {"recipe": nodes.Entry("quick", "--quick")}
    naming = laid.get("naming")
    if naming and isinstance(naming.value, str | int | float):
        name = f"{naming.value if naming.text is None else naming.text}-quick"
        laid["naming"] = nodes.Entry(name, naming.where)
    return laid


def _recipe(
    name: str,
    values: collections.abc.Mapping[str, Any],
    given: collections.abc.Container[str],
) -> dict[str, nodes.Entry]:
    """Returns a recipe's entries, except those that yield to a given key (`recipes.YIELDS`)."""
    return {
        key: nodes.entry(value, f"recipe {name}")
        for key, value in values.items()
        if recipes.YIELDS.get(key) not in given
    }


def _make(
    given: dict[str, nodes.Entry],
    over: dict[str, nodes.Entry],
    source: str,
    automatic: str | collections.abc.Mapping[str, Any],
    problems: list[str],
) -> schema.Config:
    """Checks all entries and builds the configuration.

    Args:
        given: Entries by key.
        over: Entries that win over those in `given`; their keys may also be "styles.NAME.KEY".
        source: Name of the configuration in messages about problems that have no line.
        automatic: The recipe that `auto` stands for, by name or as keys and values.
        problems: Problems found so far.

    Raises:
        UserError: If there are problems.
    """
    dotted = {key: entry for key, entry in over.items() if key.startswith("styles.")}
    entries = given | {key: entry for key, entry in over.items() if key not in dotted}
    flat = {key: entry for key, entry in entries.items() if key != "styles"}
    checked = _check(flat, schema.FIELDS, problems)
    task = checked.get("task", schema.STYLE)
    known = schema.fields(task)
    _check_task(task, entries, problems)
    recipe = checked.get("recipe", "auto")
    if task != schema.STYLE:
        values: collections.abc.Mapping[str, Any] = {}
    elif recipe != "auto":
        values = recipes.RECIPES[recipe]
    elif isinstance(automatic, str):
        recipe, values = automatic, recipes.RECIPES[automatic]
    else:
        values = dict(automatic)
    checked = _check(_recipe(recipe, values, entries), schema.FIELDS, problems) | checked
    for key, field in known.items():
        if field.metadata.get("required") and key not in (*entries, *_STYLE_KEYS):
            problems.append(f"{source}: {key} is missing: {field.metadata['help']}")
    own = {key: checked[key] for key in _STYLE_KEYS if key in checked}
    sources: dict[str, str] = {}
    if task != schema.STYLE:
        styles: dict[str, objective.Style] = {}
    elif "styles" in entries:
        final = {key: value for key, value in own.items() if key in over}
        styles = _styles(entries, own, final, dotted, problems)
        sources = {name: f"{source}: styles.{name}" for name in styles}
    else:
        for key, entry in dotted.items():
            leaf = key.rpartition(".")[2]
            problems.append(f"{entry.where}: there is no key styles; set {leaf} instead")
        if "style_image" not in entries:
            problems.append(f"{source}: {_NO_PAINTING}")
        styles = {} if problems else {checked["naming"]: objective.Style(**own)}
        sources = dict.fromkeys(styles, source)
    for name, style in styles.items():
        _check_objective(style, sources[name], problems)
        if "loss_model" in checked or "loss_model" not in flat:
            model = checked.get("loss_model", schema.FIELDS["loss_model"].default)
            _check_layers(style, model, sources[name], problems)
    if checked.get("lite") and checked.get("deep"):
        problems.append(
            f"{source}: deep does not combine with lite, whose trunk is as small already; set one"
        )
    if problems:
        raise errors.UserError("\n".join(problems))

    def section(kind: type) -> dict[str, Any]:
        return {key: checked[key] for key in schema.keys(kind) if key in checked}

    top = section(schema.Config) | {"recipe": recipe, "styles": styles}
    sections = {name: kind(**section(kind)) for name, kind in schema.SECTIONS.items()}
    return schema.Config(**top, **sections)


def _check_task(
    task: str, entries: collections.abc.Mapping[str, nodes.Entry], problems: list[str]
) -> None:
    """Refuses known keys that do not apply to a task."""
    for key, entry in entries.items():
        tasks = [schema.STYLE] if key == "styles" else schema.tasks_with(key)
        if tasks and task not in tasks and (key, entry.where) == ("recipe", "--quick"):
            problems.append("--quick: applies only to task: style; use --steps for a short run")
        elif tasks and task not in tasks:
            problems.append(
                f"{entry.where}: {key}: applies only to task: {' or '.join(tasks)}, and this is "
                f"task: {task}; remove it"
            )


def _check(
    entries: dict[str, nodes.Entry],
    fields: dict[str, dataclasses.Field[Any]],
    problems: list[str],
    prefix: str = "",
) -> dict[str, Any]:
    """Converts the allowed values; each of the others becomes a problem.

    Args:
        entries: The values by key.
        fields: The known keys.
        problems: Problems found so far; more are added.
        prefix: Written before a key, such as "styles.wave.".
    """
    checked: dict[str, Any] = {}
    for key, entry in entries.items():
        if key in fields:
            try:
                checked[key] = values.check(fields[key], entry.value, entry.text)
            except (ValueError, OverflowError) as error:
                problems.append(f"{entry.where}: {prefix}{key}: {error}")
        elif key in schema.FIELDS:
            problems.append(
                f"{entry.where}: {prefix}{key}: applies to all styles; set {key} at the top level"
            )
        else:
            near = errors.did_you_mean(key, [*fields] if prefix else [*fields, "styles"])
            problems.append(f"{entry.where}: unknown key {prefix}{key}{near}")
    return checked


def _styles(
    entries: dict[str, nodes.Entry],
    defaults: dict[str, Any],
    final: dict[str, Any],
    dotted: dict[str, nodes.Entry],
    problems: list[str],
) -> dict[str, objective.Style]:
    """Builds the styles listed under the key `styles`.

    Args:
        entries: All entries.
        defaults: Checked values for all styles, which the keys of a style override.
        final: Checked values for all styles, which override the keys of a style.
        dotted: Entries by "styles.NAME.KEY", which override all others.
        problems: Problems found so far; more are added.
    """
    if "style_image" in entries:
        problems.append(
            f"{entries['style_image'].where}: style_image: cannot be combined with styles, which "
            "lists the paintings; remove one of the two keys"
        )
    named = _named_styles(entries["styles"], problems)
    last: dict[str, dict[str, nodes.Entry]] = {name: {} for name in named}
    for key, entry in dotted.items():
        name, _, leaf = key.removeprefix("styles.").rpartition(".")
        if name in named:
            last[name][leaf] = entry
        else:
            near = errors.did_you_mean(name, named) or f"; choose from {', '.join(named)}"
            problems.append(f"{entry.where}: unknown style {name!r}{near}")
    styles = {}
    for name, entry in named.items():
        own = entry.items | last[name]
        checked = _check(own, _STYLE_KEYS, problems, f"styles.{name}.")
        if "style_image" not in own:
            problems.append(f"{entry.where}: styles.{name}: {_NO_PAINTING}")
        winning = {key: value for key, value in final.items() if key not in last[name]}
        styles[name] = objective.Style(**(defaults | checked | winning))
    return styles


def _named_styles(styles: nodes.Entry, problems: list[str]) -> dict[str, nodes.Entry]:
    """Returns an entry for each style by name, whether `styles` is a list or a mapping."""
    listed = isinstance(styles.value, list)
    if not styles.value or not (listed or isinstance(styles.value, dict)):
        problems.append(
            f"{styles.where}: styles: should be a list of paintings, or a mapping of name to a "
            f"painting or to the keys of a style, found {nodes.shown(styles.value)}"
        )
        return {}
    named: dict[str, nodes.Entry] = {}
    for key, entry in styles.items.items():
        if isinstance(entry.value, str) and entry.value:
            name = Path(entry.value).stem if listed else key
            style = nodes.Entry({}, entry.where, {"style_image": entry})
        elif isinstance(entry.value, dict) and not listed:
            name, style = key, entry
        else:
            label, further = ("styles", "") if listed else (f"styles.{key}", " or a style's keys")
            problems.append(
                f"{entry.where}: {label}: should be the path of a painting{further}, found "
                f"{nodes.shown(entry.value)}"
            )
            continue
        try:
            values.check(schema.FIELDS["naming"], name)
        except ValueError as error:
            problems.append(f"{entry.where}: styles: {error}")
        if name in named:
            problems.append(
                f"{entry.where}: styles: two styles are named {name}, after their files; give them "
                "names: `styles: {NAME: PAINTING}`"
            )
        named[name] = style
    return named


def _check_objective(style: objective.Style, source: str, problems: list[str]) -> None:
    if not (style.content_weight or style.style_weight or style.tv_weight):
        problems.append(
            f"{source}: content_weight, style_weight and tv_weight are all 0; set at least one"
        )
    if style.style_weight == "auto" and not (
        style.content_weight and any(style.content_layers.values())
    ):
        problems.append(
            f"{source}: style_weight: auto is relative to the content loss, whose weight is 0; "
            "set a number"
        )


def _check_layers(style: objective.Style, model: str, source: str, problems: list[str]) -> None:
    known = [layer.name for layer in stacks.layers(model)]
    for key in ("content_layers", "style_layers"):
        lacking = [name for name in getattr(style, key) if name not in known]
        if lacking:
            problems.append(
                f"{source}: {key}: {model} has no {', '.join(lacking)}; choose from "
                f"{', '.join(known)}"
            )
