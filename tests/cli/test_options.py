"""Options that several commands share."""

from __future__ import annotations

import argparse

from fastnst.cli import options


def test_assignments_add_up_and_a_parser_starts_with_none() -> None:
    parser = argparse.ArgumentParser()
    options.add_set(parser, "change a key")
    options.add_dataset(parser)
    given = parser.parse_args(["--set", "a=1", "--dataset", "photos", "--set", "b=2"])
    assert given.assignments == ["a=1", "b=2"] and given.dataset == "photos"
    assert parser.parse_args([]).assignments == []
