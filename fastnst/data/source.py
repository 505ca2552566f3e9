"""Finds the training photos: a folder of image files, or TFRecord files."""

from __future__ import annotations

import dataclasses
import glob
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from concurrent import futures
from pathlib import Path
from typing import Literal

from fastnst import errors, files, formats, formatting, images, photo_files
from fastnst.data import manifest, schemas, tfrecord

BUNDLED = "bundled"
_RECORDS = re.compile(r"\.(tfrecords?|records?|tfrec)(-\d+-of-\d+)?$")


@dataclasses.dataclass(frozen=True)
class PhotoSource:
    """Photos to train on.

    Attributes:
        root: The folder of the photos, or the glob pattern that matched them.
        kind: Whether `files` are photos or TFRecord files.
        files: Sorted paths.
        count: Number of photos.
        counts: Number of records in each of `files`; empty for a folder of photos.
        bytes: Total size of the record files; 0 for a folder of photos.
        schema: How the records store their photos; None for a folder.
        upright_jpegs: Whether all photos are known to be upright grayscale or RGB JPEGs.
        left_out: How many other files a folder of photos holds, and the names of some.
        max_pixels: The most pixels of a photo to decode.
    """

    root: str
    kind: Literal["folder", "records"]
    files: tuple[str, ...]
    count: int
    counts: tuple[int, ...] = ()
    bytes: int = 0
    schema: schemas.Schema | None = None
    upright_jpegs: bool = False
    left_out: str = ""
    max_pixels: int = formats.MAX_PIXELS

    @property
    def description(self) -> str:
        """One line for the log."""
        photos = formatting.count(self.count, "photo")
        if self.kind == "folder":
            others = f"; {self.left_out}" if self.left_out else ""
            return f"{photos} in {self.root}{others}"
        return f"{photos} in {formatting.count(len(self.files), 'TFRecord file')} of {self.root}"


def open_photos(spec: str, *, max_pixels: int | None = None) -> PhotoSource:
    """Finds the photos of the conf key `dataset` and checks that they are readable.

    Args:
        spec: `bundled` for the photos that come with the program; a folder of photos, searched
            recursively; or a path, glob or folder of TFRecord files.
        max_pixels: The most pixels of a photo; larger ones are skipped. None for
            `formats.MAX_PIXELS`.

    Raises:
        UserError: If nothing is found, nothing is readable, or the records hold no photos.
    """
    try:
        root, found, left_out = _find(spec)
    except OSError as error:
        raise errors.UserError(f"{spec}: cannot be read ({error.strerror})") from None
    records = [file for file in found if not photo_files.is_photo(file)]
    if len(records) == len(found):
        source = _open_records(root, records)
    elif records:
        raise errors.UserError(
            f"{root}: matches photos and other files, such as {records[0]}; "
            "narrow the pattern to either photos or records"
        )
    else:
        paths = tuple(map(str, found))
        source = PhotoSource(root, "folder", paths, len(found), left_out=left_out)
    if max_pixels is not None:
        source = dataclasses.replace(source, max_pixels=max_pixels)
    check_readable(source)
    return source


def is_records(name: str) -> bool:
    """Returns whether the name of a file is that of TFRecords."""
    return _RECORDS.search(name) is not None


def _find(spec: str) -> tuple[str, list[Path], str]:
    """Resolves a spec to its root, its files, either photos or records, and what is left out."""
    if spec == BUNDLED:
        path = files.asset("img/bundled")
        if not path.is_dir():
            raise errors.UserError(
                f"dataset {BUNDLED}: {path} is missing; install fastnst again, or name a folder of "
                "photos"
            )
    else:
        path = files.expand_user(spec)
    kind = files.kind(path)
    if kind == "folder":
        return str(path), *_in_folder(path)
    if path.suffix.lower() == ".zip" and kind == "file":
        raise errors.UserError(
            f"{path}: zip archives cannot be read directly; convert it to records first: "
            f"fastnst records --images {shlex.quote(str(path))} "
            f"--out {shlex.quote(str(path.with_suffix('')))}"
        )
    if kind == "file":
        return str(path), [path], ""
    if any(sign in spec for sign in "*?["):
        matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
        found = [match for match in matches if match.is_file()]
        if not found:
            raise errors.UserError(f"{spec}: no file matches; check the folder and pattern")
        return spec, found, ""
    raise errors.UserError(_missing(spec, path))


