"""The `fastnst` command."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastnst
from fastnst.cli import main

ROOT = Path(__file__).resolve().parent.parent.parent

# Importing TensorFlow for help or for a mistake in a conf would cost two seconds.
_HELP_OF_ALL = """
import sys
from fastnst.cli import main
for command in sys.argv[1:]:
    try:
        code = main.main([command, "--help"])
    except SystemExit as stop:
        code = stop.code
    assert not code, command
try:
    assert main.main(["eval", "--model", "x"]) == 2
except SystemExit as stop:
    assert stop.code == 2
assert main.main(["train", "-c", "nowhere.yml"]) == 1
assert "tensorflow" not in sys.modules
"""


def test_help_and_user_errors_do_not_import_tensorflow() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", _HELP_OF_ALL, *main.COMMANDS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    for command in main.COMMANDS:
        assert f"usage: fastnst {command} " in finished.stdout
    assert "name at least one photo or folder" in finished.stderr
    assert "fastnst train: nowhere.yml: no such conf file" in finished.stderr


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["-h"], ["--help"]):
        assert main.main(arguments) == 0
        output = capsys.readouterr().out
        assert output.startswith("usage: fastnst COMMAND")
        for name, (_, summary) in main.COMMANDS.items():
            assert name in output and summary in output


def test_version_prints_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out == f"fastnst {fastnst.__version__}\n"


@pytest.mark.parametrize("command", main.COMMANDS)
def test_every_command_has_a_version_and_can_be_quiet(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main.main([command, "--version"])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 0
    assert capsys.readouterr().out == f"fastnst {fastnst.__version__}\n"
    with contextlib.suppress(SystemExit):
        main.main([command, "--help"])
    assert "--quiet" in capsys.readouterr().out


def test_an_unknown_command_exits_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["paint"]) == 2
    output, error = capsys.readouterr()
    assert output == "" and error.startswith("fastnst: unknown command paint\nusage:")


def test_python_dash_m_fastnst_runs_the_same_command() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "fastnst", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (0, f"fastnst {fastnst.__version__}\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("fastnst ev", {"eval"}),
        ("fastnst eval --str", {"--strength", "--stroke", "--strip-metadata", "--strip_metadata"}),
        ("fastnst export --prec", {"--precision"}),
        ("fastnst export --precision b", {"bfloat16"}),
    ],
)
def test_a_shell_learns_how_a_command_line_may_go_on(
    line: str, expected: set[str], tmp_path: Path
) -> None:
    pytest.importorskip("argcomplete")
    answer = tmp_path / "answer"
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    program = [sys.executable, "-m", "fastnst"]
    subprocess.run(program, cwd=ROOT, env=os.environ | asked, check=False)
    assert {word.strip() for word in answer.read_text().split("\n")} == expected
