"""The rules of the house: who may import whom, and what a module looks like."""

from __future__ import annotations

import ast
import configparser
import re
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
UNTESTED = {
    *(name for name, path in FILES.items() if path.name in ("__init__.py", "__main__.py")),
    "fastnst.errors",
    "fastnst.version",
}


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


# From the ground up: a package imports from itself and from what stands in an earlier line.
STOREYS = (
    {"errors", "version", "features.vgg"},
    {"archives", "files", "formatting", "features.stacks", "events", "locks"},
    {"config", "downloads", "cluster"},
    {"formats", "modes", "exif", "checkpoint_file", "devices", "memory"},
    {"images", "photo_files"},
    {"planes"},
    {"nets", "data"},
    {"features", "controls"},
    {"losses"},
    {"models", "reports"},
    {"training", "painting", "video", "export", "pixels", "importing"},
    {"evaluation", "serving"},
    {"cli"},
)
STOREY = {name: number for number, names in enumerate(STOREYS) for name in names}


def package(module: str) -> str:
    """The part of the house that a module is in: "fastnst.nets.layers" is in "nets"."""
    inner = module.removeprefix("fastnst.")
    # Tables without imports of libraries, which stand below their package.
    return inner if inner in ("features.vgg", "features.stacks") else inner.split(".")[0]


def test_a_wheel_would_hold_every_package() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = set(settings["options"]["packages"].split())
    assets = {f"fastnst.assets.{folder}" for folder in ("conf", "img", "pretrained")}
    assert listed == assets | {
        name for name, path in FILES.items() if path.name == "__init__.py"
    }, "setup.cfg lists the packages"


WRITERS = ("os.replace", "os.rename", "os.renames", "shutil.move")


