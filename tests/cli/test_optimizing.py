"""The options that `fastnst optimize` and `fastnst sweep` share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastnst.cli import optimizing, sweep
from fastnst.pixels import gatys, searches


@pytest.fixture
def plan(
    tmp_path: Path, photo: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., optimizing.Plan]:
    """Prepares a search with some options."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(40, 50)).save("photo.png")
    parser = argparse.ArgumentParser()
    optimizing.add_options(parser)

    def prepare(*arguments: str) -> optimizing.Plan:
        given = ["photo.png", "--style", "photo.png", *arguments]
        return optimizing.prepare(parser.parse_args(given))

    return prepare


def test_what_is_not_given_is_the_variants(plan: Callable[..., optimizing.Plan]) -> None:
    assert plan().search == searches.SEARCHES["johnson"]
    chosen = plan("--variant", "stylenet", "--steps", "7").search
    assert chosen == searches.Search("adam", 7, 10.0, "mean")


def test_layers_are_parsed_with_their_weights(plan: Callable[..., optimizing.Plan]) -> None:
    arguments = plan("--style_layers", "conv1_1:2, vgg_16/conv3/conv3_3").arguments
    assert arguments.style_layers == {"relu1_1": 2.0, "relu3_3": 1.0}
    assert arguments.content_layers is None


def test_the_number_of_sizes_is_chosen_or_that_of_the_picture(
    plan: Callable[..., optimizing.Plan],
) -> None:
    assert plan("--steps", "8").scales() == [gatys.Scale(40, 8)]
    two = [gatys.Scale(20, 8), gatys.Scale(40, 4)]
    assert plan("--steps", "8", "--scales", "2").scales() == two
    assert len(plan("--size", "1100", "--scales", "auto").scales()) == 3


def test_every_option_that_a_sweep_varies_exists() -> None:
    parser = argparse.ArgumentParser()
    optimizing.add_options(parser)
    assert set(sweep.KEYS) <= {action.dest for action in parser._actions}
