"""Runs cases in processes, and blames those that hang or die on the case."""

from __future__ import annotations

import collections
import dataclasses
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
# Seconds that a case may take; the first one also imports TensorFlow.
TIME_LIMIT = 60.0


@dataclasses.dataclass
class Table:
    """The outcomes of a loader's cases.

    Attributes:
        counts: How many were accepted, refused and escaped.
        escapes: Case to what was wrong.
    """

    counts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    escapes: dict[int, str] = dataclasses.field(default_factory=dict)

    def row(self, name: str) -> str:
        """A line of the table in Markdown."""
        total = sum(self.counts.values())
        shares = " | ".join(f"{self.counts[key]:,}" for key in ("accepted", "refused", "escape"))
        return f"| {name} | {total:,} | {shares} |"


HEADER = "| loader | cases | accepted | refused in one line | escapes |\n|---|---|---|---|---|"


def run(name: str, start: int, stop: int, limit: float = TIME_LIMIT) -> Table:
    """Loads the cases of a loader from `start` to `stop`."""
    table = Table()
    while start < stop:
        for number, outcome, note in _attempt(name, start, stop, limit):
            table.counts[outcome] += 1
            if outcome == "escape":
                table.escapes[number] = note
            start = number + 1
    return table


def _attempt(name: str, start: int, stop: int, limit: float) -> Iterator[tuple[int, str, str]]:
    """Yields case, outcome and note, until all are loaded or the process hangs or dies."""
    command = [sys.executable, "-m", "tests.fuzz.worker", name, str(start), str(stop)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_forward, args=(process.stdout, lines), daemon=True)
    reader.start()
    current, started = start, False
    try:
        while line := lines.get(timeout=limit):
            found = json.loads(line)
            current, started = found["case"], True
            if "outcome" in found:
                yield current, found["outcome"], found["note"]
                current += 1
        code = process.wait()
        if not started:
            raise RuntimeError(f"loader {name}: {' '.join(command)} ends with code {code}")
        if current < stop:
            yield current, "escape", f"ended the process with code {code}"
    except queue.Empty:
        yield current, "escape", f"took longer than {limit:g} s"
    finally:
        process.kill()
        process.wait()


def _forward(pipe: IO[str], lines: queue.Queue[str]) -> None:
    with pipe:
        for line in pipe:
            lines.put(line)
    lines.put("")
