"""metrics.jsonl: the history of a run, a line of JSON for each entry."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from fastnst import files


def read(path: Path) -> list[dict[str, Any]]:
    """Reads the log; none is an empty one, and a line cut off by a crash is left out."""
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
    """Writes the log anew, whole or not at all."""
    files.write(path, "".join(json.dumps(line) + "\n" for line in lines))


def append(path: Path, line: dict[str, Any]) -> None:
    """Adds an entry."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def seconds_spent(lines: list[dict[str, Any]]) -> float:
    """Adds up the time between the entries; gaps of over ten minutes are pauses between runs."""
    gaps = [later["time"] - earlier["time"] for earlier, later in itertools.pairwise(lines)]
    return sum(gap for gap in gaps if gap < 600)
