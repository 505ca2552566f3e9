"""Values of YAML with their locations, read such that no text can do harm.

Of YAML, this reads mappings, lists and plain values, with aliases and merge keys, up to a bound on
the number and the depth of the values. Numbers are decimal, and what is no number is text: YAML 1.1
would read 010 as 8, 12:30 as 750 and 2024-01-01 as a date.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import os
import re
import reprlib
from typing import Any

import yaml

# Bounds that no conf file reaches: the values that aliases stand for count too.
_MOST, _DEEPEST = 20_000, 20
_TAG = "tag:yaml.org,2002:"
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
}
_INTEGER = r"[-+]?(?:0|[1-9][0-9_]*)"
_FLOAT = r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)"
_NOT_A_NUMBER = r"\.(?:nan|NaN|NAN)"


# The kinds of plain values: their pattern, and their first characters.
_KINDS = (
    ("bool", "(?i:true|false|yes|no|on|off)", "tTfFyYnNoO"),
    ("int", _INTEGER, "-+0123456789"),
    ("float", f"{_FLOAT}|{_NOT_A_NUMBER}", "-+0123456789."),
    ("merge", "<<", "<"),
    ("null", "~|null|Null|NULL|", ("~", "n", "N", "")),
)


_RESOLVERS = {
    first: [
        (f"{_TAG}{kind}", re.compile(f"(?:{pattern})\\Z"))
        for kind, pattern, firsts in _KINDS
        if first in firsts
    ]
    for first in {first for _, _, firsts in _KINDS for first in firsts}
}


@dataclasses.dataclass(frozen=True)
class Entry:
    """A value and its location.

    Attributes:
        value: The value that YAML parsed.
        where: Its location, for example "conf/candy.yml:3" or "--set width=16".
        items: The entries within a mapping by key, or within a list by index.
        text: The value as it is written; None for a mapping, a list, and a value of Python.
    """

    value: Any
    where: str
    items: dict[str, Entry] = dataclasses.field(default_factory=dict)
    text: str | None = None


def shown(value: Any) -> str:
    """Returns a value for a message, however large it is, in about a line."""
    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = shortened.maxlong = 60
    return shortened.repr(value)


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


class InvalidError(Exception):
    """Text that is not the YAML that is allowed.

    Attributes:
        reason: What is wrong.
        line: The line that it is in, from 1, or None if it is unknown.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.line = reason, line


def _check_depth(depth: int, line: int) -> None:
    if depth > _DEEPEST:
        raise InvalidError(f"is nested more than {_DEEPEST} levels deep", line)


class _Loader(yaml.SafeLoader):
    """Composes nodes, and resolves fewer kinds of plain values than YAML 1.1."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.yaml_implicit_resolvers = _RESOLVERS
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Composes a node, unless it is nested too deep: PyYAML would run out of stack."""
        self._depth += 1
        _check_depth(self._depth, self.peek_event().start_mark.line + 1)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


def parse(text: str, where: collections.abc.Callable[[int], str], problems: list[str]) -> Entry:
    """Parses YAML.

    Args:
        text: The text.
        where: Returns the location of a line, from 1.
        problems: List to which a message for each duplicate key is added.

    Raises:
        InvalidError: If it is not the YAML that is allowed.
    """
    try:
        node = _Loader(text).get_single_node()
        if node is None:
            return Entry(None, where(1), text="")
        return _Walk(where, problems).entry(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InvalidError(reason, mark.line + 1 if mark else None) from None


class _Walk:
    """Creates entries from nodes, and counts them."""

    def __init__(self, where: collections.abc.Callable[[int], str], problems: list[str]) -> None:
        self._where, self._problems, self._count = where, problems, 0

    def entry(self, node: yaml.Node, depth: int = 1) -> Entry:
        self._count += 1
        line = node.start_mark.line + 1
        # Aliases nest without being composed again.
        _check_depth(depth, line)
        if self._count > _MOST:
            raise InvalidError(f"stands for more than {_MOST:,} values", line)
        kind = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            value, items = self._mapping(node, depth)
            return Entry(value, self._where(line), items)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            listed = [self.entry(each, depth + 1) for each in node.value]
            numbered = {str(index): each for index, each in enumerate(listed)}
            return Entry([each.value for each in listed], self._where(line), numbered)
        if isinstance(node, yaml.ScalarNode):
            return Entry(_scalar(kind, node.value, line), self._where(line), text=node.value)
        raise _unknown(node.tag, line)

    def _mapping(
        self, node: yaml.MappingNode, depth: int
    ) -> tuple[dict[Any, Any], dict[str, Entry]]:
        own: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        typed: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise InvalidError("a key should be a plain word", line)
            found = self.entry(value_node, depth + 1)
            if key_node.tag == f"{_TAG}merge":
                bases = list(found.items.values()) if isinstance(found.value, list) else [found]
                if not all(isinstance(base.value, dict) for base in bases):
                    raise InvalidError(
                        "<< should be an alias of a mapping, or a list of such", line
                    )
                for base in bases:
                    merged = base.items | merged
                    typed = {str(key): key for key in base.value} | typed
                continue
            key, where = str(key_node.value), self._where(line)
            if key in own:
                first = own[key].where
                self._problems.append(
                    f"{where}: {shown(key)[1:-1]}: already set at {first}; remove one of them"
                )
                continue
            own[key] = dataclasses.replace(found, where=where)
            typed[key] = _scalar(key_node.tag.removeprefix(_TAG), key, line)
        items = merged | own
        return {typed.get(key, key): item.value for key, item in items.items()}, items


def _scalar(kind: str, text: str, line: int) -> Any:
    if kind in ("str", "merge"):
        return text
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if kind == "int" and re.fullmatch(_INTEGER, text):
        digits = text.replace("_", "")
        # Python refuses to parse thousands of digits, and no key is so large.
        return int(digits) if len(digits) <= 400 else float("inf")
    if kind == "float" and re.fullmatch(f"{_INTEGER}|{_FLOAT}|{_NOT_A_NUMBER}", text):
        return float(re.sub(r"\.(?=[iInN])", "", text.replace("_", "")))
    if kind in ("bool", "int", "float"):
        raise InvalidError(f"{shown(text)} is not of the type !!{kind}", line)
    raise _unknown(f"{_TAG}{kind}" if ":" not in kind else kind, line)


def _unknown(tag: str, line: int) -> InvalidError:
    return InvalidError(f"the tag {shown(tag)} is not allowed; leave it out", line)
