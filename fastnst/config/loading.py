"""The configuration of a run: flat keys, read from YAML, checked as a whole.

A conf file, `--set key=value` and the library all pass the same validation, and every problem
is reported at once, with file, line and the nearest valid name. The keys of the original TensorFlow
implementation keep their names and meanings, so that its conf files load unmodified.
"""

from __future__ import annotations

import collections.abc
import dataclasses
from pathlib import Path
from typing import Any

import yaml

from fastnst import errors, files
from fastnst.config import values

# What `train.py --quick` sets: a first picture of a style in minutes on two cores.
QUICK = {
    "dataset": "bundled",
    "validation": "bundled",
    "stages": {},
    "image_size": 192,
    # On a processor many small steps teach more than few large ones in the same time.
    "batch_size": 1,
    "max_steps": 1000,
    "optimizer": "muon",
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "warmup_steps": 50,
    "preview_every": 250,
    "checkpoint_every": 250,
}


def _key(default: Any, help: str, **rules: Any) -> Any:
    """Declares a key: its default, what it means, and what is allowed.

    Rules: `minimum` and `maximum` (inclusive), `above` (exclusive), `choices`, `optional` for
    keys that may be null, `word` for one that may stand for the number, `required` for those that
    must be there, and `plain_name`. `group` opens a group of keys in conf/README.md.
    """
    rules["help"] = help
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=rules)
    return dataclasses.field(default=default, metadata=rules)


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything that decides a run. Each key is explained in conf/README.md."""

    style_image: str = _key(
        "", "Picture whose style is learned; any format.", required=True, group="Style and name"
    )
    naming: str = _key(
        "", "Name of the model: its folder below model_path.", required=True, plain_name=True
    )
    model_path: str = _key("models", "Folder that holds the models.")

    content_weight: float = _key(
        1.0, "How much the photo's content counts.", minimum=0, group="Objective"
    )
    style_weight: float | str = _key(
        "auto",
        "How much the style counts; the same at every image_size. auto: as much as suits the "
        "style image.",
        minimum=0,
        word="auto",
    )
    strength: float = _key(
        1.0, "Multiplies style_weight: 0.25 hints at the style, 4 buries the photo.", above=0
    )
    tv_weight: float = _key(0.0, "Penalty on noise: 20 calms flat areas.", minimum=0)
    content_layers: dict[str, float] = _key(  # noqa: RUF009 (returns a field)
        {"relu3_3": 1.0}, "Layers for the content: a list, or a mapping of layer to weight."
    )
    style_layers: dict[str, float] = _key(  # noqa: RUF009 (returns a field)
        {"relu1_2": 10.0, "relu2_2": 1.0, "relu3_3": 0.3, "relu4_3": 400.0},
        "Layers for the style: a list, or a mapping of layer to weight.",
    )
    style_size: int | None = _key(
        None,
        "Shorter side that the style image is scaled to: larger gives larger strokes. "
        "null: as image_size.",
        minimum=16,
        optional=True,
    )

    dataset: str = _key(
        "bundled",
        "Photos to train on: bundled, a folder of photos, or TFRecord shards by path, glob or "
        "folder.",
        group="Photos and training",
    )
    validation: str = _key(
        "bundled", "Photos to judge by, never trained on: bundled, or a folder of photos."
    )
    image_size: int = _key(256, "Side of the square training crops, in pixels.", minimum=16)
    stages: dict[int, int] = _key(  # noqa: RUF009 (returns a field)
        {},
        "Coarse to fine: sizes to begin with, and the steps at each, in order, such as "
        "{144: 3000}; the steps that are left are at image_size.",
    )
    batch_size: int = _key(4, "Photos in one step.", minimum=1)
    augment: str = _key(
        "crop",
        "crop: random crop and flip. none: the original's centre crop, exactly.",
        choices=("crop", "none"),
    )
    epoch: int = _key(2, "Times each photo is seen, where max_steps is null.", minimum=1)
    max_steps: int | None = _key(
        None, "Steps to train. null: as epoch says.", minimum=1, optional=True
    )
    optimizer: str = _key(
        "adam",
        "adam, or muon: fewer steps for the same result, at a learning_rate of about 3e-3.",
        choices=("adam", "muon"),
    )
    learning_rate: float = _key(1e-3, "Of the optimizer, at its highest.", above=0)
    schedule: str = _key(
        "constant",
        "constant, or cosine: up over warmup_steps, then down to 0 at the last step.",
        choices=("constant", "cosine"),
    )
    warmup_steps: int = _key(0, "Steps until the learning rate is reached.", minimum=0)
    average: float = _key(
        0.999,
        "Decay of the moving average of the weights, which is what paints. 0: none.",
        minimum=0,
        maximum=0.99999,
    )
    seed: int = _key(
        0, "Of weights, order and crops: the same run again.", minimum=0, maximum=2**31 - 1
    )

    start_from: str | None = _key(
        "auto",
        "Model whose weights to begin with. auto: pretrained/base.ckpt, which was trained in six "
        "styles at once, if the architecture is the default. null: random weights.",
        optional=True,
    )
    width: int = _key(
        32,
        "Channels of the first convolution; the trunk has 4 x as many.",
        minimum=4,
        group="Transform net",
    )
    residual_blocks: int = _key(5, "Residual blocks in the trunk.", minimum=0)
    output_norm: bool = _key(
        True, "Instance norm before the last tanh; off leaves dark photos darker."
    )
    skips: bool = _key(
        True, "Gives the decoder what the encoder found at the same size: keeps small detail."
    )
    lite: bool = _key(
        False,
        "The lite network: half the size and half the channels within, several times as fast.",
    )

    precision: str = _key(
        "auto",
        "What convolutions compute in. auto: bfloat16 where the processor or GPU is fast at it.",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
        group="Computing",
    )
    xla: str = _key(
        "auto",
        "Compile the step with XLA. auto: on a single GPU only.",
        choices=("auto", "on", "off"),
    )

    log_every: int = _key(10, "Steps between lines of metrics.jsonl.", minimum=1, group="Intervals")
    summary_every: int = _key(25, "Steps between TensorBoard entries.", minimum=1)
    preview_every: int = _key(250, "Steps between validations and their pictures.", minimum=1)
    checkpoint_every: int = _key(250, "Steps between checkpoints.", minimum=1)
    keep_checkpoints: int = _key(5, "Checkpoints kept, besides the best one.", minimum=1)

    loss_model: str = _key("vgg_16", "The loss network.", choices=("vgg_16",), group="Loss network")
    loss_model_file: str = _key(
        "pretrained/vgg_16.ckpt", "Checkpoint of the loss network, under slim's names."
    )
    checkpoint_exclude_scopes: str = _key(
        "vgg_16/fc", "Kept from the original's files; only convolutions are ever read."
    )

    @property
    def run_dir(self) -> Path:
        """Where the model, its checkpoints and its pictures go."""
        return Path(self.model_path) / self.naming

    @property
    def style_side(self) -> int:
        """The shorter side of the style image, in pixels."""
        return self.style_size or self.image_size

    def size_at(self, step: int) -> tuple[int, int | None]:
        """The size of the crops from a step on, and the step where it changes, if it does."""
        end = 0
        for size, steps in self.stages.items():
            end += steps
            if step < end:
                return size, end
        return self.image_size, None

    def to_yaml(self) -> str:
        """Writes every key, so that the file says all there is to say about a run."""
        return yaml.safe_dump(dataclasses.asdict(self), sort_keys=False, allow_unicode=True)


FIELDS = {field.name: field for field in dataclasses.fields(Config)}


@dataclasses.dataclass(frozen=True)
class _Entry:
    """A value and where it was written."""

    value: Any
    where: str


def load(
    path: str | Path,
    assignments: collections.abc.Sequence[str] = (),
    quick: bool = False,
    **values: Any,
) -> Config:
    """Reads a conf file.

    Args:
        path: The YAML file.
        assignments: "key=value" each, as given to `--set`; they win over the file.
        quick: Whether to lay `QUICK` over the file, and to train into "<naming>-quick".
        **values: Keys that win over everything.

    Raises:
        UserError: Naming every problem there is, one a line.
    """
    problems: list[str] = []
    entries = _parse(Path(path), problems)
    if quick:
        entries |= {key: _Entry(value, "--quick") for key, value in QUICK.items()}
        naming = entries.get("naming")
        if naming and isinstance(naming.value, str | int | float):
            entries["naming"] = _Entry(f"{naming.value}-quick", naming.where)
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        where = f"--set {assignment}"
        if not separator:
            problems.append(f"{where}: should be key=value")
            continue
        try:
            entries[key.strip()] = _Entry(yaml.safe_load(text), where)
        except (yaml.YAMLError, ValueError):
            problems.append(f"{where}: the value is not valid YAML")
    entries |= {key: _Entry(value, f"--{key}") for key, value in values.items()}
    config = _validate(entries, str(path), problems)
    if problems:
        raise errors.UserError("\n".join(problems))
    assert config is not None
    return config


def _parse(path: Path, problems: list[str]) -> dict[str, _Entry]:
    """Reads a flat YAML mapping, keeping the line of each key and noticing doubled ones."""
    path = find_conf(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise errors.UserError(f"{path}: no such conf file{_near_conf(path)}") from None
    except IsADirectoryError:
        raise errors.UserError(f"{path}: is a folder; name a conf file in it") from None
    except UnicodeDecodeError:
        raise errors.UserError(
            f"{path}: is no text; a conf file holds lines of `key: value`, see conf/README.md"
        ) from None
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    # PyYAML lets a ValueError through for what looks like a date and is none.
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise errors.UserError(f"{path}{line}: not valid YAML: {what}") from None
    if not isinstance(node, yaml.MappingNode):
        raise errors.UserError(f"{path}: should hold lines of `key: value`, see conf/README.md")
    places = _places(path, node, problems)
    for _, value in node.value:
        if isinstance(value, yaml.MappingNode):
            _places(path, value, problems)
    return {key: _Entry(content.get(key), where) for key, where in places.items()}


def find_conf(path: str | Path) -> Path:
    """Finds a conf file by its path, or a conf of the package by its bare name."""
    named = Path(path)
    if len(named.parts) == 1 and not named.suffix and not named.exists():
        shipped = files.asset(f"conf/{named}.yml")
        if shipped.is_file():
            return shipped
    return files.find(named)


def _near_conf(path: Path) -> str:
    """Suggests conf files of like names, from the same folder and from the project's own."""
    own = {conf.stem: f"conf/{conf.name}" for conf in sorted(files.asset("conf").glob("*.yml"))}
    known = own | {conf.stem: str(conf) for conf in sorted(path.parent.glob("*.yml"))}
    return (
        errors.did_you_mean(path.stem, known, known) or f"; there are {', '.join(known.values())}"
    )


