"""The memory of this process and of the machine."""

from __future__ import annotations

from pathlib import Path

import psutil


def used() -> int:
    """Returns the bytes of memory that this process uses."""
    return psutil.Process().memory_info().rss


def available() -> float:
    """Returns the bytes of memory that this process may still use without swapping."""
    return min(psutil.virtual_memory().available, _left_in_container())


def _left_in_container(folder: Path = Path("/sys/fs/cgroup")) -> float:
    """Returns the bytes left below the limit of a container (cgroup v2); infinity without one."""
    try:
        limit = int((folder / "memory.max").read_text(encoding="utf-8"))
        used = int((folder / "memory.current").read_text(encoding="utf-8"))
        lines = (folder / "memory.stat").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        # No cgroup, or "max": no limit.
        return float("inf")
    cached = next((line.split()[1] for line in lines if line.startswith("inactive_file ")), 0)
    return max(limit - used + int(cached), 0)
