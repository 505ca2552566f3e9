"""Notices a loss that has exploded although it is still a number."""

from __future__ import annotations

import collections
import collections.abc
import statistics

# A loss stands out if it is so many times the median of the usual ones. Those of different batches
# and crop sizes differ by less than a tenth of that.
_TIMES = 1000.0
# How many usual losses the median is taken of, and the fewest that tell what is usual.
_USUAL, _FEWEST = 200, 10
# Of so many steps, more than half must stand out: a single batch may be strange.
_LATEST = 10


class Watch:
    """Watches the loss of a run.

    A loss stands out if it is a thousand times the median of the last usual ones, and larger than
    all of them. Those that stand out do not count as usual, so that the run is judged by the time
    before its explosion.
    """

    def __init__(self) -> None:
        """Knows no loss yet, and so nothing that stands out."""
        self._usual: collections.deque[float] = collections.deque(maxlen=_USUAL)
        self._latest: collections.deque[bool] = collections.deque(maxlen=_LATEST)

    def see(self, losses: collections.abc.Iterable[float]) -> None:
        """Adds the losses of further steps, all finite."""
        for loss in losses:
            stands_out = (
                len(self._usual) >= _FEWEST
                and loss > _TIMES * self.usual > 0.0
                and loss > max(self._usual)
            )
            self._latest.append(stands_out)
            if not stands_out:
                self._usual.append(loss)

    def rewind(self) -> None:
        """Forgets the latest steps, but not what is usual."""
        self._latest.clear()

    @property
    def usual(self) -> float:
        """The median of the usual losses; 0 if there are none."""
        return statistics.median(self._usual) if self._usual else 0.0

    @property
    def suspects(self) -> bool:
        """Whether one of the latest losses stands out, so that the next steps will tell."""
        return any(self._latest)

    @property
    def diverged(self) -> bool:
        """Whether most of the latest losses stand out."""
        return sum(self._latest) > _LATEST // 2
