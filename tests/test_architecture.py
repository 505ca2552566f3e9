"""The rules of the house: who may import whom, and what a module looks like."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "fastnst").rglob("*.py"))
}
TREES = {
    name: ast.parse(path.read_text(encoding="utf-8"), str(path)) for name, path in FILES.items()
}
SCRIPTS = ("train.py", "eval.py", "export.py")
# Modules without logic of their own.
UNTESTED = {"fastnst", "fastnst.__main__", "fastnst.errors", "fastnst.cli", "fastnst.nets"}


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, wherever in the file; for names in a module the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in FILES else str(node.module)


IMPORTS = {name: set(imported(tree)) for name, tree in TREES.items()}
OURS = {name: found & set(FILES) for name, found in IMPORTS.items()}


def importers(*names: str) -> set[str]:
    """Our modules that import any of these, or anything below them."""
    return {
        module
        for module, found in IMPORTS.items()
        if any(other == name or other.startswith(f"{name}.") for other in found for name in names)
    }


def reachable(*names: str) -> set[str]:
    """All modules, ours and others, that these import by way of ours."""
    waiting, seen = list(names), set()
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting += IMPORTS.get(module, ())
    return seen


def run(program: str) -> None:
    """Runs a program in a fresh Python at the project's root."""
    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr


def test_only_commands_import_the_command_line() -> None:
    outside = {
        module for module in importers("fastnst.cli") if not module.startswith("fastnst.cli")
    }
    assert outside == {
        "fastnst.__main__",
        "fastnst.data.records",
        "fastnst.optimize",
        "fastnst.quality",
        "fastnst.weights",
    }
    for script in SCRIPTS:
        name = Path(script).stem
        tree = ast.parse((ROOT / script).read_text(encoding="utf-8"))
        assert set(imported(tree)) == {"sys", f"fastnst.cli.{name}"}
        assert len((ROOT / script).read_text(encoding="utf-8").splitlines()) <= 10


def test_only_the_command_line_and_the_factory_see_the_configuration() -> None:
    commands = {"fastnst.cli.train", "fastnst.optimize", "fastnst.quality"}
    assert importers("fastnst.config") == {"fastnst.factory", *commands}


def test_only_the_command_line_sees_the_factory() -> None:
    assert importers("fastnst.factory") == {"fastnst.cli.train", "fastnst.quality"}


def test_only_the_loss_network_imports_slim() -> None:
    assert importers("tf_slim") == {"fastnst.nets.loss_network"}
    for path in (ROOT / "tools").rglob("*.py"):
        assert "tf_slim" not in set(imported(ast.parse(path.read_text(encoding="utf-8"))))


def test_what_is_at_the_bottom_imports_none_of_ours() -> None:
    for module in (
        "fastnst.errors",
        "fastnst.losses",
        "fastnst.metrics_log",
        "fastnst.nets.padding",
    ):
        assert not OURS[module], module
    assert OURS["fastnst.nets.layers"] == {"fastnst.nets.padding"}
    assert OURS["fastnst.config"] == {"fastnst.errors", "fastnst.conf_values"}
    assert OURS["fastnst.conf_values"] == {"fastnst.errors"}
    assert OURS["fastnst.images"] == {"fastnst.errors"}


def test_networks_know_nothing_of_training() -> None:
    for module in (
        "fastnst.nets.layers",
        "fastnst.nets.transform_net",
        "fastnst.nets.loss_network",
    ):
        nets = {"fastnst.nets.layers", "fastnst.nets.padding"}
        allowed = {"fastnst.errors", "fastnst.checkpoint_file"} | nets
        assert OURS[module] <= allowed, module


@pytest.mark.parametrize("module", ["stylizer", "painting", "exporters", "model_card"])
def test_painting_and_exporting_need_nothing_of_training(module: str) -> None:
    found = reachable(f"fastnst.{module}")
    of_training = {"losses", "perceptual", "trainer", "actions", "factory", "config", "report"}
    assert not found & {f"fastnst.{name}" for name in of_training}
    assert not {name for name in found if name.startswith(("fastnst.data", "fastnst.cli"))}
    assert not found & {"fastnst.nets.loss_network", "tf_slim", "yaml", "tqdm"}


