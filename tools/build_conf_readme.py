"""Writes conf/README.md from the configuration: `python -m tools.build_conf_readme`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastnst import config, files
from fastnst.config import recipes, schema

CONF = files.asset("conf")

_HEAD = """\
# Configuration

<!-- Written by `python -m tools.build_conf_readme`; do not edit. -->

A conf file is YAML. Two keys are required:

```yaml
style_image: pictures/mine.jpg
naming: mine
```

With these two lines in `mine.yml`, `python train.py -c mine.yml` trains the style. The keys that
change the picture most are `strength` (how strong the style is) and `style_size` (how large its
strokes are); [Your own style in ten minutes](../docs/your-own-style.md) shows both.

The files in this folder can be given by name: `python train.py -c wave`.
"""

_ALLOWED = """\
## Values

Numbers may be written as `0.001`, `1e-3` or `1e5`. Layers are the outputs of VGG16's ReLUs, from
`relu1_1` to `relu5_3`, or in slim's spelling, `vgg_16/conv1/conv1_1`. Layers in a list have equal
weights:

```yaml
style_layers: [relu1_2, relu2_2, relu3_3]
# or
style_layers: {relu1_2: 1, relu2_2: 1, relu3_3: 0.5}
```

The loss network's file in the repository ends at `relu4_3`; `fastnst weights` downloads the rest.
Relative paths are resolved against the working directory first, then against the repository.
"""

_STYLES = """\
## Several styles in one network

`styles` trains several styles into one network, which stylizes photos in any of them or in a blend.
In its shortest form it lists the paintings; each style takes the name of its file:

```yaml
naming: duo
styles: [img/wave.jpg, img/candy.jpg, paintings/mine.jpg]
```