def _in_folder(folder: Path) -> tuple[list[Path], str]:
    """Returns a folder's record files, else the photos below it, else the record files below.

    Beside photos, also what else there is, as in `photo_files.Found.left_out`.
    """
    made = manifest.load(folder)
    if made is not None:
        # Without shards, writing has only begun: `_made_by_us` reports that from the manifest.
        shards = [folder / shard.file for shard in made.shards]
        return shards or [folder / manifest.FILE], ""
    found = photo_files.find(folder)
    records = [name for name in found.others if is_records(name)]
    top = [name for name in records if "/" not in name]
    chosen = top or found.photos or records
    if not chosen:
        raise errors.UserError(
            f"{folder}: contains no photo ({formats.NAMES}) and no TFRecord file (.tfrecord "
            ".record .tfrec); name another folder"
        )
    left_out = found.left_out() if chosen == found.photos else ""
    return [folder / name for name in chosen], left_out


def _missing(spec: str, path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f"{spec}: no such file or folder; {parent} does not exist either"
    candidates = {entry.name: str(entry) for entry in parent.iterdir()}
    if spec == path.name:
        candidates[BUNDLED] = BUNDLED
    hint = errors.did_you_mean(path.name, candidates, candidates) or f"; name one, or '{BUNDLED}'"
    return f"{spec}: no such file or folder{hint}"


def _open_records(root: str, paths: Sequence[Path]) -> PhotoSource:
    made = _made_by_us(paths)
    with futures.ThreadPoolExecutor() as pool:
        counts = dict(zip(paths, pool.map(lambda path: _count(path, made), paths), strict=True))
    filled = {path: count for path, count in counts.items() if count}
    if not filled:
        none_in = formatting.count(len(counts), "TFRecord file")
        raise errors.UserError(f"{root}: no records in {none_in}; name other files")
    found = {path: schemas.detect(path) for path in filled}
    one, schema = next(iter(found.items()))
    for other, its_schema in found.items():
        if (its_schema.image, its_schema.shape) != (schema.image, schema.shape):
            raise errors.UserError(
                f"{root}: {one} and {other} store their photos under different keys; "
                "name files with the same keys"
            )
    return PhotoSource(
        root=root,
        kind="records",
        files=tuple(map(str, filled)),
        count=sum(filled.values()),
        counts=tuple(filled.values()),
        bytes=sum(path.stat().st_size for path in filled),
        schema=schema,
        upright_jpegs=all(path in made for path in filled),
    )


def _made_by_us(paths: Sequence[Path]) -> dict[Path, manifest.Shard]:
    """Returns the manifest entries of the record files that fastnst wrote, by path.

    Raises:
        UserError: If writing the records was not finished.
    """
    shards: dict[Path, manifest.Shard] = {}
    for folder in {path.parent for path in paths}:
        made = manifest.load(folder)
        if made is not None and not made.complete:
            raise errors.UserError(
                f"{folder}: its records are incomplete; "
                "run the same fastnst records command again to finish them"
            )
        if made is not None:
            shards |= {folder / shard.file: shard for shard in made.shards}
    return shards


def _count(path: Path, made: Mapping[Path, manifest.Shard]) -> int:
    """Counts the records of a file, from its manifest if there is one.

    Raises:
        UserError: If it is not a TFRecord file, or does not match its manifest.
    """
    if path not in made:
        return tfrecord.count(path)
    if not path.is_file() or path.stat().st_size != made[path].bytes:
        raise errors.UserError(
            f"{path}: missing, or of another size than in {manifest.FILE}; "
            "copy it again, or write the records again"
        )
    return made[path].photos


def check_readable(source: PhotoSource) -> None:
    """Checks that at least one photo can be decoded.

    Raises:
        UserError: If none can.
    """
    first = ""
    for fault in _faults(source):
        if not fault:
            return
        first = first or fault
    raise errors.UserError(
        f"{source.root}: none of its {source.count:,} photos can be read; first error: {first}"
    )


def _faults(source: PhotoSource) -> Iterator[str]:
    """Yields an error message for each photo, "" if the photo is readable."""
    for file in source.files:
        try:
            if source.schema is None:
                yield _fault(file, images.read_bytes(file), source.max_pixels)
                continue
            for payload in tfrecord.payloads(Path(file)):
                if source.schema.shape is None:
                    encoded = schemas.encoded(payload, source.schema)
                    yield _fault(file, encoded, source.max_pixels)
                elif schemas.has_pixels(payload, source.schema):
                    yield ""
                else:
                    yield f"{file}: a record does not hold the pixels that its shape tells"
        except errors.UserError as error:
            yield str(error)


def _fault(name: str, data: bytes, max_pixels: int) -> str:
    try:
        images.decode_picture(data, name, max_pixels)
    except errors.UserError as error:
        return str(error)
    return ""
