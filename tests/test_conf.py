"""The conf files that are shipped, and the page about them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from fastnst import config, files
from fastnst.config import recipes, schema
from tools import build_conf_readme

CONF = files.asset("conf")
CREDITS = (files.asset("img") / "CREDITS.md").read_text(encoding="utf-8")
CONFS = build_conf_readme.shipped()
README = (CONF / "README.md").read_text(encoding="utf-8")

confs = pytest.mark.parametrize("path", CONFS, ids=lambda path: path.stem)


def header(path: Path) -> list[str]:
    """The comment lines that a file opens with."""
    lines = path.read_text(encoding="utf-8").splitlines()
    length = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return lines[:length]


@confs
def test_a_conf_is_named_after_its_model_and_its_picture(path: Path) -> None:
    settings = config.load(path)
    assert settings.naming == path.stem
    assert list(settings.styles) == [path.stem]
    image = settings.styles[path.stem].style_image
    assert image == f"img/{path.stem}.jpg"
    assert files.find(image).is_file()


def test_every_style_image_that_is_credited_has_a_conf() -> None:
    styles = CREDITS.partition("## Style images")[2].partition("## Photos")[0]
    assert [path.stem for path in CONFS] == sorted(re.findall(r"^\| (\w+)\.jpg ", styles, re.M))


@confs
def test_a_conf_opens_with_its_title_source_commands_and_time(path: Path) -> None:
    text = "\n".join(header(path))
    assert build_conf_readme.title(path) == header(path)[0].removeprefix("# ")
    assert "Style image:" in text
    assert "Apache-2.0" in text or "public domain" in text
    assert "img/CREDITS.md" in text
    assert f"python train.py -c conf/{path.name} --quick\n" in text
    assert f"python train.py -c conf/{path.name}\n" in text
    assert "--dataset path/to/photos" in text
    assert re.search(r"About .+ on \d CPU cores? with", text)


@confs
def test_the_licence_in_a_header_is_the_one_in_the_credits(path: Path) -> None:
    (row,) = (line for line in CREDITS.splitlines() if line.startswith(f"| {path.stem}.jpg |"))
    licence = row.split("|")[5].strip()
    assert licence.lower() in "\n".join(header(path)).lower()


@confs
def test_a_conf_can_be_trained_at_once(path: Path) -> None:
    """It needs no photos and no layers other than those that come with the clone."""
    settings = config.load(path)
    assert settings.data.dataset == settings.data.validation == "bundled"
    (style,) = settings.styles.values()
    layers = {*style.content_layers, *style.style_layers}
    assert all(layer <= "relu4_3" for layer in layers)
    assert files.find(f"{settings.loss_network.loss_model_file}.index").is_file()


@confs
def test_a_conf_holds_only_keys_of_its_style(path: Path) -> None:
    keys = yaml.safe_load(path.read_text(encoding="utf-8")).keys()
    assert keys - {"naming"} <= schema.keys(config.Style).keys()


def test_the_page_shows_every_recipe() -> None:
    names = " | ".join(f"`{name}`" for name in config.RECIPES)
    assert f"\n| key | {names} |\n" in README
    assert "\n| `stages` | `192: 2000` | `192: 6000` | none | none |\n" in README
    assert "\n| `max_steps` | `6000` | `20000` | `null` | `1000` |\n" in README
    for key, other in recipes.YIELDS.items():
        assert f" if you set `{other}` but not `{key}`\n" in README


def test_the_examples_on_the_page_load() -> None:
    examples = re.findall(r"```yaml\n(naming: duo\n.*?)```", README, re.S)
    settings = [config.from_mapping(yaml.safe_load(example)) for example in examples]
    assert [list(each.styles) for each in settings] == [
        ["wave", "candy", "mine"],
        ["wave", "candy"],
    ]
    assert [style.style_size for style in settings[1].styles.values()] == [384, 512]


def test_the_page_about_the_keys_is_up_to_date() -> None:
    assert build_conf_readme.render() == README, (
        "conf/README.md is stale: run python -m tools.build_conf_readme"
    )


def test_the_page_explains_every_key_once_under_a_heading() -> None:
    grouped = [field.name for fields in build_conf_readme.groups().values() for field in fields]
    assert grouped == list(config.FIELDS)
    for key, field in config.FIELDS.items():
        in_recipe = any(key in recipe for recipe in config.RECIPES.values())
        assert README.count(f"\n| `{key}` | ") == 1 + in_recipe
        assert field.metadata["help"] in README


@pytest.mark.parametrize(
    ("key", "row"),
    [
        ("naming", "| `naming` | none: required | letters, digits, `.`, `_`, `-` |"),
        ("style_size", "| `style_size` | `null` | whole number, 16 to 4096, or `null` |"),
        ("learning_rate", "| `learning_rate` | [by recipe](#recipes) | number above 0 |"),
        ("seed", "| `seed` | `0` | whole number, 0 to 2147483647 |"),
        ("output_norm", "| `output_norm` | `true` | `true`, `false` |"),
        ("xla", "| `xla` | `auto` | `auto`, `on`, `off` |"),
        ("content_layers", "| `content_layers` | `relu3_3` | layers |"),
    ],
)
def test_the_page_tells_what_is_allowed(key: str, row: str) -> None:
    assert row in README


def test_the_command_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = (CONF / "wave.yml").read_text(encoding="utf-8")
    (tmp_path / "wave.yml").write_text(conf, encoding="utf-8")
    monkeypatch.setattr(build_conf_readme, "CONF", tmp_path)
    build_conf_readme.main()
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == f"{tmp_path / 'README.md'}\n"
    assert "[wave.yml](wave.yml)" in page
    assert "candy.yml" not in page
