"""The queue in front of a network."""

from __future__ import annotations

import threading
import time
from concurrent import futures

import pytest

from fastnst.serving import batching


class Slow:
    """Doubles numbers once it is let go, and remembers what came together."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, items: list[int]) -> list[int]:
        self.go.wait(10)
        self.batches.append(items)
        return [2 * item for item in items]


def waiting(batcher: batching.Batcher, count: int) -> None:
    """Waits until so many items wait."""
    for _ in range(1000):
        if len(batcher) == count:
            return
        time.sleep(0.005)
    raise AssertionError(len(batcher))


def test_items_of_the_same_kind_are_worked_on_together_and_the_oldest_first() -> None:
    work = Slow()
    with batching.Batcher(work, batch=2, waiting=10) as batcher:
        first = batcher.submit("a", 1)
        waiting(batcher, 0)
        others = [
            batcher.submit(kind, item) for kind, item in zip("bcbbc", (2, 3, 4, 5, 6), strict=True)
        ]
        work.go.set()
        assert [future.result(10) for future in (first, *others)] == [2, 4, 6, 8, 10, 12]
    assert work.batches == [[1], [2, 4], [3, 6], [5]]


def test_a_full_queue_refuses_until_there_is_room() -> None:
    work = Slow()
    with batching.Batcher(work, batch=1, waiting=2) as batcher:
        batcher.submit("a", 1)
        waiting(batcher, 0)
        second, third = batcher.submit("a", 2), batcher.submit("a", 3)
        with pytest.raises(batching.FullError):
            batcher.submit("a", 4)
        # Nobody waits for this one anymore.
        assert second.cancel()
        fourth = batcher.submit("a", 4)
        work.go.set()
        assert (third.result(10), fourth.result(10)) == (6, 8)
    assert work.batches == [[1], [3], [4]]


def test_an_error_reaches_those_who_wait_and_the_next_item_is_worked_on() -> None:
    def work(items: list[int]) -> list[float]:
        return [1 / item for item in items]

    with batching.Batcher(work, batch=4, waiting=4) as batcher:
        with pytest.raises(ZeroDivisionError):
            batcher.submit("a", 0).result(10)
        assert batcher.submit("a", 2).result(10) == 0.5


def test_closing_finishes_what_waits_and_accepts_no_more() -> None:
    work = Slow()
    batcher = batching.Batcher(work, batch=1, waiting=4)
    pending = [batcher.submit("a", item) for item in (1, 2, 3)]
    threading.Timer(0.05, work.go.set).start()
    batcher.close()
    assert [future.result(0) for future in pending] == [2, 4, 6]
    with pytest.raises(batching.FullError):
        batcher.submit("a", 4)


def test_a_running_item_cannot_be_cancelled() -> None:
    work = Slow()
    with batching.Batcher(work, batch=1, waiting=4) as batcher:
        future = batcher.submit("a", 1)
        waiting(batcher, 0)
        time.sleep(0.05)
        assert not future.cancel()
        work.go.set()
        assert isinstance(future, futures.Future) and future.result(10) == 2