def _places(path: Path, node: yaml.MappingNode, problems: list[str]) -> dict[str, str]:
    """Finds the line of each key, and the doubled keys, of which YAML takes the last unasked."""
    places: dict[str, str] = {}
    for key_node, _ in node.value:
        key, where = str(key_node.value), f"{path}:{key_node.start_mark.line + 1}"
        if key in places:
            problems.append(f"{where}: {key}: set before, at {places[key]}")
        else:
            places[key] = where
    return places


def _validate(entries: dict[str, _Entry], source: str, problems: list[str]) -> Config | None:
    checked: dict[str, Any] = {}
    for key, entry in entries.items():
        if key not in FIELDS:
            problems.append(f"{entry.where}: unknown key {key}{errors.did_you_mean(key, FIELDS)}")
            continue
        try:
            checked[key] = values.check(FIELDS[key], entry.value)
        except (ValueError, OverflowError) as error:
            problems.append(f"{entry.where}: {key}: {error}")
    for key, field in FIELDS.items():
        if field.metadata.get("required") and key not in entries:
            problems.append(f"{source}: {key} is missing: {field.metadata['help']}")
    if problems:
        return None
    config = Config(**checked)
    if not (config.content_weight or config.style_weight or config.tv_weight):
        problems.append(
            f"{source}: content_weight, style_weight and tv_weight are all 0: nothing to train for"
        )
    if config.style_weight == "auto" and not (
        config.content_weight and any(config.content_layers.values())
    ):
        problems.append(
            f"{source}: style_weight: auto goes by what the content counts, which is 0 here; give "
            "a number"
        )
    return config
