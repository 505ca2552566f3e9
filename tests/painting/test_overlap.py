"""Reading ahead, and writing behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from fastnst.painting import overlap

_PATIENCE = 20.0


def test_the_next_item_is_taken_while_one_is_in_use_unless_it_is_large() -> None:
    taken = [threading.Event() for _ in range(4)]

    def items() -> Iterator[int]:
        for number, event in enumerate(taken):
            event.set()
            yield number

    found = overlap.ahead(items(), lambda number: number != 1)
    assert next(found) == 0
    assert taken[1].wait(_PATIENCE)
    assert next(found) == 1
    # Item 1 is large.
    assert not taken[2].is_set()
    assert list(found) == [2, 3]


def test_an_error_comes_in_its_turn() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    found = overlap.ahead(items(), lambda number: True)
    assert next(found) == 1
    with pytest.raises(OSError, match="gone"):
        next(found)


def test_results_come_in_order_without_waiting_for_slow_ones() -> None:
    slow = threading.Event()

    def write() -> str:
        assert slow.wait(_PATIENCE)
        return "slow"

    with overlap.Writer[str](most=10) as writer:
        writer.start(write, 4)
        writer.add("known")
        assert list(writer.finished()) == []
        slow.set()
        assert list(writer.rest()) == ["slow", "known"]


def test_more_pixels_than_may_wait_are_waited_for() -> None:
    with overlap.Writer[int](most=10) as writer:
        for number in range(6):
            writer.start(lambda number=number: number, 4)
        found = list(writer.finished())
        # At most two of four pixels are left.
        assert found == list(range(len(found))) and len(found) >= 4
        assert list(writer.rest()) == list(range(len(found), 6))


def test_at_the_end_all_is_written_even_after_an_error() -> None:
    written = []
    with pytest.raises(KeyboardInterrupt), overlap.Writer[None](most=10) as writer:
        writer.start(lambda: written.append(1), 1)
        raise KeyboardInterrupt
    assert written == [1]
