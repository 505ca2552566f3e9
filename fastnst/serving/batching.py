"""A queue of photos in front of one network, which stylizes photos of equal size together."""

from __future__ import annotations

import collections
import collections.abc
import contextlib
import dataclasses
import threading
from concurrent import futures
from typing import Any


class FullError(Exception):
    """There are too many photos in the queue."""


@dataclasses.dataclass(frozen=True)
class _Job:
    kind: collections.abc.Hashable
    item: Any
    future: futures.Future[Any]


class Batcher:
    """Hands items to a function in one thread, several of the same kind at a time.

    Example:
        >>> with Batcher(paint_all, batch=4, waiting=32) as batcher:
        ...     picture = batcher.submit(picture.pixels.shape, picture).result()
    """

    def __init__(
        self,
        work: collections.abc.Callable[[list[Any]], collections.abc.Sequence[Any]],
        *,
        batch: int,
        waiting: int,
    ) -> None:
        """Starts the thread.

        Args:
            work: Maps items of the same kind to as many results.
            batch: How many items it receives at most.
            waiting: How many items may wait.
        """
        self._work, self._batch, self._waiting = work, batch, waiting
        self._jobs: collections.deque[_Job] = collections.deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="batcher", daemon=True)
        self._thread.start()

    def __enter__(self) -> Batcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """Returns how many items wait."""
        return len(self._jobs)

    def submit(self, kind: collections.abc.Hashable, item: Any) -> futures.Future[Any]:
        """Queues an item.

        Args:
            kind: Items of equal kinds may be worked on together.
            item: The item.

        Returns:
            Its result, later. Cancelling it removes the item if it still waits.

        Raises:
            FullError: If too many items wait, or the batcher is closed.
        """
        future: futures.Future[Any] = futures.Future()
        with self._changed:
            # Items that nobody waits for anymore make room.
            self._jobs = collections.deque(job for job in self._jobs if not job.future.cancelled())
            if self._closed or len(self._jobs) >= self._waiting:
                raise FullError
            self._jobs.append(_Job(kind, item, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Finishes the items that wait, and accepts no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while jobs := self._take():
            try:
                results = self._work([job.item for job in jobs])
            except BaseException as error:
                for job in jobs:
                    job.future.set_exception(error)
            else:
                for job, result in zip(jobs, results, strict=True):
                    job.future.set_result(result)

    def _take(self) -> list[_Job]:
        """Waits for items; returns the oldest and others of its kind, or none after `close`."""
        with self._changed:
            while True:
                while not self._jobs and not self._closed:
                    self._changed.wait()
                if not self._jobs:
                    return []
                kind = self._jobs[0].kind
                alike = [job for job in self._jobs if job.kind == kind][: self._batch]
                for job in alike:
                    with contextlib.suppress(ValueError):
                        self._jobs.remove(job)
                # A job that is running can no longer be cancelled.
                if running := [job for job in alike if job.future.set_running_or_notify_cancel()]:
                    return running
