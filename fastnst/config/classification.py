"""The keys of a classification: its network, and how pictures are changed."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fastnst.config import declaring

_key = declaring.key


@dataclasses.dataclass(frozen=True)
class Classification:
    """The classifier, its classes, and how it is trained."""

    heading: ClassVar[str] = "Classification"

    classifier: str = _key(
        "residual",
        "Network of a classification. mnist and cifar10: those of the TensorFlow cookbook. "
        "residual: a better one for small pictures. vgg_16, vgg_19: the loss network's "
        "convolutions, retrained.",
        choices=("mnist", "cifar10", "residual", "vgg_16", "vgg_19"),
        fixed=True,
    )
    classifier_width: int = _key(
        32,
        "Channels of the first convolution of residual, a multiple of 8; the last ones have 4 "
        "times as many.",
        minimum=8,
        maximum=1024,
        fixed=True,
    )
    channels: int = _key(
        3,
        "Channels of the pictures to classify: 1 for gray, 3 for RGB.",
        minimum=1,
        maximum=3,
        fixed=True,
    )
    labels_file: str | None = _key(
        None,
        "Text file with a class per line: the class folders to read, in order. null: all of them.",
        optional=True,
        fixed=True,
    )
    held_out: float = _key(
        0.1,
        "Share of each class to validate on and never train on, if validation is bundled and the "
        "data set has no part for it.",
        above=0,
        maximum=0.9,
        judges=True,
    )
    distortion: str = _key(
        "none",
        "How pictures to classify are changed at random. shift: by up to an eighth of their side. "
        "shift_flip: also mirrored. flip_colors: mirrored, brightness and contrast.",
        choices=("none", "shift", "shift_flip", "flip_colors"),
    )
    head_steps: int = _key(
        0,
        "With VGG: first steps that train the last layer alone, on features that are computed "
        "once.",
        minimum=0,
        maximum=declaring.STEPS,
    )
    last_blocks: int = _key(
        1,
        "With VGG: number of blocks of convolutions that are retrained, from the last one.",
        minimum=0,
        maximum=5,
    )
