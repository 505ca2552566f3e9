"""The configuration's sections: every key with its default, meaning and rules.

Sections that apply to some tasks only have a file each: `objective` (one style), `transfer`,
`translation`, `network` and `classification`.

Attribute names are the flat keys of a conf file. The keys of the original TensorFlow
implementation keep their names and meanings, so that its conf files load unmodified.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

import yaml

from fastnst import files
from fastnst.config import (
    classification,
    declaring,
    network,
    objective,
    recipes,
    transfer,
    translation,
)
from fastnst.features import stacks

_key = declaring.key
_LARGE, _STEPS, _SIDE = declaring.LARGE, declaring.STEPS, declaring.SIDE


@dataclasses.dataclass(frozen=True)
class Data:
    """The photos, and their batches."""

    heading: ClassVar[str] = "Photos"

    dataset: str = _key(
        "bundled",
        "Photos to train on: bundled, a folder of photos, or TFRecord shards given by path, glob "
        "or folder.",
    )
    validation: str = _key(
        "bundled",
        "Photos to validate on, never trained on: bundled, or a folder of photos.",
        judges=True,
    )
    image_size: int = _key(
        256,
        "Side of the square training crops, in pixels.",
        minimum=16,
        maximum=_SIDE,
        judges=True,
    )
    stages: dict[int, int] = _key(  # noqa: RUF009 (returns a field)
        {},
        "Trains from coarse to fine: the first crop sizes and the steps at each, in order, such as "
        "{144: 3000}. The remaining steps use image_size.",
    )
    batch_size: int = _key(4, "Photos per step.", minimum=1, maximum=4096)
    augment: str = _key(
        "crop",
        "crop: random crop and flip. none: exactly the center crop of the original.",
        choices=("crop", "none"),
    )
    zoom: float = _key(
        3.0,
        "Largest factor by which parts of random crops are enlarged, which teaches the smooth "
        "areas of large photos. 1: no enlargement.",
        minimum=1,
        maximum=8,
    )
    seed: int = _key(
        0,
        "Seed of the initial weights, the photos' order and the crops.",
        minimum=0,
        maximum=2**31 - 1,
    )
    max_pixels: int | None = _key(
        None,
        "Most pixels of a photo or a painting; larger photos are skipped. null: 200 million.",
        minimum=1,
        maximum=declaring.PIXELS,
        optional=True,
    )
    data_service: str | None = _key(
        None,
        "tf.data service that reads the photos, as grpc://host:port of its dispatcher; the photos "
        "must be records by `fastnst records`. null: each process reads its own.",
        optional=True,
    )


@dataclasses.dataclass(frozen=True)
class Training:
    """The length of the training, and the optimizer."""

    heading: ClassVar[str] = "Training"

    epoch: int = _key(
        2, "Passes over the photos; used only if max_steps is null.", minimum=1, maximum=100_000
    )
    max_steps: int | None = _key(
        None,
        "Steps to train. null: epoch sets their number.",
        minimum=1,
        maximum=_STEPS,
        optional=True,
    )
    optimizer: str = _key(
        "adam",
        "adam; muon, which needs fewer steps, at a learning_rate of about 3e-3; sgd; or momentum, "
        "which is sgd with a momentum of 0.9.",
        choices=("adam", "muon", "sgd", "momentum"),
    )
    learning_rate: float = _key(1e-3, "Peak learning rate.", above=0, maximum=_LARGE)
    schedule: str = _key(
        "constant",
        "constant; cosine: rises over warmup_steps, then falls to 0 at the last step; linear: "
        "falls to 0 in the second half; or stairs: falls by decay_rate every decay_steps.",
        choices=("constant", "cosine", "linear", "stairs"),
    )
    warmup_steps: int = _key(0, "Steps until the learning rate peaks.", minimum=0, maximum=_STEPS)
    decay_steps: int = _key(
        250,
        "With schedule: stairs, the steps after which the learning rate falls.",
        minimum=1,
        maximum=declaring.STEPS,
    )
    decay_rate: float = _key(0.9, "The factor by which it falls then.", above=0, maximum=1)
    on_nan: str = _key(
        "stop",
        "If a loss or a weight becomes NaN or infinite, or the loss stays at a thousand times its "
        "median. stop: ends the run before it is saved. rewind: resumes from the last checkpoint "
        "on the photos that follow, at most three times.",
        choices=("stop", "rewind"),
    )
    average: float = _key(
        0.999,
        "Decay of the moving average of the network weights; the averaged network is the result "
        "of the training. 0: no average.",
        minimum=0,
        maximum=0.99999,
    )


@dataclasses.dataclass(frozen=True)
class Computing:
    """How the device computes."""

    heading: ClassVar[str] = "Computing"

    precision: str = _key(
        "auto",
        "Data type of the convolutions. auto: bfloat16 where the CPU or GPU is fast at it.",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )
    deterministic: str = _key(
        "auto",
        "Whether equal runs give equal weights, bit for bit. auto: on CPUs, which compute exactly "
        "anyway; on GPUs, on is slower.",
        choices=("auto", "on", "off"),
    )
    devices: int | str = _key(
        "auto",
        "GPUs to use in each process. auto: all of them.",
        minimum=1,
        maximum=1024,
        word="auto",
    )
    xla: str = _key(
        "auto",
        "Whether XLA compiles the step. auto: on a single GPU only.",
        choices=("auto", "on", "off"),
    )


@dataclasses.dataclass(frozen=True)
class Intervals:
    """Steps between records of a run."""

    heading: ClassVar[str] = "Intervals"

    log_every: int = _key(10, "Steps between lines of metrics.jsonl.", minimum=1, maximum=_STEPS)
    summary_every: int = _key(25, "Steps between TensorBoard entries.", minimum=1, maximum=_STEPS)
    preview_every: int = _key(
        250, "Steps between validations and their samples.", minimum=1, maximum=_STEPS
    )
    checkpoint_every: int = _key(250, "Steps between checkpoints.", minimum=1, maximum=_STEPS)
    keep_checkpoints: int = _key(
        5, "Checkpoints to keep, besides the best one.", minimum=1, maximum=10_000
    )


@dataclasses.dataclass(frozen=True)
class LossNetwork:
    """The frozen network whose features define the losses."""

    heading: ClassVar[str] = "Loss network"

    loss_model: str = _key(
        "vgg_16",
        "The loss network. All but vgg_16 need a loss_model_file; all but VGG need content_layers "
        "and style_layers, which `fastnst layers` lists.",
        choices=stacks.NAMES,
        judges=True,
    )
    loss_model_file: str = _key(
        "pretrained/vgg_16.ckpt",
        "File of the loss network: a checkpoint with slim's variable names, or for VGG a .mat file "
        "of MatConvNet.",
        judges=True,
    )
    checkpoint_exclude_scopes: str = _key(
        "vgg_16/fc",
        "Accepted for conf files of the original, but ignored: only convolutions are ever read.",
    )


# The task of a conf file that names none, and the only one with styles and recipes.
STYLE = "style"
# Two networks that turn photos into pictures of a domain, and back.
TRANSLATION = "translation"
CLASSIFICATION = "classification"
# The sections that apply to every task, and those that apply to some; by attribute of `Config`.
_COMMON = ("data", "training", "computing", "intervals")
_OWN: dict[str, tuple[str, ...]] = {
    STYLE: ("transfer", "network", "loss_network"),
    TRANSLATION: ("translation", "network", "loss_network"),
    CLASSIFICATION: ("classification", "loss_network"),
}


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything that determines a run. conf/README.md explains each key.

    `transfer.identity` is always "on" or "off": `auto` is resolved when the configuration is built.

    Attributes:
        styles: The styles of the network by name, in the order of its rows.
    """

    heading: ClassVar[str] = "Name and recipe"

    naming: str = _key(
        "", "Name of the model and of its folder in model_path.", required=True, plain_name=True
    )
    model_path: str = _key("models", "Folder that holds the models.")
    task: str = _key(
        STYLE,
        "What is trained. style: a network that stylizes photos. translation: one that turns them "
        "into pictures of a domain. classification: one that classifies pictures.",
        choices=(*_OWN,),
        fixed=True,
    )
    recipe: str = _key(
        "auto",
        "Set of training settings that work together; see [Recipes](#recipes). auto: gpu if there "
        "is a GPU, else cpu; a resumed run keeps its recipe.",
        choices=("auto", *recipes.RECIPES),
    )
    styles: dict[str, objective.Style] = dataclasses.field(default_factory=dict)
    data: Data = dataclasses.field(default_factory=Data)
    training: Training = dataclasses.field(default_factory=Training)
    transfer: transfer.Transfer = dataclasses.field(default_factory=transfer.Transfer)
    translation: translation.Translation = dataclasses.field(
        default_factory=translation.Translation
    )
    network: network.Network = dataclasses.field(default_factory=network.Network)
    classification: classification.Classification = dataclasses.field(
        default_factory=classification.Classification
    )
    computing: Computing = dataclasses.field(default_factory=Computing)
    intervals: Intervals = dataclasses.field(default_factory=Intervals)
    loss_network: LossNetwork = dataclasses.field(default_factory=LossNetwork)

    def __post_init__(self) -> None:
        if self.transfer.identity == "auto":
            identity = "on" if len(self.styles) > 1 else "off"
            resolved = dataclasses.replace(self.transfer, identity=identity)
            object.__setattr__(self, "transfer", resolved)

    @property
    def run_dir(self) -> Path:
        """The folder of the model, its checkpoints and its samples."""
        return files.expand_user(self.model_path) / self.naming

    def replace(self, **values: Any) -> Config:
        """Returns a copy with new values for some flat keys, which are not checked.

        A key of a style is changed in every style. A style named after the model is renamed with
        it.

        Raises:
            TypeError: If a key is unknown.
        """
        unknown = [key for key in values if key not in FIELDS]
        if unknown:
            raise TypeError(f"no such key: {', '.join(unknown)}")

        def changed(section: Any) -> Any:
            own = keys(type(section))
            return dataclasses.replace(
                section, **{key: values[key] for key in own if key in values}
            )

        naming = values.get("naming", self.naming)
        styles = {
            naming if name == self.naming else name: changed(style)
            for name, style in self.styles.items()
        }
        sections = {name: changed(getattr(self, name)) for name in SECTIONS}
        return dataclasses.replace(changed(self), styles=styles, **sections)

    def flat(self) -> dict[str, Any]:
        """Returns the value of every key of the task, as in a conf file.

        The keys of a single style that is named after the model are at the top level; otherwise
        the key `styles` maps each style's name to its keys.
        """
        merged = {key: getattr(self, key) for key in keys(Config) if key in fields(self.task)}
        styles = {name: dataclasses.asdict(style) for name, style in self.styles.items()}
        if self.task == STYLE:
            merged |= styles[self.naming] if [*styles] == [self.naming] else {"styles": styles}
        for section in sections(self.task):
            merged |= dataclasses.asdict(getattr(self, section))
        return merged

    def to_yaml(self) -> str:
        """Returns every key as YAML; loading it gives an equal configuration."""
        return yaml.safe_dump(self.flat(), sort_keys=False, allow_unicode=True)


