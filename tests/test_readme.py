"""Every command and example of the README and the guides runs, at a small size, as a user's would.

A page is run from top to bottom, so later commands find the files of earlier ones. All pages share
a folder, and a command that several of them show is run once.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import clips
import networks
import numpy as np
import pytest
import yaml

import fastnst
from fastnst import config, errors, images, photo_files
from fastnst.cli import main
from fastnst.evaluation import votes
from fastnst.export import web

ROOT = Path(fastnst.__file__).parent.parent
README = ROOT / "README.md"
GUIDES = (
    "your-own-style",
    "painting",
    "video",
    "training",
    "exporting",
    "deploying",
    "browser",
    "importing",
    "quality",
    "dreaming",
    "gatys",
    "classifiers",
)
RUN = [README, *(ROOT / "docs" / f"{name}.md" for name in GUIDES)]
LINKED = [
    page
    for pattern in ("*.md", "conf/*.md", "docs/*.md", "img/*.md", "pretrained/**/*.md")
    for page in sorted(ROOT.glob(pattern))
]
# Training runs as it stands, but small.
TINY: dict[str, object] = {
    "image_size": 32,
    "width": 4,
    "residual_blocks": 1,
    "scales": 1,
    "steady": 0,
    "wallpaper": 0,
    "content_layers": ["relu2_2"],
    "style_layers": ["relu1_2", "relu2_2"],
    "style_weight": 8,
    "style_size": 64,
    "optimizer": "adam",
    "precision": "float32",
}
SET = ["--steps", "2", *(f"--set={key}={value}" for key, value in TINY.items())]
SMALL = {
    "train": [*SET, "--set=batch_size=2", "--set=start_from=null"],
    "learn": SET,
    "gallery": ["--size", "32"],
    "compare": ["--size", "32"],
    "optimize": ["--size", "32", "--steps", "2"],
    "sweep": ["--size", "32", "--steps", "2"],
    "dream": ["--size", "32", "--iterations", "1"],
    "quality": ["--photos", "1", "--size", "96", "--steps", "2"],
    "video": ["--size", "32"],
    "finetune": ["--size", "16", "--batch_size", "2", "--head_steps", "1", "--steps", "2"],
}
# Programs that a command needs; without them, it is not run.
NEEDED = {"video": "ffmpeg"}
# Run by the tests marked network.
DOWNLOADS = ("weights",)

each_page = pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        lines = [line for line in self.text.splitlines() if line.strip()]
        return [part.strip() for line in lines for part in line.split("&&")]


def blocks(page: Path) -> list[Block]:
    found = re.findall(r"```([^\n]+)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [Block(*each) for each in found]


def commands(page: Path) -> list[str]:
    shell = [block for block in blocks(page) if block.language == "sh"]
    return [command for block in shell for command in block.commands]


# The guides take the README's model of two styles for granted.
DUO = (
    Block("yaml", "naming: duo\nstyles: [img/wave.jpg, img/candy.jpg]\n"),
    Block("sh", "fastnst train -c duo.yml --dataset path/to/photos\n"),
)


@dataclasses.dataclass
class Desk:
    """A user's working directory.

    Attributes:
        folder: Holds the files that the pages name.
        photo: The photo in it, uint8 [H, W, 3].
        done: Commands that were run there.
    """

    folder: Path
    photo: np.ndarray
    done: set[str] = dataclasses.field(default_factory=set)

    def run(self, block: Block) -> None:
        """Runs the commands or the program, or writes the conf file, that a block shows."""
        if block.language == "sh":
            for command in block.commands:
                if command not in self.done:
                    self._run_command(command)
                    self.done.add(command)
        elif block.language == "yaml":
            self._write_conf(block.text)
        elif block.language == "python":
            names: dict[str, object] = {"photo": self.photo}
            exec(block.text, names)
            result = names["dream"] if "dream" in names else names["stylized"]
            assert np.asarray(result).shape == self.photo.shape

    def _run_command(self, command: str) -> None:
        if "|" in command:
            script = command.replace("fastnst ", f"{shlex.quote(sys.executable)} -m fastnst ")
            subprocess.run(["bash", "-ec", script], env=environment(), check=True, timeout=300)
        elif command.startswith("fastnst "):
            words = shlex.split(command)
            missing = words[1] in NEEDED and not shutil.which(NEEDED[words[1]])
            missing = missing or ("web" in words and not npm_answers())
            if words[1] not in DOWNLOADS and not missing:
                assert main.main([*words[1:], *SMALL.get(words[1], [])]) == 0, command

    def _write_conf(self, text: str) -> None:
        # A conf file is named after its model; a block without a model shows some keys only.
        if naming := yaml.safe_load(text).get("naming"):
            path = self.folder / f"{naming}.yml"
            path.write_text(text, encoding="utf-8")
            assert config.load(path).naming == naming


def npm_answers() -> bool:
    """Whether the page in the browser can be exported."""
    try:
        return web.runtime_package().is_file()
    except errors.UserError:
        return False


def environment() -> dict[str, str]:
    """The variables of a process that imports this tree's package."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("desk")
    photos = [images.decode(path.read_bytes()) for path in photo_files.bundled()]
    small = [images.resize_shorter_side(photo, 48) for photo in photos]
    classes = [f"pictures/{part}/{name}" for part in ("train", "validation") for name in "ab"]
    for name in ("path/to/photos", "holiday", "paintings", *classes):
        for index, pixels in enumerate(small):
            images.write(folder / name / f"{index}.jpg", pixels)
    mask = np.zeros_like(small[0])
    mask[: len(mask) // 2] = 255
    for name, pixels in (("sky", mask), ("ground", 255 - mask)):
        images.write(folder / f"{name}.png", pixels)
    with zipfile.ZipFile(folder / "train2014.zip", "w") as archive:
        for path in (folder / "holiday").iterdir():
            archive.write(path, f"train2014/{path.name}")
    for index, name in enumerate(("photo", "painting", "harbour", "img/candy", "img/photos/koala")):
        images.write(folder / f"{name}.jpg", small[index])
    text = base64.b64encode((folder / "photo.jpg").read_bytes())
    (folder / "photo.txt").write_bytes(text)
    for name in ("Anna", "Ben"):
        save_votes(folder / f"votes-{name}.json", name)
    np.savez(folder / "la_muse.npz", **networks.lengstrom())
    networks.save_v1(networks.original(), folder / "wave.ckpt-done")
    if shutil.which("ffmpeg"):
        for name in ("clip.mp4", "clip.mov"):
            clips.make(folder / name, frames=4, sound=True)
    return Desk(folder, small[0])


def save_votes(path: Path, judge: str) -> None:
    """Writes votes as a page of fastnst compare would save them."""
    content = {
        "format": votes.FORMAT,
        "page": "1",
        "models": ["candy", "mosaic"],
        "questions": [{"id": "wall", "text": "Which would you rather hang on a wall?"}],
        "photos": ["0.jpg"],
        "judges": [{"id": judge, "name": judge, "votes": {"wall": ["a"]}}],
    }
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def desk(shared_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(shared_desk.folder)
    return shared_desk


@each_page
def test_every_command_is_of_a_kind_that_is_run(page: Path) -> None:
    known = re.compile("(cat .*)?fastnst |pip |pytest$")
    assert commands(page)
    assert not [command for command in commands(page) if not known.match(command)]


def test_the_two_install_commands_are_those_that_ci_runs() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    installs = [command for command in commands(README) if command.startswith("pip install -e")]
    assert installs == ["pip install -e .", 'pip install -e ".[test]"']
    assert '-e ".[test]"' in ci
    assert "\npytest\n" in ci


def test_the_model_that_the_guides_take_for_granted_is_trained_by_the_readme() -> None:
    conf, training = DUO
    assert conf in blocks(README)
    assert set(training.commands) <= set(commands(README))


@pytest.mark.guides
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_a_page_works_from_top_to_bottom(page: Path, desk: Desk) -> None:
    for block in (*DUO, *blocks(page)):
        desk.run(block)
    for stylized in desk.folder.glob("stylized.*"):
        assert images.decode(stylized.read_bytes()).shape == desk.photo.shape


EXAMPLES = """
import json, sys

for number, text in enumerate(json.load(sys.stdin)):
    exec(compile(text, f"example {number} of docs/python.md", "exec"), {})
"""


@pytest.mark.guides
def test_the_examples_of_the_python_page_work_in_a_fresh_process(desk: Desk) -> None:
    page = blocks(ROOT / "docs" / "python.md")
    settings = '"max_steps": 2'
    texts = [block.text for block in page if block.language == "python"]
    assert any(settings in text for text in texts)
    small = [text.replace(settings, f"{settings}, **{TINY}") for text in texts]
    subprocess.run(
        [sys.executable, "-c", EXAMPLES],
        input=json.dumps(small),
        text=True,
        env=environment(),
        check=True,
    )


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_linked_exists(page: Path) -> None:
    links = re.findall(r"\]\((?!http|<)([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing
