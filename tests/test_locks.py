"""Locks on folders, between real processes."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastnst import errors, locks
from fastnst.data import writer
from fastnst.models import run_folder
from fastnst.pixels import zoom

_HOLD = """
import sys
from pathlib import Path
from fastnst import errors, locks
try:
    lock = locks.hold(Path(sys.argv[1]))
except errors.UserError as error:
    sys.exit(str(error))
print("holds it", flush=True)
sys.stdin.read()
"""
_VIDEO = """
import sys
from pathlib import Path
from fastnst import errors
from fastnst.video import work
try:
    work.WorkFolder(Path(sys.argv[1]), {})
except errors.UserError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder to lock, which does not exist."""
    return tmp_path / "candy"


@pytest.fixture
def other(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the folder until its stdin is closed."""
    process = start(folder)
    assert process.stdout is not None and process.stdout.readline() == "holds it\n"
    yield process
    process.kill()
    process.communicate()


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.parent.iterdir()]


def test_a_second_process_is_refused_by_a_line_that_names_the_first(
    folder: Path, other: subprocess.Popen[str]
) -> None:
    with pytest.raises(errors.UserError) as caught:
        locks.hold(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder}: process {other.pid} on ") and "\n" not in message
    assert "write to another one" in message


@pytest.mark.slow
def test_the_lock_of_a_process_that_ends_is_free_and_leaves_nothing(
    folder: Path, other: subprocess.Popen[str]
) -> None:
    other.communicate("", timeout=60)
    assert left(folder) == []
    lock = locks.hold(folder)
    assert left(folder) == [".candy.lock"]
    del lock
    gc.collect()
    assert left(folder) == []


def test_the_lock_of_a_process_that_was_killed_is_taken_over(
    folder: Path, other: subprocess.Popen[str]
) -> None:
    other.send_signal(signal.SIGKILL)
    other.communicate(timeout=60)
    # As after a power cut: the file is there, and no kernel knows of a lock.
    assert left(folder) == [".candy.lock"]
    lock = locks.hold(folder)
    again, _ = start(folder).communicate("", timeout=60)
    assert again == ""
    assert f'"pid": {os.getpid()}' in (folder.parent / ".candy.lock").read_text()
    del lock


@pytest.mark.slow
def test_a_process_may_hold_a_folder_twice(folder: Path) -> None:
    first = locks.hold(folder)
    second = locks.hold(folder.parent / "." / "candy")
    assert first is second
    del first
    gc.collect()
    _, refusal = start(folder).communicate("", timeout=60)
    assert f"process {os.getpid()} on " in refusal
    del second


def test_a_damaged_note_only_leaves_out_who_it_is(
    folder: Path, other: subprocess.Popen[str]
) -> None:
    (folder.parent / ".candy.lock").write_bytes(b"\xff[")
    with pytest.raises(errors.UserError, match="candy: another process is writing"):
        locks.hold(folder)


def test_whatever_writes_into_a_folder_for_long_holds_it(
    folder: Path, other: subprocess.Popen[str], tmp_path: Path
) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "photo.png")
    for write in (
        lambda: writer.write(tmp_path, folder),
        lambda: zoom.write(None, np.zeros((8, 8, 3)), 1, 1.1, folder, {}),  # type: ignore[arg-type]
        lambda: run_folder.RunFolder(folder).hold(),
    ):
        with pytest.raises(errors.UserError, match=r"candy: process .* is writing to it"):
            write()
    assert not folder.exists()
    lock = locks.hold(tmp_path / "out.mp4.part")
    done = subprocess.run([sys.executable, "-c", _VIDEO, tmp_path / "out.mp4"], stderr=-1)
    assert done.returncode == 1 and b"out.mp4.part: process" in done.stderr
    del lock
