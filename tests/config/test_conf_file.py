"""Conf files as they are written: where they are found, and invalid YAML."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from fastnst import config, errors, files
from fastnst.config import conf_file, nodes

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
    entry = nodes.entry({"a": {1: [5]}}, "--set x")
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
        ("a: !!python/object:os.system x\n", "style.yml:1: not valid YAML: the tag "),
        ("a: 1\n---\nb: 1\n", "style.yml:2: not valid YAML: but found another document"),
        ("a: \x00\n", "style.yml: not valid YAML: "),
        ("a: !!bool maybe\n", "style.yml:1: not valid YAML: 'maybe' is not of the type !!bool"),
        ("a: !!int 1:2\n", "style.yml:1: not valid YAML: '1:2' is not of the type !!int"),
        ("a: !!timestamp 2020-01-01\n", "style.yml:1: not valid YAML: the tag "),
        ("a: 1\n<<: 3\n", "style.yml:2: not valid YAML: << should be an alias of a mapping"),
        ("a: 1\n<<: [3]\n", "style.yml:2: not valid YAML: << should be an alias of a mapping"),
        ("? [a]\n: 1\n", "style.yml:1: not valid YAML: a key should be a plain word"),
        ("a: " + "[" * 500 + "]" * 500, "style.yml:1: not valid YAML: is nested more than 20"),
        ("a: " + "[" * 100_000, "style.yml:1: not valid YAML: is nested more than 20"),
    ],
)
def test_broken_yaml_is_told_with_its_line(write: Write, text: str, start: str) -> None:
    assert only_problem(write(text)).startswith(start)


def test_a_file_that_is_not_text_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "style.yml"
    path.write_bytes(b"naming: \xff\xfe\0")
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


def test_a_bomb_of_aliases_is_refused_and_not_expanded(write: Write) -> None:
    # 10 to the 9th values, in nine lines.
    lines = [
        "l0: &l0 [x]",
        *(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9)),
    ]
    problem = only_problem(write(LEAST + "\n".join(lines)))
    assert "not valid YAML: stands for more than 20,000 values" in problem
    # A text that aliases repeat is not repeated in the message.
    text = f"style_layers: &a {'x' * 100_000}\nstages: [{', '.join(['*a'] * 9_000)}]\n"
    assert all(len(line) < 1000 for line in problems(write(LEAST + text)))


@pytest.mark.parametrize(
    "value", ["1.10", "010", "no", "12.30", "2024-01-01", "1_0", "0x1F", "1e3"]
)
def test_a_name_is_kept_as_it_is_written(write: Write, value: str) -> None:
    path = write(f"style_image: img/candy.jpg\nnaming: {value}\n")
    settings = config.load(path)
    assert settings.naming == value
    assert config.load(path, quick=True).naming == f"{value}-quick"
    assert config.load(path, [f"model_path={value}"]).model_path == value
    # As a run's config.yml has it.
    path.write_text(settings.to_yaml())
    assert config.load(path) == settings


def test_numbers_are_decimal_or_refused(write: Write) -> None:
    for text, size in (("0256", 256), ("1_024", 1024), ("2.56e2", 256), ("+64", 64)):
        assert config.load(write(f"{LEAST}image_size: {text}\n")).data.image_size == size
    assert only_problem(write(f"{LEAST}max_steps: 12:30\n")) == (
        "style.yml:3: max_steps: should be a number, found '12:30'"
    )
    for text in ("9" * 5000, ".inf", "-.inf", ".nan", "0x10"):
        assert "should be a number, found" in only_problem(write(f"{LEAST}max_steps: {text}\n"))


def test_a_missing_space_after_a_colon_is_told(write: Write) -> None:
    for layers in ("{relu1_2:10}", "[relu1_2:10]"):
        problem = only_problem(write(f"{LEAST}style_layers: {layers}\n"))
        assert problem.startswith("style.yml:3: style_layers: no layer relu1_2:10; ")
        assert problem.endswith("; put a space after the colon")
    assert only_problem(write("naming:x\n")).endswith("; put a space after the colon")


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-16", ": is in UTF-16; save it as UTF-8"),
        ("cp1252", ":2: the byte 0xe9 is not UTF-8, but \u00e9 in Windows-1252 (cp1252); save"),
    ],
)
def test_the_encoding_of_a_file_is_told(tmp_path: Path, encoding: str, told: str) -> None:
    path = tmp_path / "style.yml"
    path.write_text("naming: x\nstyle_image: caf\u00e9.jpg\n", encoding=encoding)
    assert only_problem(path).startswith(f"style.yml{told}")


def test_a_file_that_is_no_conf_by_its_kind_or_size_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "style.yml")
    assert only_problem(tmp_path / "style.yml").endswith("is not a regular file; name a conf file")
    (tmp_path / "large.yml").write_bytes(b"#" * 1_000_001)
    assert "is larger than 1,000,000 bytes" in only_problem(tmp_path / "large.yml")
    assert "is no possible path" in only_problem(tmp_path / "a\0b.yml")
