"""The memory of this process, the machine and its container."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fastnst import memory


def test_memory_in_use_grows_with_an_array_and_is_less_than_the_machines() -> None:
    before = memory.used()
    array = np.ones(50 * 2**20, np.uint8)
    assert 40 * 2**20 < memory.used() - before < 200 * 2**20
    assert array.all() and memory.available() > 2**20


def test_memory_in_a_container_is_what_its_limit_leaves(tmp_path: Path) -> None:
    left = memory._left_in_container
    assert left(tmp_path) == float("inf")
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 150\n")
    assert left(tmp_path) == float("inf")
    (tmp_path / "memory.max").write_text("1000\n")
    # Cached files can be dropped.
    assert left(tmp_path) == 450