def moves_a_file(node: ast.AST) -> bool:
    """Whether an expression moves a file into place, or makes a temporary one beside another."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    called, options = ast.unparse(node.func), {keyword.arg for keyword in node.keywords}
    # str.replace takes two arguments, and dataclasses.replace takes keywords: Path.replace neither.
    of_a_path = node.func.attr in ("replace", "rename") and len(node.args) == 1 and not options
    beside = called.startswith("tempfile.") and bool(options & {"dir"})
    return called in WRITERS or of_a_path or beside


def test_files_are_written_and_assets_found_by_one_module() -> None:
    found = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if moves_a_file(node) or (isinstance(node, ast.Name) and node.id == "__file__")
    }
    assert found == {"fastnst.files"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("os.replace(a, b)", True),
        ("partial.replace(path)", True),
        ("path.with_name('x').rename(path)", True),
        ("tempfile.mkdtemp(dir=folder)", True),
        ("text.replace('a', 'b')", False),
        ("dataclasses.replace(config, width=4)", False),
        ("tempfile.TemporaryDirectory()", False),
    ],
)
def test_the_search_for_writers_knows_one_when_it_sees_it(code: str, expected: bool) -> None:
    assert moves_a_file(ast.parse(code, mode="eval").body) is expected


# Files of the system, the package's own, and the standard streams.
READERS = {"files", "memory", "devices", "reports.parts", "cli.streams", "cli.terminal"}


def reads_a_file(node: ast.AST) -> bool:
    """Whether an expression reads a file that may be a pipe, which blocks, or a device."""
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    modes = [ast.unparse(argument) for argument in node.args[:2]]
    of_a_path = called.endswith((".read_text", ".read_bytes")) and called != "images.read_bytes"
    return of_a_path or called == "open" or (called.endswith(".open") and "'rb'" in modes)


def test_files_are_read_by_the_module_that_refuses_pipes_and_devices() -> None:
    found = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if name.startswith("fastnst.") and reads_a_file(node)
    }
    assert found <= {f"fastnst.{name}" for name in READERS}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("path.read_bytes()", True),
        ("Path(name).read_text(encoding='utf-8')", True),
        ("path.open('rb')", True),
        ("open(path)", True),
        ("images.read_bytes(path)", False),
        ("path.open('ab')", False),
        ("files.opened(path)", False),
    ],
)
def test_the_search_for_readers_knows_one_when_it_sees_it(code: str, expected: bool) -> None:
    assert reads_a_file(ast.parse(code, mode="eval").body) is expected


def test_imports_go_down_only() -> None:
    for module, found in OURS.items():
        for other in found - {"fastnst"}:
            # The face of the package hands out what lies far below it.
            if module in ("fastnst", "fastnst.__main__") or package(module) == package(other):
                continue
            assert STOREY[package(other)] < STOREY[package(module)], f"{module} imports {other}"


def test_no_two_modules_import_each_other() -> None:
    finished: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join((*above, module))
        if module not in finished:
            for other in OURS[module]:
                visit(other, (*above, module))
            finished.add(module)

    for module in FILES:
        visit(module, ())


def test_scripts_are_shims_of_the_commands() -> None:
    for script in SCRIPTS:
        name = Path(script).stem
        tree = ast.parse((ROOT / script).read_text(encoding="utf-8"))
        assert set(imported(tree)) == {"sys", f"fastnst.cli.{name}"}
        assert len((ROOT / script).read_text(encoding="utf-8").splitlines()) <= 10


# Sections and recipes are plain values, which any part may take; reading them is not.
PLAIN = {"fastnst.config.schema", "fastnst.config.recipes"}


def test_only_tasks_and_commands_read_the_configuration() -> None:
    allowed = ("fastnst.config", "fastnst.training.tasks", "fastnst.cli")
    for module, found in OURS.items():
        reading = {name for name in found if name.startswith("fastnst.config")} - PLAIN
        assert not reading or module == "fastnst" or module.startswith(allowed), module


def test_the_engine_knows_no_task() -> None:
    rooms = ("fastnst.training.tasks", "fastnst.losses", "fastnst.nets", "fastnst.features")
    for module, path in FILES.items():
        if not module.startswith("fastnst.training") or "tasks" in module:
            continue
        assert not [name for name in OURS[module] if name.startswith(rooms)], module
        words = re.findall(r"[a-z]+", path.read_text(encoding="utf-8").lower())
        assert not {"style", "styles", "stylized", "content", "gram"} & set(words), module


def test_only_commands_and_tasks_see_the_tasks() -> None:
    for module in importers("fastnst.training.tasks") - {"fastnst"}:
        assert module.startswith(("fastnst.training.tasks", "fastnst.cli")), module


def test_only_the_loss_network_imports_slim() -> None:
    assert importers("tf_slim") == {"fastnst.features.loss_network"}
    for path in (ROOT / "tools").rglob("*.py"):
        assert "tf_slim" not in set(imported(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("room", ["models", "painting", "video", "export"])
def test_stylizing_and_exporting_need_nothing_of_training(room: str) -> None:
    found = reachable(*(module for module in FILES if f"{module}.".startswith(f"fastnst.{room}.")))
    for other in ("losses", "training", "config", "reports", "data", "features", "cli"):
        assert not [name for name in found if f"{name}.".startswith(f"fastnst.{other}.")], other
    assert not found & {"tf_slim", "yaml", "tqdm"}


@pytest.mark.slow
def test_stylizing_loads_nothing_of_training() -> None:
    run(
        "import sys, fastnst\n"
        "from fastnst.export import saved_model, weights\n"
        "from fastnst.models import stylizer\n"
        "from fastnst.painting import photos\n"
        "words = ('tf_slim', 'fastnst.data', 'fastnst.losses', 'fastnst.features',\n"
        "         'fastnst.training', 'fastnst.config')\n"
        "found = [name for name in sys.modules if name.startswith(words)]\n"
        "assert not found, found\n"
    )


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
    ("fastnst", "video", "--help"): 0,
    ("fastnst", "video", "nothing.mp4", "--style", "candy"): 1,
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
        # Results go through the function that knows of full disks, closed pipes and terminals.
        printed = [
            node
            for node in ast.walk(TREES[module])
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
        ]
        on_stdout = [node for node in printed if "file" not in {key.arg for key in node.keywords}]
        assert not on_stdout or module == "fastnst.cli.terminal"
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
