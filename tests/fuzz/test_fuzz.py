"""Loads a few damaged files of every kind; `python -m tests.fuzz` loads many."""

from __future__ import annotations

import pytest

from tests.fuzz import cases, harness

# Of each loader, so that there are 500 in all.
_CASES = 36


@pytest.mark.slow
@pytest.mark.parametrize("name", cases.names())
def test_damaged_files_are_refused_in_one_line_or_accepted(name: str) -> None:
    table = harness.run(name, 0, _CASES)
    assert sum(table.counts.values()) == _CASES
    assert not table.escapes


def test_a_case_is_always_the_same() -> None:
    module = cases.loader("photos")
    seeds = module.seeds()
    number = len(seeds) + 3
    assert cases.make(module, number, seeds) == cases.make(module, number, seeds)
    assert cases.make(module, 0, seeds).valid and not cases.make(module, number, seeds).valid
