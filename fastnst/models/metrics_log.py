"""metrics.jsonl: the history of a run, with one line of JSON per entry."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from fastnst import files

# Ends the name of the rate in training entries, such as "images_per_second".
RATE = "_per_second"


def read(path: Path) -> list[dict[str, Any]]:
    """Returns the entries of a log, none if it is missing; truncated lines are skipped."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return lines


def write(path: Path, lines: list[dict[str, Any]]) -> None:
    """Replaces the log atomically."""
    files.write(path, "".join(json.dumps(line) + "\n" for line in lines))


def append(path: Path, line: dict[str, Any]) -> None:
    """Appends an entry."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def seconds_spent(lines: list[dict[str, Any]]) -> float:
    """Returns the time between entries, without gaps of ten minutes or more between sessions."""
    gaps = [later["time"] - earlier["time"] for earlier, later in itertools.pairwise(lines)]
    return sum(gap for gap in gaps if gap < 600)