def test_painting_loads_nothing_of_training() -> None:
    run(
        "import sys, fastnst\n"
        "from fastnst import exporters, painting, stylizer\n"
        "words = ('tf_slim', 'fastnst.data', 'fastnst.losses', 'fastnst.perceptual',\n"
        "         'fastnst.trainer', 'fastnst.nets.loss_network', 'fastnst.config')\n"
        "found = [name for name in sys.modules if name.startswith(words)]\n"
        "assert not found, found\n"
    )


def test_the_objective_knows_nothing_of_files_and_loops() -> None:
    assert reachable("fastnst.perceptual") & set(FILES) == {
        "fastnst.perceptual",
        "fastnst.losses",
        "fastnst.nets.loss_network",
        "fastnst.nets.padding",
        "fastnst.checkpoint_file",
        "fastnst.errors",
    }


def test_imports_go_down_only() -> None:
    finished: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join((*above, module))
        if module not in finished:
            for other in OURS[module]:
                visit(other, (*above, module))
            finished.add(module)

    for module in FILES:
        visit(module, ())


def test_configuration_and_errors_do_not_import_tensorflow() -> None:
    for module in ("fastnst.config", "fastnst.errors"):
        assert not {name for name in reachable(module) if name.startswith(("tensorflow", "numpy"))}
    run(
        "import sys, fastnst, fastnst.config, fastnst.errors, fastnst.cli.main\n"
        "assert 'tensorflow' not in sys.modules and 'numpy' not in sys.modules\n"
    )


HELP_AND_MISTAKES = """
import contextlib, io, runpy, sys

commands = {
    ("train.py", "--help"): 0,
    ("eval.py", "--help"): 0,
    ("export.py", "--help"): 0,
    ("fastnst", "--help"): 0,
    ("fastnst", "train", "--help"): 0,
    ("fastnst", "gallery", "--help"): 0,
    ("fastnst", "optimize", "--help"): 0,
    ("fastnst", "quality", "--help"): 0,
    ("fastnst", "records", "--help"): 0,
    ("fastnst", "weights", "--help"): 0,
    ("train.py", "-c", "conf/nothing.yml"): 1,
    ("train.py", "-c", "conf/candy.yml", "--set", "image_size=0"): 1,
    ("train.py",): 2,
    ("eval.py", "photo.jpg"): 2,
}
for command, expected in commands.items():
    sys.argv = list(command)
    start = runpy.run_path if command[0].endswith(".py") else runpy.run_module
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            start(command[0], run_name="__main__")
        except SystemExit as stop:
            code = stop.code
    assert code == expected, (command, code, said.getvalue())
    assert "tensorflow" not in sys.modules, command
"""


def test_help_and_mistakes_do_not_wait_for_tensorflow() -> None:
    run(HELP_AND_MISTAKES)


def inside_main(tree: ast.AST) -> set[ast.AST]:
    """All that is in the functions of a command."""
    return {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in ("main", "_run")
        for node in ast.walk(function)
    }


@pytest.mark.parametrize("module", FILES)
def test_nothing_prints_but_the_command_line(module: str) -> None:
    if module.startswith("fastnst.cli"):
        return
    allowed = inside_main(TREES[module])
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Name) and node.id == "print":
            assert node in allowed, f"{module}:{node.lineno}"


@pytest.mark.parametrize("module", FILES)
def test_a_module_says_what_it_is_and_does_nothing_when_imported(module: str) -> None:
    tree = TREES[module]
    assert ast.get_docstring(tree), module
    for statement in tree.body[1:]:
        # Not at import: calls for their effect, loops, files.
        harmless = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.If)
        made = (ast.FunctionDef, ast.ClassDef)
        assert isinstance(statement, (*harmless, *made)) or module == "fastnst.__main__", (
            f"{module}:{statement.lineno}"
        )


@pytest.mark.parametrize("module", FILES)
def test_a_module_can_be_read_at_one_sitting(module: str) -> None:
    assert len(FILES[module].read_text(encoding="utf-8").splitlines()) <= 400
    assert FILES[module].stem not in ("utils", "util", "helpers", "misc", "common")


@pytest.mark.parametrize("module", sorted(set(FILES) - UNTESTED))
def test_a_module_has_a_mirror_among_the_tests(module: str) -> None:
    path = FILES[module].relative_to(ROOT / "fastnst")
    name = path.stem.strip("_")
    assert (ROOT / "tests" / path.parent / f"test_{name}.py").is_file()
