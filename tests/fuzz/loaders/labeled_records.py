"""Labeled TFRecords, in both schemas."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from fastnst import errors, images
from fastnst.data import inspection, labeled_records, labeled_writer
from tests.data import labels_made


@functools.cache
def seeds() -> dict[str, bytes]:
    """A shard of each schema."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        source = labels_made.write_folders(Path(folder, "in"), *labels_made.bars(4, 8, 3))
        for schema in labeled_writer.SCHEMAS:
            out = Path(folder, schema)
            labeled_writer.write({"train": labeled_writer.Part(source)}, out, schema=schema)
            (shard,) = (out / "train").glob("*.tfrecord")
            found[f"{schema}.tfrecord"] = shard.read_bytes()
    return found


def load(path: Path, output: Path) -> None:
    """Reads all labels and pictures, and inspects the first record."""
    found = labeled_records.open_records(str(path), [path])
    for number in range(found.count):
        try:
            images.square(found.read(number), 8, 3)
        # A damaged picture is left out of the training.
        except errors.UserError:
            continue
    inspection.inspect(path, 1)
