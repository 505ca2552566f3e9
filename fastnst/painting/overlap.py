"""Reads and writes files while others are painted."""

from __future__ import annotations

import collections
import collections.abc
import os
import types
from concurrent import futures
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def ahead(
    items: collections.abc.Iterator[_Item], is_small: collections.abc.Callable[[_Item], bool]
) -> collections.abc.Iterator[_Item]:
    """Takes the next item in a thread while one is in use.

    Args:
        items: The items.
        is_small: Returns whether the memory suffices for an item and the next one.
    """
    with futures.ThreadPoolExecutor(1) as thread:
        entry = next(items, None)
        while entry is not None:
            coming = thread.submit(next, items, None) if is_small(entry) else None
            yield entry
            entry = coming.result() if coming else next(items, None)


class Writer(Generic[_Result]):
    """Runs functions that write files in threads, and returns their results in order.

    Use it as a context; at its end, what has been started is finished.
    """

    def __init__(self, most: int) -> None:
        """Starts nothing yet.

        Args:
            most: Pixels that may wait to be written.
        """
        self._most = most
        self._pool = futures.ThreadPoolExecutor(os.cpu_count())
        self._waiting: collections.deque[tuple[futures.Future[_Result], int]] = collections.deque()

    def __enter__(self) -> Writer[_Result]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._pool.shutdown()

    def add(self, result: _Result) -> None:
        """Adds a result that is known."""
        known: futures.Future[_Result] = futures.Future()
        known.set_result(result)
        self._waiting.append((known, 0))

    def start(self, write: collections.abc.Callable[[], _Result], pixels: int) -> None:
        """Starts a function that writes so many pixels."""
        self._waiting.append((self._pool.submit(write), pixels))

    def finished(self) -> collections.abc.Iterator[_Result]:
        """Yields the results that are known; waits for as many that the others may wait."""
        while self._waiting:
            (first, _), pixels = self._waiting[0], sum(each for _, each in self._waiting)
            if not first.done() and pixels <= self._most:
                return
            yield self._waiting.popleft()[0].result()

    def rest(self) -> collections.abc.Iterator[_Result]:
        """Waits for all results, and yields them."""
        while self._waiting:
            yield self._waiting.popleft()[0].result()
