"""The work folder: which segments count after an interruption."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fastnst import errors
from fastnst.video import work

JOB = {"style": "wave", "size": None}


def add(folder: work.WorkFolder, frames: int, start: int) -> None:
    with folder.new_segment() as new:
        new.video.write_bytes(b"video")
        new.save_state(np.full((2, 2, 3), start, np.uint8))
        new.frames, new.start = frames, start


def test_finished_segments_are_found_again(tmp_path: Path) -> None:
    folder = work.WorkFolder(tmp_path / "a.mp4", JOB)
    assert folder.frames == 0 and folder.state() is None
    add(folder, 60, 0)
    add(folder, 7, 90)
    again = work.WorkFolder(tmp_path / "a.mp4", JOB)
    assert again.path == tmp_path / "a.mp4.part"
    assert again.segments == [work.Segment(60, 0), work.Segment(7, 90)]
    assert again.frames == 67 and again.file(1).read_bytes() == b"video"
    state = again.state()
    assert state is not None and state.mean() == 90
    assert len(list(again.path.glob("*.npy"))) == 1
    again.remove()
    assert not again.path.exists()


def test_an_interrupted_segment_does_not_count(tmp_path: Path) -> None:
    folder = work.WorkFolder(tmp_path / "a.mp4", JOB)
    add(folder, 60, 0)
    with pytest.raises(KeyboardInterrupt), folder.new_segment() as new:
        new.video.write_bytes(b"half")
        raise KeyboardInterrupt
    again = work.WorkFolder(tmp_path / "a.mp4", JOB)
    assert again.frames == 60 and not again.file(1).exists()


def test_other_settings_are_refused_because_the_look_would_change(tmp_path: Path) -> None:
    add(work.WorkFolder(tmp_path / "a.mp4", JOB), 60, 0)
    with pytest.raises(errors.UserError, match=r"another style \(wave, now candy\).*delete the"):
        work.WorkFolder(tmp_path / "a.mp4", JOB | {"style": "candy"})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("job.json", b""),
        ("job.json", b"[" * 100_000),
        ("progress.json", b"[{"),
        ("progress.json", b'[{"frames": 1}]'),
        ("progress.json", b"3"),
        ("000000.mp4", None),
        ("000000.npy", b""),
        ("000000.npy", b"\x93NUMPY"),
    ],
)
def test_a_damaged_file_is_named_and_nothing_is_painted_over(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    add(work.WorkFolder(tmp_path / "a.mp4", JOB), 60, 0)
    path = tmp_path / "a.mp4.part" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(errors.UserError, match=rf"{name}: missing or damaged; delete the folder"):
        work.WorkFolder(tmp_path / "a.mp4", JOB).state()
