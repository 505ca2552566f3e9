"""Damages valid files of every kind and loads them: `python -m tests.fuzz --cases 10000`."""

from __future__ import annotations

import argparse
import sys
from concurrent import futures

from tests.fuzz import cases, harness


def main() -> int:
    """Prints the table, and each escape; returns 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, metavar="N", help="cases in all")
    parser.add_argument("--loader", choices=cases.names(), action="append", help="may be repeated")
    parser.add_argument("--case", type=int, metavar="N", help="run only this case of one loader")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes at once")
    options = parser.parse_args()
    chosen = options.loader or cases.names()
    each = -(-options.cases // len(chosen))
    first, last = (0, each) if options.case is None else (options.case, options.case + 1)
    with futures.ThreadPoolExecutor(options.jobs) as pool:
        tables = list(pool.map(lambda name: harness.run(name, first, last), chosen))
    print(harness.HEADER)
    for name, table in zip(chosen, tables, strict=True):
        print(table.row(name))
    found = [
        f"{name} {number}: {note}"
        for name, table in zip(chosen, tables, strict=True)
        for number, note in table.escapes.items()
    ]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
