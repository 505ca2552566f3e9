"""Photos that arrive in a folder."""

from __future__ import annotations

import os
from pathlib import Path

from fastnst.painting import watching


def test_a_photo_is_ready_once_it_no_longer_grows(tmp_path: Path) -> None:
    photo, watcher = tmp_path / "photo.jpg", watching.Watcher()
    photo.touch()
    assert watcher.ready([photo]) == []
    photo.write_bytes(b"first")
    assert watcher.ready([photo]) == []
    photo.write_bytes(b"first half and second")
    assert watcher.ready([photo]) == []
    assert watcher.ready([photo]) == [photo]
    assert watcher.ready([photo]) == []


def test_a_photo_that_changes_is_ready_again_and_one_that_vanishes_is_forgotten(
    tmp_path: Path,
) -> None:
    photo, watcher = tmp_path / "photo.jpg", watching.Watcher()
    photo.write_bytes(b"first")
    watcher.ready([photo])
    assert watcher.ready([photo]) == [photo]
    os.utime(photo, (1, 1))
    assert watcher.ready([photo]) == []
    assert watcher.ready([photo]) == [photo]
    photo.unlink()
    assert watcher.ready([photo]) == watcher.ready([]) == []
    photo.write_bytes(b"first")
    os.utime(photo, (1, 1))
    watcher.ready([photo])
    assert watcher.ready([photo]) == [photo]
