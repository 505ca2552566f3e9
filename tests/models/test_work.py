"""The decisions about painting, and its progress."""

from __future__ import annotations

import pytest

from fastnst import errors, memory
from fastnst.models import work

GIB = 2**30


def test_the_progress_adds_up_the_passes_of_all_photos() -> None:
    seen: list[tuple[int, int]] = []
    progress = work.Progress(lambda done, total: seen.append((done, total)), photos=2)
    # A pass of 100 pixels and one of 400.
    progress.each = 500
    progress.report(100, 1, 4)
    progress.done += 100
    progress.report(400, 1, 2)
    progress.done += 400
    progress.report(100, 4, 4)
    assert seen == [(25, 1000), (300, 1000), (600, 1000)]


def test_without_a_receiver_nothing_is_reported() -> None:
    work.Progress(None, photos=1).report(100, 1, 4)


def test_too_little_memory_and_unknown_modes_are_the_users_errors() -> None:
    with pytest.raises(errors.UserError, match=r"^max_memory 1,024 MiB: is too .*1,216 MiB$"):
        work.Tiles("auto", GIB, used=GIB)
    with pytest.raises(errors.UserError, match=r"^tiles both: should be one of auto, exact"):
        work.Tiles("both")
    assert work.Tiles("auto", 3 * GIB, used=GIB).memory_left() == 2 * GIB


def test_memory_is_what_is_free_unless_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 4 * GIB)
    assert work.Tiles().memory_left() == 3 * GIB
