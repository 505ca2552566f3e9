"""Converts and checks the values of a conf file by the rules of each key."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
from typing import Any

from fastnst import errors
from fastnst.features import vgg

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# `--model list` and `--style all` name no model and no style.
_RESERVED = frozenset({"list", "all"})


def check(field: dataclasses.Field[Any], value: Any) -> Any:
    """Converts a value to the type of a key.

    Args:
        field: The key's field in `schema`; its metadata are the rules.
        value: The value that YAML parsed.

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
    try:
        converted = _convert(kind, value)
    except ValueError as error:
        instead = f" (or {rules['word']})" if "word" in rules else ""
        raise ValueError(f"{error}{instead}") from None
    if "choices" in rules and converted not in rules["choices"]:
        near = errors.did_you_mean(str(converted), rules["choices"])
        raise ValueError(f"{converted!r} is not one of {', '.join(rules['choices'])}{near}")
    if "minimum" in rules and converted < rules["minimum"]:
        raise ValueError(f"{converted} is too small, should be at least {rules['minimum']}")
    if "maximum" in rules and converted > rules["maximum"]:
        raise ValueError(f"{converted} is too large, should be at most {rules['maximum']}")
    if "above" in rules and converted <= rules["above"]:
        raise ValueError(f"{converted} is too small, should be above {rules['above']}")
    if rules.get("required") and not converted:
        raise ValueError("is empty")
    if rules.get("plain_name") and not _NAME.fullmatch(converted):
        raise ValueError(
            f"{converted!r} is not a plain name; letters, digits, '.', '_' and '-' are allowed, "
            "the first a letter or digit"
        )
    if rules.get("plain_name") and converted in _RESERVED:
        raise ValueError(f"{converted!r} has another meaning in commands; choose another name")
    return converted


def _convert(kind: str, value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "str":
        # YAML reads `on` and `off` as booleans.
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, str) or is_number:
            return str(value)
        raise ValueError(f"should be text, found {value!r}")
    if kind == "bool":
        if isinstance(value, bool):
            return value
        raise ValueError(f"should be true or false, found {value!r}")
    if isinstance(value, str):
        # PyYAML reads 1e5 and 1e-4 as text.
        with contextlib.suppress(ValueError):
            value, is_number = float(value), True
    if not is_number or not math.isfinite(value):
        raise ValueError(f"should be a number, found {value!r}")
    if kind == "float":
        return float(value)
    if value != int(value):
        raise ValueError(f"should be a whole number, found {value!r}")
    return int(value)


def _check_stages(value: Any) -> dict[int, int]:
    """Returns the steps by size, from a mapping."""
    if not isinstance(value, dict):
        raise ValueError(f"should be a mapping of size to steps, found {value!r}")
    stages = {_convert("int", size): _convert("int", steps) for size, steps in value.items()}
    for size, steps in stages.items():
        if size < 16 or steps < 1:
            raise ValueError(
                f"{size}: {steps} is too small; a size is at least 16 and has at least 1 step"
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
        layer = vgg.layer_named(str(name))
        if layer is None:
            raise ValueError(
                f"no layer {name}; layers are relu1_2, relu3_3, ... or in slim's spelling "
                "vgg_16/conv1/conv1_2"
            )
        if layer in layers:
            raise ValueError(f"layer {layer} is named twice")
        try:
            layers[layer] = _convert("float", weight)
        except ValueError as error:
            raise ValueError(f"the weight of {name} {error}") from None
        if layers[layer] < 0:
            raise ValueError(f"the weight of {name} is {weight}, should be at least 0")
    return layers
