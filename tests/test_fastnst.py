"""The package itself: its version, and that importing it costs nothing."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

import fastnst

ROOT = Path(__file__).resolve().parent.parent


def test_the_version_is_the_one_that_is_installed() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["metadata"]["version"] == "attr: fastnst.version.VERSION"
    assert re.fullmatch(r"\d+\.\d+\.\d+", fastnst.__version__)


def test_importing_it_imports_nothing_else() -> None:
    program = "import fastnst, sys; print(*sys.modules)"
    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = {name.split(".")[0] for name in finished.stdout.split()}
    assert not imported & {"tensorflow", "numpy", "PIL", "yaml"}


def test_a_folder_that_happens_to_have_its_name_does_not_hide_it(tmp_path: Path) -> None:
    """Python is often started beside the clone, which is called fastnst too."""
    (tmp_path / "fastnst" / "fastnst").mkdir(parents=True)
    program = "import fastnst; print(fastnst.__version__)"
    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == fastnst.__version__
