"""Downloads and unpacks Debian packages without installing them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path


def unpack(packages: Iterable[str], into: Path, deb_dir: Path | None = None) -> dict[str, Path]:
    """Unpacks packages, each into its own folder.

    Args:
        packages: Names of Debian packages.
        into: Folder to unpack them into.
        deb_dir: Folder with the .deb files; None to fetch them with `apt-get download`.

    Returns:
        The root folder of each package.

    Raises:
        FileNotFoundError: If `deb_dir` lacks a package.
        subprocess.CalledProcessError: If apt-get or dpkg-deb fails.
    """
    roots = {}
    for package in packages:
        if deb_dir is None:
            subprocess.run(["apt-get", "download", package], cwd=into, check=True)
        found = sorted((deb_dir or into).glob(f"{package}_*.deb"))
        if not found:
            raise FileNotFoundError(f"no {package}_*.deb in {deb_dir or into}")
        roots[package] = into / package
        subprocess.run(["dpkg-deb", "-x", str(found[-1]), str(roots[package])], check=True)
    return roots
