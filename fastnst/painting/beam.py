"""Stylizes photos on many machines: an Apache Beam pipeline, for any of Beam's runners."""

from __future__ import annotations

import collections.abc
import os
import re
from typing import Any

import apache_beam as beam
from apache_beam.io import fileio, filesystems
from apache_beam.utils import shared

from fastnst import errors, files
from fastnst.models import loading
from fastnst.painting import photos

PAINTED, SKIPPED = "painted", "skipped"
# Where the names and faults of skipped photos are written, below the output.
REPORT = "skipped.txt"
_WILDCARD = re.compile(r"[*?\[]")
# Bytes of the name of a file or folder that all file systems allow, without an added extension.
_LONGEST_NAME = 250
# Bytes of a path below the output; Linux allows 4,096 in all.
_LONGEST_PATH = 2_000


class Paint(beam.DoFn):
    """Stylizes (name, image file); photos that cannot be stylized go to the output `SKIPPED`."""

    def __init__(self, model: str, *, to_files: bool = False, **options: Any) -> None:
        """Loads nothing yet: it is sent to the machines that stylize.

        Args:
            model: Name or path of the model, which all machines must have.
            to_files: Whether the photos will be written as files; those whose names are no paths
                are skipped.
            **options: As in `photos.paint_bytes`.
        """
        self._model, self._to_files, self._options = model, to_files, options
        self._handle = shared.Shared()
        self._counts = {
            name: beam.metrics.Metrics.counter("fastnst", name) for name in (PAINTED, SKIPPED)
        }

    def setup(self) -> None:
        """Loads the model, once for all threads of a process; Beam calls it."""
        self._stylizer = self._handle.acquire(lambda: loading.load(self._model))

    def process(
        self, photo: tuple[str, bytes]
    ) -> collections.abc.Iterator[tuple[str, bytes] | beam.pvalue.TaggedOutput]:
        """Stylizes one photo; Beam calls it."""
        name, data = photo
        try:
            if self._to_files:
                place(name)
            result = photos.paint_bytes(self._stylizer, data, name, **self._options)
        except (errors.UserError, MemoryError) as error:
            self._counts[SKIPPED].inc()
            reason = str(error) or f"{name}: needs more memory than there is"
            yield beam.pvalue.TaggedOutput(SKIPPED, reason)
        else:
            self._counts[PAINTED].inc()
            yield name, result


def image_files(pipeline: beam.Pipeline, pattern: str) -> beam.PCollection:
    """Reads the image files that match a pattern, as (name below the pattern's folder, content)."""
    folder = folder_of(pattern)

    def read(file: fileio.ReadableFile) -> tuple[str, bytes]:
        return file.metadata.path.removeprefix(folder).lstrip("/"), file.read()

    matched = pipeline | "find" >> fileio.MatchFiles(pattern)
    # Spread over the machines before they are read.
    return matched | beam.Reshuffle() | fileio.ReadMatches() | "read" >> beam.Map(read)


def records(
    pipeline: beam.Pipeline,
    pattern: str,
    parse: collections.abc.Callable[[bytes], tuple[str, bytes]],
) -> beam.PCollection:
    """Reads the TFRecord files that match a pattern.

    Args:
        pipeline: The pipeline.
        pattern: Path or pattern.
        parse: Returns the name and the image file in a serialized record.
    """
    payloads = pipeline | "read" >> beam.io.ReadFromTFRecord(pattern)
    return payloads | beam.Reshuffle() | "parse" >> beam.Map(parse)


def stylize(pictures: beam.PCollection, output: str, painter: Paint) -> beam.PCollection:
    """Stylizes photos, and writes a list of those that were skipped.

    Args:
        pictures: Pairs of name and image file.
        output: Folder for the list.
        painter: Stylizes them.

    Returns:
        Pairs of name and stylized image file.
    """
    results = pictures | "stylize" >> beam.ParDo(painter).with_outputs(SKIPPED, main=PAINTED)
    results[SKIPPED] | "report" >> beam.io.WriteToText(
        filesystems.FileSystems.join(output, REPORT), num_shards=1, shard_name_template=""
    )
    return results[PAINTED]


def place(name: str) -> list[str]:
    """Returns the folders and the name of a photo's file below the output.

    Names come from records of strangers. What leads out of the output is left out of them: a
    leading slash, and "..".

    Raises:
        UserError: If there can be no file of that name.
    """
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    lengths = [len(os.fsencode(part)) for part in parts]
    if not parts:
        raise errors.UserError(f"{name!r}: is no name of a file; use --to records")
    if max(lengths) > _LONGEST_NAME or sum(lengths) > _LONGEST_PATH:
        raise errors.UserError(f"{name[:40]!r}...: too long for the name of a file")
    if "\0" in name:
        raise errors.UserError(f"{name!r}: no possible name of a file (embedded null byte)")
    return parts


def write_files(pictures: beam.PCollection, output: str) -> None:
    """Writes (name, image file) below a folder; the extension tells JPEG from PNG.

    The names must be such that `place` accepts them.
    """

    def write(name: str, data: bytes) -> None:
        *folders, name = place(name)
        suffixes = (".jpg", ".jpeg") if data.startswith(b"\xff\xd8") else (".png",)
        if not name.lower().endswith(suffixes):
            name += suffixes[0]
        path = filesystems.FileSystems.join(output, *folders, name)
        if "://" not in path:
            files.write(path, data)
            return
        # What is stored in the cloud appears whole or not at all.
        with filesystems.FileSystems.create(path) as file:
            file.write(data)

    pictures | "write" >> beam.MapTuple(write)


def write_records(
    pictures: beam.PCollection,
    output: str,
    serialize: collections.abc.Callable[[str, bytes], bytes],
) -> None:
    """Writes (name, image file) as TFRecord files below a folder.

    Args:
        pictures: The stylized photos.
        output: The folder.
        serialize: Returns the record of a name and an image file.
    """
    (
        pictures
        | "serialize" >> beam.MapTuple(serialize)
        | "write"
        >> beam.io.WriteToTFRecord(
            filesystems.FileSystems.join(output, "stylized"), file_name_suffix=".tfrecord"
        )
    )


def count(result: beam.runners.runner.PipelineResult, name: str) -> int:
    """Returns how many photos were `PAINTED` or `SKIPPED` in a finished pipeline."""
    chosen = beam.metrics.MetricsFilter().with_namespace("fastnst").with_name(name)
    return sum(counter.result for counter in result.metrics().query(chosen)["counters"])


def skipped(output: str) -> list[str]:
    """Returns the lines on skipped photos that a pipeline has written below a folder."""
    with filesystems.FileSystems.open(filesystems.FileSystems.join(output, REPORT)) as file:
        text: str = file.read().decode("utf-8", "replace")
    return text.splitlines()


def folder_of(pattern: str) -> str:
    """Returns the folder of all files that match a pattern: what precedes its first wildcard."""
    found = _WILDCARD.search(pattern)
    fixed = pattern[: found.start()] if found else pattern
    return fixed[: max(fixed.rfind("/"), fixed.rfind(os.sep)) + 1]
