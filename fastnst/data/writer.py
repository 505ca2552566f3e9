"""Writes photos as TFRecord shards, with the keys of TF Object Detection and COCO records.

Shards turn many small files into a few large ones that are read sequentially. Every photo is
verified before training, and the manifest has a checksum of each shard. Shards are written
atomically, so an interrupted run resumes with the first unfinished one. The same photos and options
always give the same shards, whatever the number of workers.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import hashlib
import io
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PIL import Image

from fastnst import errors, events, files, formats, images, locks
from fastnst.data import listing, manifest

if TYPE_CHECKING:
    import tensorflow as tf

PHOTOS_PER_SHARD = 1024
_QUALITY = 92
_MAX_SHARDS = 128
_ORIENTATION_TAG = 0x0112

_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclasses.dataclass(frozen=True)
class Photo:
    """A photo, prepared for a record.

    Attributes:
        encoded: An upright RGB or grayscale JPEG.
        height: Height in pixels.
        width: Width in pixels.
    """

    encoded: bytes
    height: int
    width: int


@dataclasses.dataclass(frozen=True)
class Content:
    """What shards hold.

    Attributes:
        prefix: How the names of the shards begin.
        prepare: Converts an image file, as `prepare` does. Raises UserError if it is left out.
        example: Returns the record of what `prepare` returns, and its name.
        facts: What else decides the content, for the manifest.
    """

    prefix: str
    prepare: Callable[[bytes, str, int | None, int | None], Any]
    example: Callable[[str, Any], tf.train.Example]
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)


def prepare(
    data: bytes,
    name: str = "image",
    max_side: int | None = None,
    max_pixels: int | None = None,
) -> Photo:
    """Converts an image file to an upright JPEG; the bytes of a suitable JPEG are kept.

    Args:
        data: The content of the file, of any format and color mode.
        name: Name of the file in error messages.
        max_side: Limit of the longer side in pixels; None for no limit.
        max_pixels: The most pixels that it may have; None for `formats.MAX_PIXELS`.

    Raises:
        UserError: If the data are not an image, damaged, or have too many pixels.
    """
    image = formats.open_image(io.BytesIO(data), name, max_pixels=max_pixels)
    # Damaged files make Pillow raise exceptions of many types; decoding, below, reports the reason.
    with contextlib.suppress(Exception):
        width, height = image.size
        if (
            image.format == "JPEG"
            and image.mode in ("RGB", "L")
            and image.getexif().get(_ORIENTATION_TAG, 1) == 1
            and (max_side is None or max(height, width) <= max_side)
        ):
            # Decoding at an eighth of the size is faster and still detects damage anywhere.
            image.draft(image.mode, (width // 8, height // 8))
            image.load()
            return Photo(data, height, width)
    decoded = images.flattened(images.decode_picture(data, name, max_pixels))
    picture = Image.fromarray(decoded)
    if max_side is not None:
        picture.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    try:
        picture.save(buffer, "JPEG", quality=_QUALITY)
    except (OSError, ValueError) as error:
        raise errors.UserError(f"{name}: too large for a JPEG ({error})") from None
    return Photo(buffer.getvalue(), picture.height, picture.width)


def write(
    source: Path,
    out: Path,
    *,
    shards: int | None = None,
    workers: int | None = None,
    max_side: int | None = None,
    max_pixels: int | None = None,
    content: Content | None = None,
    on_event: events.Action = lambda event: None,
) -> manifest.Manifest:
    """Writes all photos of a folder or a zip archive as TFRecord shards with a manifest.

    Photo i in the order of names goes into shard i modulo the number of shards, so that each shard
    holds photos from the whole collection. Unreadable files are skipped and listed in the manifest.

    Args:
        source: A folder, searched recursively, or a zip archive.
        out: Output folder of manifest.json and the shards, `photos-00000-of-00004.tfrecord` ...
        shards: Number of files; None for one per 1,024 photos, at most 128.
        workers: Number of decoding threads; None for one per CPU.
        max_side: Limit of the longer side in pixels, to which larger photos are shrunk; None for
            no limit.
        max_pixels: The most pixels that a photo may have; None for `formats.MAX_PIXELS`.
        content: What to write; None for photos as JPEGs.
        on_event: Receives events whose steps are photos.

    Returns:
        The manifest, which lists the shards and the skipped files.

    Raises:
        UserError: If there is nothing to read, no space or permission to write, or `out` holds
            other records, or another process writes to it.
    """
    content = content or Content("photos", prepare, example)
    photos = listing.photos(source)
    names = list(photos.sizes)
    count = min(len(names), shards or min(_MAX_SHARDS, -(-len(names) // PHOTOS_PER_SHARD)))
    options = {"shards": count, "max_side": max_side, "quality": _QUALITY, **content.facts}
    workers = workers or os.cpu_count() or 1
    load = functools.partial(_load, photos.read, content.prepare, max_side, max_pixels)
    seen, began = 0, time.perf_counter()
    on_event(events.Started(0, len(names), items="photos"))

    def tick(photos_done: int) -> None:
        nonlocal seen
        seen += photos_done
        rate = seen / max(time.perf_counter() - began, 1e-9)
        on_event(events.Step(seen, len(names), rate))

    # Held until this function returns.
    _lock = locks.hold_if_possible(out)
    with _write_errors(out), futures.ThreadPoolExecutor(workers) as pool:
        state = _begin(out, manifest.Manifest(_fingerprint(photos.sizes), options))
        finished = {shard.file: shard for shard in state.shards}
        if max_side is None:
            _check_room(out, sum(photos.sizes.values()) - state.bytes)
        for index in range(count):
            file = f"{content.prefix}-{index:05d}-of-{count:05d}.tfrecord"
            part = names[index::count]
            if file in finished:
                tick(len(part))
                continue
            results = zip(part, _map_ahead(pool, load, part, 4 * workers), strict=True)
            finished[file] = _write_shard(out / file, results, content.example, tick)
            shards_in_order = tuple(finished[name] for name in sorted(finished))
            state = dataclasses.replace(state, shards=shards_in_order)
            manifest.save(state, out)
        if not state.photos:
            _remove(out, state)
            raise errors.UserError(
                f"{source}: none of its {len(names)} photos can be read; "
                f"first error: {state.skipped[0].reason}"
            )
        state = dataclasses.replace(state, complete=True)
        manifest.save(state, out)
    if photos.left_out:
        on_event(events.Skipped(f"{source}: {photos.left_out}"))
    for skipped in state.skipped:
        on_event(events.Skipped(skipped.reason))
    on_event(events.Finished(seen, len(names)))
    return state


def _load(
    read: Callable[[str], bytes],
    prepared: Callable[[bytes, str, int | None, int | None], Any],
    max_side: int | None,
    max_pixels: int | None,
    name: str,
) -> Any:
    """Returns the prepared photo with a name, or an error message if it cannot be read."""
    try:
        return prepared(read(name), name, max_side, max_pixels)
    except errors.UserError as error:
        return str(error)
    except MemoryError:
        return f"{name}: does not fit into memory; use fewer --workers"


def _map_ahead(
    pool: futures.Executor, function: Callable[[_In], _Out], items: Iterable[_In], ahead: int
) -> Iterator[_Out]:
    """Maps in parallel and in order, at most `ahead` items ahead of the consumer."""
    pending: collections.deque[futures.Future[_Out]] = collections.deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _write_shard(
    path: Path,
    results: Iterable[tuple[str, Any]],
    make_example: Callable[[str, Any], tf.train.Example],
    tick: Callable[[int], None],
) -> manifest.Shard:
    # Imported here, so that --help and errors in the options appear immediately.
    import tensorflow as tf

    skipped: list[manifest.Skipped] = []
    count = 0
    try:
        with files.staging(path.parent) as staged:
            partial = staged / path.name
            with tf.io.TFRecordWriter(str(partial)) as writer:
                for name, photo in results:
                    if isinstance(photo, str):
                        skipped.append(manifest.Skipped(name, photo))
                    else:
                        record = make_example(name, photo)
                        writer.write(record.SerializeToString(deterministic=True))
                        count += 1
                    tick(1)
            size, sha256 = partial.stat().st_size, manifest.checksum(partial)
    except tf.errors.OpError as error:
        raise OSError(None, error.message) from None
    return manifest.Shard(path.name, count, size, sha256, tuple(skipped))


def record(name: str, data: bytes) -> bytes:
    """Returns the serialized record of an image file.

    Raises:
        UserError: If it is not an image, or damaged.
    """
    serialized: bytes = example(name, prepare(data, name)).SerializeToString()
    return serialized


def example(name: str, photo: Photo) -> tf.train.Example:
    """Returns the record of a photo."""
    import tensorflow as tf

    # File names need not be valid Unicode.
    encoded_name = os.fsencode(name)
    feature = {
        "image/encoded": text(photo.encoded),
        "image/format": text(b"jpeg"),
        "image/height": number(photo.height),
        "image/width": number(photo.width),
        "image/filename": text(encoded_name),
        "image/source_id": text(os.path.splitext(os.path.basename(encoded_name))[0]),
        "image/key/sha256": text(hashlib.sha256(photo.encoded).hexdigest().encode()),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature))


def text(value: bytes) -> tf.train.Feature:
    """Returns a feature that holds a byte string."""
    import tensorflow as tf

    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def number(value: int) -> tf.train.Feature:
    """Returns a feature that holds an integer."""
    import tensorflow as tf

    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def _fingerprint(sizes: dict[str, int]) -> str:
    digest = hashlib.sha256()
    for name, size in sizes.items():
        digest.update(os.fsencode(f"{name}\0{size}\n"))
    return digest.hexdigest()


def _begin(out: Path, wanted: manifest.Manifest) -> manifest.Manifest:
    """Returns the manifest of an interrupted run, or creates the folder and a new manifest.

    Raises:
        UserError: If the folder holds other records.
    """
    out.mkdir(parents=True, exist_ok=True)
    state = manifest.load(out)
    if state is None:
        if any(out.glob("*.tfrecord")) or (out / manifest.FILE).exists():
            raise errors.UserError(
                f"{out}: contains records or a {manifest.FILE} that this command did not write; "
                "choose a new folder with --out"
            )
        manifest.save(wanted, out)
        return wanted
    if (state.inputs, state.options) != (wanted.inputs, wanted.options):
        raise errors.UserError(
            f"{out}: contains records of other photos or options; "
            "choose a new folder with --out, or delete this one first"
        )
    whole = tuple(shard for shard in state.shards if manifest.is_whole(shard, out))
    state = dataclasses.replace(state, shards=whole, complete=False)
    manifest.save(state, out)
    return state


def _check_room(out: Path, needed: int) -> None:
    free = shutil.disk_usage(out).free
    if needed > free:
        raise errors.UserError(
            f"{out}: needs about {needed / 1e6:,.0f} MB but only {free / 1e6:,.0f} MB are free; "
            "choose another disk with --out, or shrink the photos with --max-side"
        )


def _remove(out: Path, state: manifest.Manifest) -> None:
    for file in (manifest.FILE, *(shard.file for shard in state.shards)):
        (out / file).unlink(missing_ok=True)


@contextlib.contextmanager
def _write_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise errors.UserError(f"{out}: cannot be written ({error.strerror})") from None
