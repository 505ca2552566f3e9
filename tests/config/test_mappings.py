"""Configurations from Python mappings."""

from __future__ import annotations

from pathlib import Path

import confs
import pytest
import yaml

from fastnst import config, errors


def test_a_mapping_is_read_like_a_file(write: confs.Write) -> None:
    for text in (confs.LEAST, confs.GALLERY, confs.ORIGINAL):
        assert config.from_mapping(yaml.safe_load(text)) == config.load(write(text))


def test_a_mapping_may_hold_paths_and_tuples(write: confs.Write) -> None:
    styles = (Path("a.jpg"), "b.jpg")
    mapping = {"naming": "x", "styles": styles, "style_layers": ("relu1_2", "relu2_2")}
    settings = config.from_mapping(mapping)
    assert [style.style_image for style in settings.styles.values()] == ["a.jpg", "b.jpg"]
    assert settings.styles["a"].style_layers == {"relu1_2": 1.0, "relu2_2": 1.0}
    assert config.load(write(confs.LEAST), dataset=Path("photos")).data.dataset == "photos"


def test_a_mistake_in_a_mapping_names_the_key() -> None:
    mapping = {"naming": "x", "styles": {"a": {"style_image": 7, "strenght": 1}}, "image_size": 0}
    with pytest.raises(errors.UserError) as caught:
        config.from_mapping(mapping)
    assert str(caught.value).splitlines() == [
        "config: image_size: 0 is too small, should be at least 16",
        "config: unknown key styles.a.strenght; did you mean strength?",
    ]
    with pytest.raises(errors.UserError, match=r"^notebook: naming is missing: "):
        config.from_mapping({"style_image": "x.jpg"}, "notebook")


def test_a_mapping_of_a_configuration_gives_it_back() -> None:
    settings = config.load("candy", gpu=True)
    assert settings.recipe == "gpu"
    assert config.from_mapping(settings.flat()) == settings
    assert config.load("candy", gpu=True, begun="cpu").recipe == "cpu"
