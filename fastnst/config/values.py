"""Converts and checks the values of a conf file by the rules of each key."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import re
from typing import Any

from fastnst import errors
from fastnst.config import declaring, nodes
from fastnst.features import stacks

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# `--model list` and `--style all` name no model and no style.
# Of a text: no system has longer paths. Names leave room for what is added to them.
_LONGEST, _LONGEST_NAME = 4096, 200
_RESERVED = frozenset({"list", "all"})


def check(field: dataclasses.Field[Any], value: Any, text: str | None = None) -> Any:
    """Converts a value to the type of a key.

    Args:
        field: The key's field in `schema`; its metadata are the rules.
        value: The value that YAML parsed.
        text: The value as it is written, if it is: a name may look like a number or a boolean.

    Returns:
        The converted value.

    Raises:
        ValueError: If the value is not allowed; the message says which values are.
    """
    rules = field.metadata
    if value is None:
        if rules.get("optional"):
            return None
        raise ValueError("has no value")
    if "word" in rules and value == rules["word"]:
        return value
    kind = str(field.type).removesuffix(" | None").removesuffix(" | str")
    if kind.startswith("dict"):
        return _check_layers(value) if "layers" in field.name else _check_stages(value)
    if kind == "str" and text is not None and not (isinstance(value, bool) and "choices" in rules):
        value = text
    try:
        converted = _convert(kind, value)
    except ValueError as error:
        instead = f" (or {rules['word']})" if "word" in rules else ""
        raise ValueError(f"{error}{instead}") from None
    if "choices" in rules and converted not in rules["choices"]:
        near = errors.did_you_mean(str(converted), rules["choices"])
        raise ValueError(
            f"{nodes.shown(converted)} is not one of {', '.join(rules['choices'])}{near}"
        )
    if "minimum" in rules and converted < rules["minimum"]:
        raise ValueError(f"{_brief(converted)} is too small, should be at least {rules['minimum']}")
    if "maximum" in rules and converted > rules["maximum"]:
        raise ValueError(f"{_brief(converted)} is too large, should be at most {rules['maximum']}")
    if "above" in rules and converted <= rules["above"]:
        raise ValueError(f"{converted} is too small, should be above {rules['above']}")
    if kind == "str" and len(converted) > _LONGEST:
        raise ValueError(f"{nodes.shown(converted)} is too long, at most {_LONGEST} characters")
    if kind == "str" and not _is_encodable(converted):
        raise ValueError(f"{nodes.shown(converted)} contains NUL or half of a surrogate pair")
    if rules.get("required") and not converted:
        raise ValueError("is empty")
    if rules.get("plain_name") and not _NAME.fullmatch(converted):
        raise ValueError(
            f"{nodes.shown(converted)} is not a plain name; letters, digits, '.', '_' and '-' are "
            "allowed, the first a letter or digit"
        )
    if rules.get("plain_name") and len(converted) > _LONGEST_NAME:
        raise ValueError(f"is too long, a name has at most {_LONGEST_NAME} characters")
    if rules.get("plain_name") and converted in _RESERVED:
        raise ValueError(f"{converted!r} has another meaning in commands; choose another name")
    return converted


def _is_encodable(text: str) -> bool:
    """Returns whether a text could be a path: without NUL and halves of surrogate pairs."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # A whole number beyond any float.
        return False


def _brief(number: float) -> str:
    return str(number) if abs(number) < 1e20 else f"{float(number):g}"


def _convert(kind: str, value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "str":
        # Of the words that a key may have, YAML reads `on` and `off` as booleans.
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, str) or is_number:
            return str(value)
        raise ValueError(f"should be text, found {nodes.shown(value)}")
    if kind == "bool":
        if isinstance(value, bool):
            return value
        raise ValueError(f"should be true or false, found {nodes.shown(value)}")
    if isinstance(value, str):
        # PyYAML reads 1e5 and 1e-4 as text.
        with contextlib.suppress(ValueError):
            value, is_number = float(value), True
    if not is_number or not _is_finite(value):
        raise ValueError(f"should be a number, found {nodes.shown(value)}")
    if kind == "float":
        return float(value)
    if value != int(value):
        raise ValueError(f"should be a whole number, found {nodes.shown(value)}")
    return int(value)


def _check_stages(value: Any) -> dict[int, int]:
    """Returns the steps by size, from a mapping."""
    if not isinstance(value, dict):
        raise ValueError(f"should be a mapping of size to steps, found {nodes.shown(value)}")
    stages = {_convert("int", size): _convert("int", steps) for size, steps in value.items()}
    for size, steps in stages.items():
        if size < 16 or steps < 1:
            raise ValueError(
                f"{size}: {steps} is too small; a size is at least 16 and has at least 1 step"
            )
        if size > declaring.SIDE or steps > declaring.STEPS:
            raise ValueError(
                f"{size}: {steps} is too large; a size is at most {declaring.SIDE} and has at most "
                f"{declaring.STEPS:,} steps"
            )
    return stages


def _check_layers(value: Any) -> dict[str, float]:
    """Returns weights by layer, from a list or a mapping, in slim's spelling or ours."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        pairs = [(name, 1.0) for name in value]
    else:
        pairs = list(value.items()) if isinstance(value, dict) else []
    if not pairs:
        raise ValueError("should be a list of layers, or a mapping of layer to weight")
    layers: dict[str, float] = {}
    for name, weight in pairs:
        layer = stacks.layer_named(str(name))
        if layer is None:
            glued = "; put a space after the colon" if ":" in str(name) else ""
            raise ValueError(
                f"no layer {name!s:.60}; layers are relu1_2, relu3_3, ... or in slim's spelling "
                f"vgg_16/conv1/conv1_2{glued}"
            )
        if layer in layers:
            raise ValueError(f"layer {layer} is named twice")
        try:
            layers[layer] = _convert("float", weight)
        except ValueError as error:
            raise ValueError(f"the weight of {name} {error}") from None
        if not 0 <= layers[layer] <= declaring.LARGE:
            bound = "at least 0" if layers[layer] < 0 else f"at most {declaring.LARGE:g}"
            raise ValueError(f"the weight of {name} is {nodes.shown(weight)}, should be {bound}")
    return layers
