"""Values that change over a video, given at some times."""

from __future__ import annotations

import bisect
import dataclasses
import itertools

from fastnst import errors


@dataclasses.dataclass(frozen=True)
class Keyframes:
    """A value at some times, linear between them and constant before and after.

    Attributes:
        times: In seconds, increasing.
        values: One for each time.
    """

    times: tuple[float, ...]
    values: tuple[float, ...]

    def __call__(self, seconds: float) -> float:
        """Returns the value at a time."""
        after = bisect.bisect_right(self.times, seconds)
        if after == 0:
            return self.values[0]
        if after == len(self.times):
            return self.values[-1]
        start, end = self.times[after - 1 : after + 1]
        share = (seconds - start) / (end - start)
        return self.values[after - 1] * (1 - share) + self.values[after] * share


def parse(text: str, option: str, most: float) -> Keyframes:
    """Parses "0.8", or "0:0,2.5:1,10:0.3": seconds and values.

    Args:
        text: A number, or pairs.
        option: Name of the option in messages.
        most: The highest value allowed; the lowest is 0.

    Raises:
        UserError: If it has another form, or a value is out of range.
    """
    pairs = [part.strip().rpartition(":") for part in text.split(",")]
    try:
        times = tuple(float(time.removesuffix("s") or 0) for time, _, _ in pairs)
        values = tuple(float(value) for _, _, value in pairs)
        if len(pairs) > 1 and not all(colon for _, colon, _ in pairs):
            raise ValueError
        if not all(0 <= time < float("inf") for time in times):
            raise ValueError
    except ValueError:
        raise errors.UserError(
            f"{option} {text}: should be a number, such as 0.8, or seconds and values, such as "
            "0:0,2.5:1,10:0.3"
        ) from None
    for earlier, later in itertools.pairwise(times):
        if later <= earlier:
            raise errors.UserError(
                f"{option} {text}: the times should increase, but {later:g} follows {earlier:g}"
            )
    for value in values:
        if not 0 <= value <= most:
            raise errors.UserError(f"{option} {value:g}: should be from 0 to {most:g}")
    return Keyframes(times, values)
