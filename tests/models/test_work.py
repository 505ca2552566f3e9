"""The progress of painting."""

from __future__ import annotations

from fastnst.models import work


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
