"""The wheel, built from this tree and used without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import fastnst

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("fastnst", "conf", "img", "pretrained", "setup.cfg", "pyproject.toml", "README.md")
ASSETS = (
    *("conf/*.yml", "img/*.jpg", "img/photos/*", "img/bundled/*"),
    *("pretrained/*.ckpt.*", "pretrained/*/*.json", "pretrained/*/*.ckpt.*"),
)

pytestmark = pytest.mark.wheel


def run(*command: object, cwd: Path) -> str:
    """Runs a command without the clone in sight; returns its standard output."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    finished = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # A copy, because building leaves folders behind.
    folder = tmp_path_factory.mktemp("wheel")
    for name in (*SOURCES, "LICENSE"):
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / "source" / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / "source" / name)
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps")
    run(*pip, "--wheel-dir", folder, folder / "source", cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The scripts of an environment that has the wheel and the dependencies installed here."""
    environment = wheel.parent / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=wheel.parent)
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    pip = (sys.executable, "-m", "pip", "--python", scripts / "python")
    run(*pip, "install", "--quiet", "--no-deps", wheel, cwd=wheel.parent)
    (packages,) = environment.rglob("site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return scripts


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with one photo in it."""
    shutil.copy(ROOT / "img" / "photos" / "koala.jpg", tmp_path / "photo.jpg")
    return tmp_path


def test_the_wheel_holds_the_assets_and_no_picture_of_the_documentation(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assets: set[str] = set()
    for pattern in ASSETS:
        found = (path for path in ROOT.glob(pattern) if path.is_file())
        assets |= {f"fastnst/assets/{path.relative_to(ROOT).as_posix()}" for path in found}
    assert len(assets) > 60
    assert assets <= names
    assert "fastnst/reports/page.html" in names
    page = ROOT / "fastnst" / "export" / "page"
    assert {path.relative_to(ROOT).as_posix() for path in page.rglob("*.*")} <= names
    documentation = ("img/guide", "img/readme", "/samples/")
    assert not [name for name in names if any(part in name for part in documentation)]
    assert {name.split("/")[0] for name in names} == {
        "fastnst",
        f"fastnst-{fastnst.__version__}.dist-info",
    }
    assert wheel.stat().st_size < 60e6


def test_the_package_runs_from_the_wheel_and_not_from_the_clone(
    installed: Path, here: Path
) -> None:
    program = "import fastnst; from fastnst import files; print(files.asset('conf'))"
    conf = Path(run(installed / "python", "-c", program, cwd=here).strip())
    assert conf.is_relative_to(installed.parent)
    assert (conf / "candy.yml").is_file()


def test_a_shipped_model_stylizes_and_is_listed(installed: Path, here: Path) -> None:
    assert "candy" in run(installed / "fastnst", "eval", "--model", "list", cwd=here)
    run(installed / "fastnst", "eval", "--model", "candy", "photo.jpg", "--size", 64, cwd=here)
    assert [path.name for path in (here / "generated").iterdir()] == ["photo-candy.jpg"]


def test_a_shipped_conf_trains_into_the_working_directory(installed: Path, here: Path) -> None:
    options = ("--quick", "--steps", 2, "--set", "image_size=64")
    run(installed / "fastnst", "train", "-c", "candy", *options, cwd=here)
    assert [path.name for path in (here / "models").iterdir()] == ["candy-quick"]
    assert (here / "models" / "candy-quick" / "report.html").is_file()


def test_a_shipped_style_image_is_found_by_its_name(installed: Path, here: Path) -> None:
    options = ("--style", "candy.jpg", "--size", 32, "--steps", 1, "-o", "out.jpg")
    run(installed / "fastnst", "optimize", "photo.jpg", *options, cwd=here)
    assert (here / "out.jpg").is_file()


def test_a_program_loads_a_shipped_model_by_its_name(installed: Path, here: Path) -> None:
    program = (
        "import fastnst, numpy;"
        "photo = numpy.zeros((40, 50, 3), numpy.uint8);"
        "print(fastnst.load('candy')(photo).shape)"
    )
    assert run(installed / "python", "-c", program, cwd=here).strip() == "(40, 50, 3)"
