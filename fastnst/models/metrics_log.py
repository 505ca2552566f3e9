"""metrics.jsonl: the history of a run, with one line of JSON per entry."""

from __future__ import annotations

import collections.abc
import itertools
import json
import math
from pathlib import Path
from typing import Any

from fastnst import files

# Ends the name of the rate in training entries, such as "images_per_second".
RATE = "_per_second"


# Steps above it are no longer whole numbers everywhere.
_LARGEST = 2**53


def read(
    path: Path, say: collections.abc.Callable[[str], None] = lambda line: None
) -> list[dict[str, Any]]:
    """Returns the entries of a log, none if it is missing.

    Every entry has a text `kind`, a whole number `step` and a finite number `time`. Lines without
    them are left out, as are values that are neither texts nor finite numbers.

    Args:
        path: The log.
        say: Receives a line if entries are damaged, as after a power cut.
    """
    try:
        texts = files.read(path).split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        say(f"{path}: cannot be read ({error.strerror}); its history is left out")
        return []
    found = [_entry(text) for text in texts if text.strip()]
    entries = [entry for entry in found if entry is not None]
    if damaged := len(found) - len(entries):
        say(f"{path}: {damaged:,} of {len(found):,} lines are damaged and left out")
    return entries


def _entry(text: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(text.decode("utf-8"))
    # Deeply nested lists raise a RecursionError.
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict):
        return None
    entry = {name: value for name, value in line.items() if _is_plain(value)}
    step, time = entry.get("step"), entry.get("time")
    whole = isinstance(step, int) and not isinstance(step, bool) and 0 <= step <= _LARGEST
    timed = isinstance(time, int | float) and not isinstance(time, bool)
    return entry if whole and timed and isinstance(entry.get("kind"), str) else None


def _is_plain(value: object) -> bool:
    """Returns whether a value is a text, or a number that fits a float."""
    if isinstance(value, str):
        return True
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def write(path: Path, lines: list[dict[str, Any]]) -> None:
    """Replaces the log atomically."""
    files.write(path, "".join(json.dumps(line) + "\n" for line in lines))


def append(path: Path, line: dict[str, Any]) -> None:
    """Appends an entry."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def seconds_spent(lines: list[dict[str, Any]]) -> float:
    """Returns the time between entries.

    Gaps of ten minutes or more lie between sessions, and where time runs backward, the clock was
    set back; neither counts.
    """
    gaps = [later["time"] - earlier["time"] for earlier, later in itertools.pairwise(lines)]
    return sum(gap for gap in gaps if 0 < gap < 600)
