"""Writes conf/README.md from the configuration: `python -m tools.build_conf_readme`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastnst import config

CONF = config.PROJECT_ROOT / "conf"

_HEAD = """\
# Configuration

<!-- Written by `python -m tools.build_conf_readme`; do not edit. -->

A conf file is YAML with flat keys. Two are required, all others have defaults:

```yaml
style_image: img/wave.jpg
naming: wave
```

The two keys that change a picture most are `strength` (the amount of style) and `style_size` (the
size of the strokes); [Your own style in ten minutes](../docs/your-own-style.md) shows their effect.
"""

_ALLOWED = """\
Numbers may be written `0.001`, `1e-3` or `1e5`. Layers are those of VGG16 after their ReLU, from
`relu1_1` to `relu5_3`, or with slim's names, `vgg_16/conv1/conv1_1`. A list gives all the same
weight:

```yaml
style_layers: [relu1_2, relu2_2, relu3_3]
# or
style_layers: {relu1_2: 1, relu2_2: 1, relu3_3: 0.5}
```

The loss network in the clone ends at `relu4_3`; `fastnst weights` downloads the rest. Paths of
files, including the conf file itself, are relative to the working directory or else to the root of
the clone.
"""

_LAYERING = """\
## Precedence

Later settings override earlier ones:

1. the defaults above;
2. the conf file;
3. `--quick`;
4. `--set KEY=VALUE`, which may be repeated;
5. `--dataset`, `--steps` (for `max_steps`) and `--model_path`.

All settings are validated before anything is written. All problems are reported at once, each with
its file, line and key. The resulting configuration is saved with the checkpoints as `config.yml`, a
conf file with every key.

`--quick` sets the keys below and appends `-quick` to the name, so that a first look never changes a
real model. `--set` still overrides it: `--quick --set image_size=128`.
"""

_ORIGINAL = """\
## Files of the original

Conf files of the original TensorFlow implementation
([hzy46/fast-neural-style-tensorflow](https://github.com/hzy46/fast-neural-style-tensorflow)) load
unmodified, and their keys have the same meaning: at 256 px the losses have the same values (except
near the border, which [is padded differently](../docs/theory.md#features)), the learning rate stays
at 1e-3, and training ends after `epoch` epochs. Keys that the original does not have take the
defaults above. Three settings are up to you:

- `--dataset` sets the path of your photos, which the original had in its code;
- `augment: none` selects the original's preprocessing, pixel for pixel;
- `loss_model_file` can be slim's own `vgg_16.ckpt`.

The style image is no longer cropped to a square, and the trained network is
[ours](../docs/theory.md#the-transform-net).
"""


def render() -> str:
    """Renders the page as Markdown."""
    parts = [_HEAD]
    for group, fields in groups().items():
        rows = [
            (f"`{field.name}`", _default(field), _allowed(field), field.metadata["help"])
            for field in fields
        ]
        parts.append(f"## {group}\n\n{_table(('key', 'default', 'allowed', 'meaning'), rows)}")
    quick = [(f"`{key}`", _code(value)) for key, value in config.QUICK.items()]
    styles = [(f"[{path.name}]({path.name})", _picture(path), title(path)) for path in shipped()]
    parts += [
        _ALLOWED,
        _LAYERING,
        _table(("key", "with `--quick`"), quick),
        _ORIGINAL,
        f"## The styles here\n\n{_table(('file', 'style image', 'description'), styles)}",
    ]
    return "\n".join(parts)


def shipped() -> list[Path]:
    """Returns the conf files whose style image is in img/CREDITS.md, not a user's own files."""
    credits_text = (config.PROJECT_ROOT / "img" / "CREDITS.md").read_text(encoding="utf-8")
    return [path for path in sorted(CONF.glob("*.yml")) if f"\n| {path.stem}.jpg |" in credits_text]


def groups() -> dict[str, list[dataclasses.Field[Any]]]:
    """Groups the keys under the headings that are given in their metadata."""
    found: dict[str, list[dataclasses.Field[Any]]] = {}
    for field in config.FIELDS.values():
        if "group" in field.metadata:
            current = found.setdefault(field.metadata["group"], [])
        current.append(field)
    return found


def title(conf: Path) -> str:
    """Returns the first sentence of a conf file's header, which describes the style image."""
    lines = conf.read_text(encoding="utf-8").splitlines()
    comment = " ".join(line.removeprefix("#").strip() for line in lines if line.startswith("#"))
    sentence = re.match(r".+?\.(?=\s|$)", comment)
    return sentence[0] if sentence else ""


def _default(field: dataclasses.Field[Any]) -> str:
    if field.metadata.get("required"):
        return "none: must be set"
    if field.default_factory is dataclasses.MISSING:
        return _code(field.default)
    pairs = [
        f"{key}: {value:g}" if value != 1 else str(key)
        for key, value in field.default_factory().items()
    ]
    return ", ".join(map(_code, pairs)) or "none"


def _allowed(field: dataclasses.Field[Any]) -> str:
    """Describes a key's type and bounds, from the rules by which `config` validates it."""
    rules = field.metadata
    if "choices" in rules:
        return ", ".join(_code(choice) for choice in rules["choices"])
    if rules.get("plain_name"):
        return "letters, digits, `.`, `_`, `-`"
    kinds = {
        "dict[int, int]": "sizes and their steps",
        "int": "whole number",
        "float": "number",
        "str": "text",
        "bool": "`true`, `false`",
    }
    text = kinds.get(str(field.type).removesuffix(" | None").removesuffix(" | str"), "layers")
    if "minimum" in rules and "maximum" in rules:
        text += f", {rules['minimum']} to {rules['maximum']}"
    elif "minimum" in rules:
        text += f" from {rules['minimum']}"
    elif "above" in rules:
        text += f" above {rules['above']}"
    if "word" in rules:
        text += f", or {_code(rules['word'])}"
    return f"{text}, or `null`" if rules.get("optional") else text


def _code(value: object) -> str:
    """Formats a value as in YAML."""
    words = {None: "null", True: "true", False: "false"}
    shown = words[value] if value is None or isinstance(value, bool) else str(value)
    return f"`{shown}`"


def _picture(conf: Path) -> str:
    image = config.load(conf).style_image
    return f'<img src="../{image}" width="160" alt="{conf.stem}">'


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Writes the page."""
    path = CONF / "README.md"
    path.write_text(render(), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
