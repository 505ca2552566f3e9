"""The manifest of a set of TFRecord shards, a JSON file in the same folder."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from fastnst import errors, files

FILE = "manifest.json"
_FORMAT = "fastnst records 1"
_LARGEST = 2**63 - 1


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A file that was skipped because it is not a readable photo.

    Attributes:
        file: Its name in the folder or archive.
        reason: Why it was skipped, in one line.
    """

    file: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Shard:
    """A finished TFRecord file.

    Attributes:
        file: Name of the file.
        photos: Number of records.
        bytes: Size of the file.
        sha256: Checksum of the file, in hexadecimal.
        skipped: The photos of this shard that could not be read.
    """

    file: str
    photos: int
    bytes: int
    sha256: str
    skipped: tuple[Skipped, ...] = ()


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The inputs and the progress of a set of shards.

    Attributes:
        inputs: Checksum over the names and sizes of the photos.
        options: The options that determine the content of the shards.
        complete: Whether all shards are written.
        shards: The finished shards, in order.
    """

    inputs: str
    options: dict[str, Any]
    complete: bool = False
    shards: tuple[Shard, ...] = ()

    @property
    def photos(self) -> int:
        """Number of photos in all shards."""
        return sum(shard.photos for shard in self.shards)

    @property
    def bytes(self) -> int:
        """Size of all shards."""
        return sum(shard.bytes for shard in self.shards)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """All files that could not be read, sorted by name."""
        found = (file for shard in self.shards for file in shard.skipped)
        return tuple(sorted(found, key=lambda skipped: skipped.file))


def save(manifest: Manifest, folder: Path) -> None:
    """Writes the manifest of a folder atomically.

    Raises:
        UserError: If it cannot be written.
    """
    text = json.dumps(
        {"format": _FORMAT, "photos": manifest.photos, **dataclasses.asdict(manifest)}, indent=1
    )
    files.write(folder / FILE, text + "\n")


def load(folder: Path) -> Manifest | None:
    """Reads the manifest of a folder; returns None if it has none, or that of another program.

    Raises:
        UserError: If fastnst wrote the manifest, but it is damaged.
    """
    try:
        content = json.loads(files.read(folder / FILE))
    # Deeply nested lists raise a RecursionError.
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        return None
    try:
        return Manifest(
            inputs=content["inputs"],
            options=content["options"],
            complete=content["complete"],
            shards=tuple(map(_shard, content["shards"])),
        )
    except (KeyError, TypeError, ValueError):
        raise errors.UserError(
            f"{folder / FILE}: damaged; delete the folder and write the records again"
        ) from None


def _shard(entry: dict[str, Any]) -> Shard:
    """Reads a shard; raises a ValueError, KeyError or TypeError if it is damaged."""
    skipped = tuple(Skipped(str(file["file"]), str(file["reason"])) for file in entry["skipped"])
    shard = Shard(**{**entry, "skipped": skipped})
    counts = (shard.photos, shard.bytes)
    if not all(type(count) is int and 0 <= count <= _LARGEST for count in counts):
        raise ValueError("counts")
    # A path would lead out of the folder.
    if not isinstance(shard.file, str) or Path(shard.file).name != shard.file:
        raise ValueError("no name of a file")
    return shard


def checksum(path: Path) -> str:
    """Computes the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with files.opened(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_whole(shard: Shard, folder: Path) -> bool:
    """Returns whether a shard's file exists and is unchanged, byte for byte."""
    path = folder / shard.file
    try:
        return path.stat().st_size == shard.bytes and checksum(path) == shard.sha256
    except OSError:
        return False
