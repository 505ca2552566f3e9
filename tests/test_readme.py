"""Every command of the README and the guides runs, at a small size, in a folder like a user's."""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import fastnst
from fastnst import images

ROOT = Path(fastnst.__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDES = [
    (ROOT / "docs" / name).read_text(encoding="utf-8")
    for name in ("your-own-style.md", "painting.md", "training.md", "exporting.md", "quality.md")
]
PAGES = [
    page
    for pattern in ("*.md", "conf/*.md", "docs/*.md", "img/*.md", "pretrained/**/*.md")
    for page in sorted(ROOT.glob(pattern))
]
# Training commands are run as they stand, but small.
SMALL = (
    "--steps 2 --set image_size=32 --set batch_size=2 --set width=4 --set residual_blocks=1 "
    "--set style_size=64 --set precision=float32 --set start_from=null"
).split()
# So is what takes hundreds of iterations.
SHORT = {
    "optimize": ["--size", "32", "--steps", "2"],
    "quality": ["--photos", "1", "--size", "96", "--steps", "2"],
}
MAINS = {
    "train.py": "fastnst.cli.train",
    "eval.py": "fastnst.cli.eval",
    "export.py": "fastnst.cli.export",
    "fastnst": "fastnst.cli.main",
}


def commands(page: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    return [part.strip() for line in lines for part in line.split("&&")]


INSTALLS = [command for command in commands(README) if command.startswith("pip ")]
ALL = [command for page in (README, *GUIDES) for command in commands(page)]
PIPES = [command for command in dict.fromkeys(ALL) if "|" in command]
SCRIPTS = [
    command
    for command in dict.fromkeys(ALL)
    if command.startswith(("python ", "fastnst ")) and command not in PIPES
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the README's commands name."""
    folder = tmp_path_factory.mktemp("desk")
    photos = sorted((ROOT / "img" / "photos").glob("*.jpg"))
    small = [images.resize_shorter_side(images.decode(path.read_bytes()), 48) for path in photos]
    images.write(folder / "photo.jpg", small[0])
    for index, pixels in enumerate(small):
        images.write(folder / "path/to/photos" / f"{index}.jpg", pixels)
        images.write(folder / "holiday" / f"{index}.jpg", pixels)
    with zipfile.ZipFile(folder / "train2014.zip", "w") as archive:
        for path in (folder / "holiday").iterdir():
            archive.write(path, f"train2014/{path.name}")
    shutil.copytree(ROOT / "conf", folder / "conf")
    images.write(folder / "img/photos/koala.jpg", small[0])
    images.write(folder / "painting.jpg", small[1])
    images.write(folder / "img/candy.jpg", small[2])
    (folder / "mine.yml").write_text("style_image: painting.jpg\nnaming: mine\n")
    return folder


def test_every_command_is_of_a_kind_that_is_run() -> None:
    others = set(ALL) - set(INSTALLS) - set(PIPES) - set(SCRIPTS) - {"pytest"}
    assert not others


def test_the_two_install_commands_are_those_that_ci_runs() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert INSTALLS == ["pip install -e .", 'pip install -e ".[test]"']
    assert '-e ".[test]"' in ci
    assert "\npytest\n" in ci


@pytest.mark.parametrize("command", SCRIPTS)
def test_a_command_works(command: str, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    words = shlex.split(command.removeprefix("python "))
    if words[0] == "train.py":
        words += SMALL
    words += SHORT.get(words[1], [])
    if words[:2] == ["fastnst", "weights"]:
        pytest.skip("downloads; run by the tests marked network")
    module = importlib.import_module(MAINS[words[0]])
    assert module.main(words[1:]) == 0


@pytest.mark.parametrize("command", PIPES)
def test_a_pipe_works(command: str, desk: Path) -> None:
    script = command.replace("python eval.py", f"{sys.executable} {ROOT / 'eval.py'}")
    subprocess.run(["bash", "-ec", script], cwd=desk, check=True, timeout=300)
    painted = images.decode((desk / "painted.jpg").read_bytes())
    assert painted.shape == images.decode((desk / "photo.jpg").read_bytes()).shape


def test_the_python_examples_work(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    photo = images.decode((desk / "photo.jpg").read_bytes())
    assert importlib.import_module(MAINS["export.py"]).main(["--model", "candy"]) == 0
    pages = "".join((README, *GUIDES))
    blocks = dict.fromkeys(re.findall(r"```python\n(.*?)```", pages, re.DOTALL))
    assert len(blocks) >= 2
    for block in blocks:
        names: dict[str, object] = {"photo": photo}
        exec(block, names)
        assert np.asarray(names["painted"]).shape == photo.shape


EXAMPLES = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL
)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_of_the_python_page_works_in_a_fresh_process(number: int, desk: Path) -> None:
    subprocess.run([sys.executable, "-c", EXAMPLES[number]], cwd=desk, check=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_linked_exists(page: Path) -> None:
    links = re.findall(r"\]\((?!http|<)([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing
