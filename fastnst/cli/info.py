"""`fastnst info`: what is installed, and what this machine can do."""

from __future__ import annotations

import argparse
import collections.abc
import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
from typing import Any

import fastnst
from fastnst.cli import options, terminal

_PACKAGES = ("tensorflow", "numpy", "pillow")
# Extras for those who work on fastnst itself.
_FOR_DEVELOPERS = ("test", "bench")


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Show versions, the device, models, and packages that some commands need. "
        "Paste it into bug reports.",
    )
    options.add_output(parser, as_json=True)
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "fastnst info") -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace) -> int:
    found = _gather()
    if arguments.json:
        terminal.show(json.dumps(found))
        return terminal.DONE
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    models = [
        name if len(styles) == 1 else f"{name} ({len(styles)} styles)"
        for name, styles in found["models"].items()
    ]
    lines = {
        "versions": versions,
        "system": found["system"],
        "device": f"{found['device']}, {found['memory_gib']:.1f} GiB of free memory",
        "precision": f"{found['precision']} (--precision auto)",
        "models": ", ".join(models) or "none",
        "ffmpeg": found["ffmpeg"] or "missing, which fastnst video needs",
        "extras": ", ".join(found["extras"]["installed"]) or "none",
    }
    for name, text in lines.items():
        terminal.show(f"{name:<11}{text}")
    for name, packages in found["extras"]["missing"].items():
        line = f'{" and ".join(packages)} missing; pip install "fastnst[{name}]"'
        terminal.show(f"{'':<11}{name}: {line}")
    return terminal.DONE


def _gather() -> dict[str, Any]:
    """Returns all facts, for JSON."""
    terminal.import_tensorflow()
    from fastnst import devices, memory
    from fastnst.models import store

    versions = {name: _version(name) for name in _PACKAGES}
    return {
        "versions": {
            "fastnst": fastnst.__version__,
            "python": platform.python_version(),
            **versions,
        },
        "system": platform.platform(),
        "device": devices.describe(),
        "memory_gib": memory.available() / 2**30,
        "precision": devices.compute_dtype("auto").name,
        "models": {name: list(store.style_names(path)) for name, path in store.available().items()},
        "ffmpeg": _ffmpeg(),
        "extras": _extras(),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _extras() -> dict[str, Any]:
    """Returns the extras whose packages are installed, and the packages that others lack."""
    try:
        about = importlib.metadata.metadata("fastnst")
        requirements = importlib.metadata.requires("fastnst") or []
    except importlib.metadata.PackageNotFoundError:
        # A clone that is not installed.
        return {"installed": [], "missing": {}}
    missing: dict[str, list[str]] = {}
    installed = []
    for extra in about.get_all("Provides-Extra") or []:
        if extra in _FOR_DEVELOPERS:
            continue
        needed = [
            re.split(r"[\[<>=~! ;]", requirement)[0]
            for requirement in requirements
            if re.search(rf"""extra == ['"]{re.escape(extra)}['"]""", requirement)
        ]
        if lacking := [name for name in needed if _version(name) is None]:
            missing[extra] = lacking
        else:
            installed.append(extra)
    return {"installed": installed, "missing": missing}


def _ffmpeg() -> str | None:
    """Returns the first line of ffmpeg's version; None if it is missing."""
    path = shutil.which("ffmpeg")
    if path is None:
        return None
    run = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)
    found = re.match(r"ffmpeg version (\S+)", run.stdout)
    return found[1] if found else path