A mapping names the styles, and may give each its own values for the keys under [Style](#style). The
same keys at the top level are defaults for every style:

```yaml
naming: duo
style_size: 384          # for every style that has no style_size of its own
styles:
  wave: img/wave.jpg
  candy:
    style_image: img/candy.jpg
    style_size: 512
    strength: 1.5
```

[gallery.yml](gallery.yml) trains 17 styles of this folder. All other keys belong to the
network as a whole. On the command line, `--set styles.candy.strength=2` changes one style and
`--set strength=2` changes all of them. The names and their order are fixed once training has begun.
Without `styles`, the network has one style, named after the model.
"""

_RECIPES = """\
## Recipes

A recipe is a set of training values that work together. `recipe: auto`, the default, is `gpu` on a
machine with a GPU and `cpu` on any other; a resumed run keeps its recipe. Keys in your file win
over the recipe:
"""

_PRECEDENCE = """\
## Precedence

Later values win over earlier ones:

1. the defaults above;
2. the recipe;
3. the conf file;
4. `--quick`;
5. `--set KEY=VALUE`, which may be repeated;
6. `--dataset`, `--steps` (which sets `max_steps`) and `--model_path`.

`--quick` applies the recipe `quick` over the file instead of under it, and appends `-quick` to the
name, so that a first look never overwrites a real model. `--set` still wins:
`--quick --set image_size=128`.

Everything is checked before anything is written, and all problems are reported at once, with file,
line and key. The result is saved beside the checkpoints as `config.yml`, a conf file that contains
every key.
"""

_ORIGINAL = """\
## Files of the original

Conf files of the original TensorFlow implementation
([hzy46/fast-neural-style-tensorflow](https://github.com/hzy46/fast-neural-style-tensorflow)) load
unmodified, and their keys keep their meaning. The content, style and total variation losses at
256 px have the same value, except at the border, which
[is padded differently](../docs/theory.md#features). Keys that such a file lacks come from the
recipe. To train as the original did, add

```yaml
recipe: original
```

which selects Adam at a constant learning rate of 1e-3, `epoch` passes over the photos, the
original's preprocessing, pixel for pixel, and random initial weights. `--dataset` names the folder
of photos, which the original had in its code. Slim's own `vgg_16.ckpt` works as `loss_model_file`.

Two things differ: the style image is not cropped to a square, and the network has
[another architecture](../docs/theory.md#the-transform-net).
"""


_OTHER_TASKS = """\
## Other tasks

[monet.yml](monet.yml) trains a translation between photos and a domain of paintings; see
[Translate photos](../docs/translation.md). [mnist.yml](mnist.yml),
[mnist-better.yml](mnist-better.yml), [cifar10.yml](cifar10.yml) and
[cifar10-better.yml](cifar10-better.yml) train networks that classify pictures; see
[Classify pictures](../docs/classifiers.md).
"""


def render() -> str:
    """Renders the page as Markdown."""
    parts = [_HEAD]
    for heading, fields in groups().items():
        rows = [
            (f"`{field.name}`", _default(field), _allowed(field), field.metadata["help"])
            for field in fields
        ]
        parts.append(f"## {heading}\n\n{_table(('key', 'default', 'allowed', 'meaning'), rows)}")
    styles = [(f"[{path.name}]({path.name})", _picture(path), title(path)) for path in shipped()]
    parts += [
        _ALLOWED,
        _STYLES,
        _RECIPES,
        _recipes(),
        _yields(),
        _PRECEDENCE,
        _ORIGINAL,
        _OTHER_TASKS,
        f"## The styles here\n\n{_table(('file', 'style image', 'description'), styles)}",
    ]
    return "\n".join(parts)


def shipped() -> list[Path]:
    """Lists the conf files whose style image is in img/CREDITS.md, which excludes a user's own."""
    credits_text = (files.asset("img") / "CREDITS.md").read_text(encoding="utf-8")
    return [path for path in sorted(CONF.glob("*.yml")) if f"\n| {path.stem}.jpg |" in credits_text]


def groups() -> dict[str, list[dataclasses.Field[Any]]]:
    """Returns the keys of each section by its heading."""
    sections: list[Any] = [schema.Config, config.Style, *schema.SECTIONS.values()]
    return {section.heading: [*schema.keys(section).values()] for section in sections}


def title(conf: Path) -> str:
    """Returns the first sentence of a conf file's header, which describes the style image."""
    lines = conf.read_text(encoding="utf-8").splitlines()
    comment = " ".join(line.removeprefix("#").strip() for line in lines if line.startswith("#"))
    sentence = re.match(r".+?\.(?=\s|$)", comment)
    return sentence[0] if sentence else ""


def _default(field: dataclasses.Field[Any]) -> str:
    if field.metadata.get("required"):
        return "none: required"
    if all(field.name in config.RECIPES[name] for name in ("cpu", "gpu")):
        return "[by recipe](#recipes)"
    return _value(schema.default(field))


def _value(value: Any) -> str:
    """Formats a value as in YAML, and a mapping as its pairs."""
    if not isinstance(value, dict):
        return _code(value)
    pairs = [f"{key}: {item:g}" if item != 1 else str(key) for key, item in value.items()]
    return ", ".join(map(_code, pairs)) or "none"


def _recipes() -> str:
    """Renders the table of recipes; an empty cell stands for the key's default."""
    keys = [key for key in config.FIELDS if any(key in of for of in config.RECIPES.values())]
    rows = [
        (f"`{key}`", *(_value(of[key]) if key in of else "" for of in config.RECIPES.values()))
        for key in keys
    ]
    return _table(("key", *map(_code, config.RECIPES)), rows)


def _yields() -> str:
    """Renders the list of recipe values that depend on another key."""
    text = (
        "An empty cell stands for the default. Some values depend on another key, and return to\n"
    )
    text += "their default if you set that key:\n\n"
    for key, other in recipes.YIELDS.items():
        default = _value(schema.default(config.FIELDS[key]))
        text += f"- `{key}` is {default} if you set `{other}` but not `{key}`\n"
    return text


def _allowed(field: dataclasses.Field[Any]) -> str:
    """Describes a key's type and bounds, from the rules in `schema`."""
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
    (style,) = config.load(conf).styles.values()
    return f'<img src="../{style.style_image}" width="160" alt="{conf.stem}">'


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
