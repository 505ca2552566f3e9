"""Conf files: YAML with the location of every key."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import yaml

from fastnst import errors, files


@dataclasses.dataclass(frozen=True)
class Entry:
    """A value and its location.

    Attributes:
        value: The value that YAML parsed.
        where: Its location, for example "conf/candy.yml:3" or "--set width=16".
        items: The entries within a mapping by key, or within a list by index.
    """

    value: Any
    where: str
    items: dict[str, Entry] = dataclasses.field(default_factory=dict)


def entry(value: Any, where: str) -> Entry:
    """Creates an entry from a Python value with a single location.

    Paths and tuples, which YAML does not have, become text and lists.
    """
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    elif isinstance(value, tuple):
        value = list(value)
    items: dict[str, Entry] = {}
    if isinstance(value, dict):
        items = {str(key): entry(item, where) for key, item in value.items()}
    elif isinstance(value, list):
        items = {str(index): entry(item, where) for index, item in enumerate(value)}
    return Entry(value, where, items)


def read(path: Path, problems: list[str]) -> dict[str, Entry]:
    """Reads the entries of a conf file.

    Args:
        path: The file.
        problems: List to which a message for each duplicate key is added.

    Raises:
        UserError: If the file cannot be read, or is not a YAML mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise errors.UserError(f"{path}: no such conf file{_near(path)}") from None
    except IsADirectoryError:
        raise errors.UserError(f"{path}: is a folder; name a conf file in it") from None
    except UnicodeDecodeError:
        raise errors.UserError(
            f"{path}: is not a text file; a conf file consists of lines of `key: value`, see "
            "conf/README.md"
        ) from None
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if isinstance(node, yaml.MappingNode):
            # Refuses unknown tags and cycles; the walk below would not end on a cycle.
            yaml.SafeLoader("").construct_object(yaml.compose(text, yaml.SafeLoader), deep=True)
    # PyYAML raises a plain ValueError for an impossible date.
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise errors.UserError(f"{path}{line}: not valid YAML: {reason}") from None
    if not isinstance(node, yaml.MappingNode):
        raise errors.UserError(
            f"{path}: should consist of lines of `key: value`, see conf/README.md"
        )
    return _walk(loader, node, str(path), problems).items


def find(path: str | Path) -> Path:
    """Finds a conf file by its path, or by its bare name in conf/."""
    named = Path(path)
    if not named.suffix and not named.is_file():
        own = files.find(f"conf/{named}.yml")
        if own.is_file():
            return own
    return files.find(named)


def _walk(loader: yaml.SafeLoader, node: yaml.Node, file: str, problems: list[str]) -> Entry:
    """Creates an entry from a node. PyYAML itself would silently keep the last duplicate key."""
    items: dict[str, Entry] = {}
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key, where = str(key_node.value), f"{file}:{key_node.start_mark.line + 1}"
            if key in items:
                first = items[key].where
                problems.append(f"{where}: {key}: already set at {first}; remove one of them")
                continue
            item = _walk(loader, value_node, file, problems)
            items[key] = dataclasses.replace(item, where=where)
    elif isinstance(node, yaml.SequenceNode):
        for index, value_node in enumerate(node.value):
            items[str(index)] = _walk(loader, value_node, file, problems)
    value = loader.construct_object(node, deep=True)
    return Entry(value, f"{file}:{node.start_mark.line + 1}", items)


def _near(path: Path) -> str:
    """Suggests a conf file with a similar name, in the same folder or among the included ones."""
    own = {conf.stem: f"conf/{conf.name}" for conf in sorted(files.asset("conf").glob("*.yml"))}
    known = own | {conf.stem: str(conf) for conf in sorted(path.parent.glob("*.yml"))}
    return (
        errors.did_you_mean(path.stem, known, known) or f"; choose from {', '.join(known.values())}"
    )
