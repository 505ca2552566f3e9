"""Conf files of the tests, and the problems that loading them reports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastnst import config, errors

LEAST = "style_image: img/candy.jpg\nnaming: candy\n"

# A conf of the original implementation, with exactly its keys.
ORIGINAL = """\
## Basic configuration
style_image: img/candy.jpg # targeted style image
naming: "candy" # the name of this model. Determine the path to save checkpoint and events file.
model_path: models # root path to save checkpoint and events file.

## Weight of the loss
content_weight: 1.0
style_weight: 50.0
tv_weight: 0.0

## The size, the iter number to run
image_size: 256
batch_size: 4
epoch: 2

## Loss Network
loss_model: "vgg_16"
content_layers: # use these layers for content loss
  - vgg_16/conv3/conv3_3
style_layers:
  - vgg_16/conv1/conv1_2
  - vgg_16/conv2/conv2_2
  - vgg_16/conv3/conv3_3
  - vgg_16/conv4/conv4_3
checkpoint_exclude_scopes: "vgg_16/fc" # we only use the convolution part of vgg_16
loss_model_file: "pretrained/vgg_16.ckpt" # the path to the checkpoint
"""


GALLERY = """\
naming: gallery
style_size: 384
styles:
  wave: img/wave.jpg
  candy:
    style_image: img/candy.jpg
    style_size: 512
    style_layers: [relu1_2]
    strength: 3
"""

Write = Callable[[str], Path]


def problems(path: Path, *assignments: str, **options: Any) -> list[str]:
    """The lines of the error that loading the file ends in, the file's folder left out."""
    with pytest.raises(errors.UserError) as caught:
        config.load(path, assignments, **options)
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()


def only_problem(path: Path, *assignments: str, **options: Any) -> str:
    (problem,) = problems(path, *assignments, **options)
    return problem


def style(settings: config.Config) -> config.Style:
    """The only style of a configuration."""
    (only,) = settings.styles.values()
    return only
