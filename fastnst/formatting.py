"""Numbers as people read them: the same in progress lines, reports and tables."""

from __future__ import annotations

import collections.abc
import math


def short(value: float) -> str:
    """Formats a number to about three digits: 1.4M, 922k, 12.3, 0.0042."""
    for size, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        # From 999.5 on, three digits would read 1e+03.
        if size * 0.9995 <= abs(value) < math.inf:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def clock(seconds: float) -> str:
    """Formats a duration as minutes or hours: 0:07, 12:30, 1:02:05."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def count(number: int, thing: str) -> str:
    """Formats a number of things: 1 photo, 0 photos, 1,200 photos.

    Args:
        number: How many.
        thing: The noun in the singular, whose plural ends in s.
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def table(rows: collections.abc.Sequence[collections.abc.Sequence[str]]) -> list[str]:
    """Aligns cells in columns, the first to the left and the others to the right.

    Args:
        rows: The rows, of equally many cells; the heads are the first.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return lines
