"""Conf files as they are written: where they are found, and invalid YAML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from fastnst import config, errors, files
from fastnst.config import conf_file

ROOT = Path(__file__).resolve().parents[2]
LEAST = "style_image: img/candy.jpg\nnaming: candy\n"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a conf file."""

    def write_text(text: str) -> Path:
        path = tmp_path / "style.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


def problems(path: Path) -> list[str]:
    """The lines of the error that loading the file ends in, the file's folder left out."""
    with pytest.raises(errors.UserError) as caught:
        config.load(path)
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()


def only_problem(path: Path) -> str:
    (problem,) = problems(path)
    return problem


def test_an_entry_knows_its_line_and_so_do_those_within(write: Write) -> None:
    path = write("a: 1\n# a comment\nb:\n  c: x\n  d: {e: 2}\nf:\n  - y\n  - {g: 3}\n7: on\n")
    found: list[str] = []
    entries = conf_file.read(path, found)
    assert found == []
    assert {key: entry.value for key, entry in entries.items()} == {
        "a": 1,
        "b": {"c": "x", "d": {"e": 2}},
        "f": ["y", {"g": 3}],
        "7": True,
    }

    def line(*keys: str) -> int:
        items = entries
        for key in keys:
            entry = items[key]
            items = entry.items
        file, _, number = entry.where.rpartition(":")
        assert file == str(path)
        return int(number)

    assert [line(key) for key in entries] == [1, 3, 6, 9]
    assert [line("b", "c"), line("b", "d"), line("b", "d", "e")] == [4, 5, 5]
    assert [line("f", "0"), line("f", "1"), line("f", "1", "g")] == [7, 8, 8]


def test_an_entry_of_a_python_value_has_one_place_throughout() -> None:
    entry = conf_file.entry({"a": {1: [5]}}, "--set x")
    assert entry.value == {"a": {1: [5]}}
    item = entry.items["a"].items["1"].items["0"]
    assert (item.value, item.where) == (5, "--set x")


def test_anchors_mean_the_same_as_in_yaml(write: Write) -> None:
    text = "content_layers: &both {relu1_2: 2}\nstyle_layers: {<<: *both, relu2_2: 1}\n"
    (style,) = config.load(write(LEAST + text)).styles.values()
    assert style.style_layers == yaml.safe_load(text)["style_layers"]
    assert style.style_layers == {"relu1_2": 2, "relu2_2": 1}


def test_a_key_given_twice_is_named_with_both_lines(write: Write) -> None:
    text = LEAST + "style_weight: 1\nstyle_weight: 2\n"
    assert only_problem(write(text)) == (
        "style.yml:4: style_weight: already set at style.yml:3; remove one of them"
    )


def test_a_layer_given_twice_is_named_with_both_lines(write: Write) -> None:
    text = LEAST + "style_layers:\n  relu1_2: 1\n  relu2_2: 1\n  relu1_2: 9\n"
    assert only_problem(write(text)) == (
        "style.yml:6: relu1_2: already set at style.yml:4; remove one of them"
    )


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "- a list\n", "words\n"])
def test_a_file_without_keys_is_told_what_one_looks_like(write: Write, text: str) -> None:
    assert only_problem(write(text)) == (
        "style.yml: should consist of lines of `key: value`, see conf/README.md"
    )


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("style_layers: [relu1_2\nnaming: x\n", "style.yml:2: not valid YAML: "),
        ("a: 1\n\tb: 2\n", "style.yml:2: not valid YAML: "),
        ("a: 1\nb: *nowhere\n", "style.yml:2: not valid YAML: found undefined alias"),
        ("a: 1\nb: 'open\n", "style.yml:3: not valid YAML: "),
        ("a: !!python/object:os.system x\n", "style.yml:1: not valid YAML: could not determine"),
        ("a: 1\n---\nb: 1\n", "style.yml:2: not valid YAML: but found another document"),
        ("a: \x00\n", "style.yml: not valid YAML: "),
        ("naming: 2020-13-45\n", "style.yml: not valid YAML: month must be in 1..12"),
    ],
)
def test_broken_yaml_is_told_with_its_line(write: Write, text: str, start: str) -> None:
    assert only_problem(write(text)).startswith(start)


def test_a_file_that_is_not_text_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "style.yml"
    path.write_bytes(b"naming: \xff\xfe")
    assert only_problem(path).startswith("style.yml: is not a text file; a conf file consists of ")
    assert problems(tmp_path)[0].endswith(": is a folder; name a conf file in it")


def test_a_missing_conf_file_gets_the_nearest_one(write: Write, tmp_path: Path) -> None:
    write(LEAST)
    for name in ("stile.yml", "style"):
        problem = only_problem(tmp_path / name)
        assert problem == f"{name}: no such conf file; did you mean style.yml?"
    problem = only_problem(tmp_path / "nowhere" / "x.yml")
    assert problem.endswith(", conf/woodcut.yml") and "; choose from conf/auvers.yml, " in problem


def test_a_conf_of_the_project_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.load("conf/candy.yml").naming == "candy"
    assert config.load("candy") == config.load("conf/candy.yml")
    for name in ("cndy", "cndy.yml"):
        problem = only_problem(Path(name))
        assert problem == f"{name}: no such conf file; did you mean conf/candy.yml?"
    # A folder of that name is not a conf; a file is.
    Path("candy").mkdir()
    assert config.load("candy").naming == "candy"
    Path("wave").write_text("style_image: x.jpg\nnaming: mine\n", encoding="utf-8")
    assert config.load("wave").naming == "mine"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "style.yml"
    path.write_text(LEAST, encoding="utf-8-sig")
    assert config.load(path).naming == "candy"


def test_files_are_found_from_here_and_else_from_the_projects_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert files.find("img/candy.jpg") == ROOT / "img" / "candy.jpg"
    assert files.find("img/nothing.jpg") == Path("img/nothing.jpg")
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "candy.jpg").touch()
    assert files.find("img/candy.jpg") == Path("img/candy.jpg")
    assert files.find("/nowhere/x.jpg") == Path("/nowhere/x.jpg")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert files.find("~/img/candy.jpg") == tmp_path / "img" / "candy.jpg"


def test_a_cycle_in_a_file_is_not_followed(write: Write) -> None:
    assert "style.yml:2: not valid YAML: " in only_problem(write("naming: x\nstyles: &a [*a]\n"))
