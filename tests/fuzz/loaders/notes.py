"""JSON files beside data: the manifest of records, votes, and the progress of a video."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from PIL import Image

from fastnst import data, files
from fastnst.cli import compare
from fastnst.data import manifest, writer
from fastnst.evaluation import votes
from fastnst.video import work

_JOB = {"style": "wave", "size": 256}
_VOTES = {
    "format": votes.FORMAT,
    "page": "page",
    "models": ["one", "two"],
    "questions": [{"id": "wall", "text": "Which would you hang on a wall?"}],
    "photos": ["a.jpg", "b.jpg"],
    "judges": [
        {"id": "1", "name": "Anna", "votes": {"wall": ["a", "tie"]}},
        {"id": "2", "name": "Ben", "votes": {"wall": ["b", None]}},
    ],
}


def _records(folder: Path) -> Path:
    """Writes two photos as records; returns their folder."""
    (folder / "photos").mkdir(parents=True)
    for name, color in (("a.png", "red"), ("b.png", "blue")):
        Image.new("RGB", (24, 20), color).save(folder / "photos" / name)
    writer.write(folder / "photos", folder / "records", workers=1)
    return folder / "records"


def seeds() -> dict[str, bytes]:
    """Each file."""
    with tempfile.TemporaryDirectory() as folder:
        described = (_records(Path(folder)) / manifest.FILE).read_bytes()
    return {
        manifest.FILE: described,
        "votes.json": json.dumps(_VOTES).encode(),
        "job.json": json.dumps(_JOB, indent=2).encode(),
        "progress.json": json.dumps([{"frames": 60, "start": 0}]).encode(),
    }


def load(path: Path, output: Path) -> None:
    """Reads the file as the command does that has written it."""
    if path.name == "votes.json":
        compare.table(votes.merge([path]))
        return
    if path.name == manifest.FILE:
        folder = _records(output)
        files.write(folder / manifest.FILE, path.read_bytes())
        data.open_photos(str(folder))
        writer.write(output / "photos", folder, workers=1)
        return
    begun = work.WorkFolder(output / "a.mp4", _JOB)
    with begun.new_segment() as new:
        new.video.write_bytes(b"video")
        new.frames, new.start = 60, 0
    files.write(begun.path / path.name, path.read_bytes())
    again = work.WorkFolder(output / "a.mp4", _JOB)
    again.state()
    assert again.frames >= 0
