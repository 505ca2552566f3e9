"""Loads cases in a process of its own, and reports each: `python -m tests.fuzz.worker`.

Prints two lines per case: its number before it is loaded, so that a process that hangs or dies can
be blamed on the case, and its outcome after.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import tempfile
import traceback
import types
import warnings
from pathlib import Path

from fastnst import errors
from tests.fuzz import cases

_GIB = 2**30
# A file that takes more address space than this gets a MemoryError instead of the machine's memory.
_MOST_MEMORY = 12 * _GIB
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def run(name: str, start: int, stop: int) -> None:
    """Loads the cases from `start` to `stop`."""
    # Messages of libraries go to stderr; our report goes to a copy of stdout that they do not know.
    with os.fdopen(os.dup(1), "w", buffering=1) as report:
        os.dup2(2, 1)
        warnings.simplefilter("error")
        module = cases.loader(name)
        seeds = module.seeds()
        resource.setrlimit(resource.RLIMIT_AS, (_size("VmSize") + _MOST_MEMORY,) * 2)
        for number in range(start, stop):
            report.write(f"{json.dumps({'case': number})}\n")
            outcome, note = load(module, cases.make(module, number, seeds))
            line = {"case": number, "outcome": outcome, "note": note}
            report.write(f"{json.dumps(line)}\n")


def load(module: types.ModuleType, case: cases.Case) -> tuple[str, str]:
    """Loads a case and returns its outcome, "accepted", "refused" or "escape", and why."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        path, output = Path(folder, "input", case.name), Path(folder, "output")
        path.parent.mkdir()
        output.mkdir()
        path.write_bytes(case.data)
        before = _size("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # Forgets the peak of the memory.
        try:
            module.load(path, output)
            outcome, note = "accepted", ""
        except errors.UserError as error:
            outcome, note = "refused", str(error)
        # Whatever else is raised would be a traceback.
        except BaseException as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            reason = f"{type(error).__name__}: {error}"[:200]
            return "escape", f"{reason} ({where.filename}:{where.lineno})"
        taken = _size("VmHWM") - before
        allowed = _GIB + (module.need(case.data) if hasattr(module, "need") else 0)
        if taken > allowed:
            return "escape", f"took {taken / _GIB:.1f} GiB of memory, {allowed / _GIB:.1f} allowed"
        if outcome == "refused" and case.valid:
            return "escape", f"refused the valid file: {note}"
        if _CONTROL.search(note):
            return "escape", f"a message of more than one printable line: {note!r}"
        strange = {entry for entry in Path(folder).rglob("*") if output not in entry.parents}
        if strange != {path, path.parent, output} or path.read_bytes() != case.data:
            return "escape", f"wrote outside the output folder: {strange - {path}}"
        return outcome, note


def _size(key: str) -> int:
    """Returns a size of this process in bytes, such as VmRSS, its memory, or VmHWM, the peak."""
    found = re.search(rf"{key}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