# The sections of a configuration besides its styles, by attribute.
SECTIONS: dict[str, type[Any]] = {
    "data": Data,
    "training": Training,
    "transfer": transfer.Transfer,
    "translation": translation.Translation,
    "network": network.Network,
    "classification": classification.Classification,
    "computing": Computing,
    "intervals": Intervals,
    "loss_network": LossNetwork,
}


def keys(section: type) -> dict[str, dataclasses.Field[Any]]:
    """Returns the fields of a section, or of `Config` without its sections, by key."""
    return {field.name: field for field in dataclasses.fields(section) if "help" in field.metadata}


def sections(task: str) -> dict[str, type[Any]]:
    """Returns the sections of a task, in the order of `SECTIONS`."""
    return {name: kind for name, kind in SECTIONS.items() if name in (*_COMMON, *_OWN[task])}


def fields(task: str) -> dict[str, dataclasses.Field[Any]]:
    """Returns the fields of a task by flat key; those of a style are among them."""
    style = (objective.Style,) if task == STYLE else ()
    return {
        key: field
        for section in (Config, *style, *sections(task).values())
        for key, field in keys(section).items()
        if key != "recipe" or task == STYLE
    }


def tasks_with(key: str) -> list[str]:
    """Returns the tasks that a key applies to."""
    return [task for task in _OWN if key in fields(task)]


def default(field: dataclasses.Field[Any]) -> Any:
    """Returns a key's default."""
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


# Every flat key, in the order of conf/README.md and of a run's config.yml.
FIELDS: dict[str, dataclasses.Field[Any]] = {
    key: field
    for section in (Config, objective.Style, *SECTIONS.values())
    for key, field in keys(section).items()
}
