"""The file that lies beside a set of TFRecord shards and says what is in them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from fastnst import errors, files

FILE = "manifest.json"
_FORMAT = "fastnst records 1"


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A file that is no readable photo.

    Attributes:
        file: Its name in the folder or archive.
        reason: Why it was left out, in a line.
    """

    file: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Shard:
    """A finished TFRecord file.

    Attributes:
        file: Its name.
        photos: The number of records.
        bytes: The size of the file.
        sha256: Its checksum, in hexadecimal.
        skipped: The files that belonged here but could not be read.
    """

    file: str
    photos: int
    bytes: int
    sha256: str
    skipped: tuple[Skipped, ...] = ()


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What a set of shards was made from and how far the making has come.

    Attributes:
        inputs: A checksum over the names and sizes of the photos.
        options: What else decides what the shards hold.
        complete: Whether all shards are written.
        shards: The finished ones, in order.
    """

    inputs: str
    options: dict[str, Any]
    complete: bool = False
    shards: tuple[Shard, ...] = ()

    @property
    def photos(self) -> int:
        """The number of photos in all shards."""
        return sum(shard.photos for shard in self.shards)

    @property
    def bytes(self) -> int:
        """The size of all shards."""
        return sum(shard.bytes for shard in self.shards)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """All files that could not be read, by name."""
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
    """Reads the manifest of a folder; None where it has none, or one of something else.

    Raises:
        UserError: If it is ours but damaged.
    """
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        return None
    try:
        return Manifest(
            inputs=content["inputs"],
            options=content["options"],
            complete=content["complete"],
            shards=tuple(
                Shard(**{**shard, "skipped": tuple(Skipped(**file) for file in shard["skipped"])})
                for shard in content["shards"]
            ),
        )
    except (KeyError, TypeError):
        raise errors.UserError(
            f"{folder / FILE}: damaged; delete the folder and write the records again"
        ) from None


def checksum(path: Path) -> str:
    """Computes the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_whole(shard: Shard, folder: Path) -> bool:
    """Tells whether a shard's file is there, byte for byte as it was written."""
    path = folder / shard.file
    try:
        return path.stat().st_size == shard.bytes and checksum(path) == shard.sha256
    except OSError:
        return False
