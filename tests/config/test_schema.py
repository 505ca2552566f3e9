"""The sections of a configuration: their keys, defaults and resolved values."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fastnst import config
from fastnst.config import schema, values

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = (config.Config, config.Style, *schema.SECTIONS.values())


def made(**network: bool | int) -> config.Config:
    """A configuration of one style."""
    styles = {"mine": config.Style("a.jpg")}
    return config.Config("mine", styles=styles, network=config.Network(**network))  # type: ignore[arg-type]


def test_no_two_sections_have_a_key_in_common() -> None:
    keys = [key for section in SECTIONS for key in schema.keys(section)]
    assert len(keys) == len(set(keys))
    assert keys == list(config.FIELDS)


def test_the_sections_are_the_attributes_of_a_configuration() -> None:
    others = {field.name for field in dataclasses.fields(config.Config)} - {"styles"}
    assert others == {*schema.keys(config.Config), *schema.SECTIONS}
    for name, section in schema.SECTIONS.items():
        assert type(getattr(config.Config(), name)) is section


def test_every_key_is_explained_in_sentences() -> None:
    for name, field in config.FIELDS.items():
        assert field.metadata["help"].endswith("."), name


def test_every_default_is_allowed_by_its_own_rules() -> None:
    for name, field in config.FIELDS.items():
        if not field.metadata.get("required"):
            assert values.check(field, schema.default(field)) == schema.default(field), name


@pytest.mark.parametrize(
    ("keys", "width"),
    [
        ({}, 32),
        ({"lite": True}, 16),
        ({"width": None, "lite": True}, 16),
        ({"width": 32, "lite": True}, 32),
        ({"width": 48}, 48),
    ],
)
def test_the_width_is_always_that_of_the_network(keys: dict[str, int], width: int) -> None:
    settings = made(**keys)
    assert settings.network.width == width
    assert settings.flat()["width"] == width
    assert yaml.safe_load(settings.to_yaml())["width"] == width


def test_an_identity_row_comes_with_several_styles() -> None:
    two = {"one": config.Style("1.jpg"), "two": config.Style("2.jpg")}
    for styles, asked, expected in (
        ({"one": two["one"]}, "auto", "off"),
        ({"one": two["one"]}, "on", "on"),
        (two, "auto", "on"),
        (two, "off", "off"),
    ):
        transfer = config.Transfer(identity=asked)
        settings = config.Config("x", styles=styles, transfer=transfer)
        assert settings.transfer.identity == settings.flat()["identity"] == expected
        assert settings.transfer == dataclasses.replace(transfer, identity=expected)


def test_the_painting_is_as_large_as_the_crops_unless_it_has_its_own_size() -> None:
    assert config.Style("a.jpg").side(192) == 192
    assert config.Style("a.jpg", style_size=512).side(192) == 512


def test_a_run_is_kept_in_the_folder_of_its_name() -> None:
    assert config.Config("wave", model_path="m").run_dir == Path("m/wave")


def test_a_style_named_after_the_model_lies_flat() -> None:
    flat = made().flat()
    assert list(flat) == list(schema.fields(schema.STYLE))
    assert flat["style_image"] == "a.jpg"


@pytest.mark.parametrize("names", [["other"], ["mine", "other"]])
def test_other_styles_lie_in_a_mapping_of_their_own(names: list[str]) -> None:
    styles = {name: config.Style(f"{name}.jpg", strength=2.0) for name in names}
    flat = config.Config("mine", styles=styles).flat()
    own = schema.fields(schema.STYLE).keys() - schema.keys(config.Style).keys()
    assert flat.keys() == own | {"styles"}
    assert list(flat["styles"]) == names
    for name, style in flat["styles"].items():
        assert list(style) == list(schema.keys(config.Style))
        assert (style["style_image"], style["strength"]) == (f"{name}.jpg", 2.0)


def test_flat_values_are_copies() -> None:
    settings = made()
    flat = settings.flat()
    flat["style_layers"].clear()
    flat["stages"][64] = 1
    assert settings == made()


def test_replacing_flat_keys_reaches_into_every_section() -> None:
    settings = made().replace(seed=3, strength=2.0, log_every=7, model_path="m", xla="on")
    assert settings.data.seed == 3
    assert settings.styles["mine"].strength == 2.0
    assert settings.intervals.log_every == 7
    assert settings.model_path == "m"
    assert settings.computing.xla == "on"
    assert settings.replace(
        seed=0, strength=1.0, log_every=10, model_path="models", xla="auto"
    ) == (made())


def test_a_style_named_after_the_model_is_renamed_with_it() -> None:
    assert [*made().replace(naming="new").styles] == ["new"]
    other = config.Config("mine", styles={"other": config.Style("a.jpg")})
    assert [*other.replace(naming="new").styles] == ["other"]


def test_an_unknown_key_cannot_be_replaced() -> None:
    with pytest.raises(TypeError, match="no such key: sead"):
        made().replace(sead=1)


@pytest.mark.parametrize("section", SECTIONS)
def test_sections_are_frozen_and_do_not_share_their_mappings(section: type) -> None:
    one, two = section(), section()
    name = next(iter(schema.keys(section)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(one, name, None)
    for field in dataclasses.fields(section):
        if isinstance(getattr(one, field.name), dict):
            assert getattr(one, field.name) is not getattr(two, field.name)


def test_the_configuration_does_not_import_tensorflow() -> None:
    program = (
        "import sys; from fastnst import config; config.load('conf/candy.yml');"
        "sys.exit('tensorflow' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
