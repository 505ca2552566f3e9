"""Prints the table of faults: python -m tests.faults."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import faults
import trainings


def main() -> int:
    """Runs all faults and returns 1 if one did not end as promised."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--steps", type=int, default=300, help="steps of each training")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments")
    parser.add_argument("--only", help="only faults whose function has this name, such as kills")
    parser.add_argument("--task", choices=trainings.CONFS, default="style", help="what is trained")
    options = parser.parse_args()
    failed = False
    print("| fault | times | steps lost, at most | outcome |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        bench = faults.Bench(Path(folder, "bench"), options.steps, options.seed, options.task)
        began = time.monotonic()
        rows = faults.everything(bench)
        if options.only:
            made = getattr(faults, options.only)(bench)
            rows = iter([made]) if isinstance(made, faults.Row) else made
        for row in rows:
            failed |= not row.passed
            mark = "" if row.passed else "**FAILED** "
            print(f"| {row.fault} | {row.times} | {row.lost} | {mark}{row.outcome} |", flush=True)
        print(f"\n{time.monotonic() - began:,.0f} s", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
