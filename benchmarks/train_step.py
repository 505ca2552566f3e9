"""How many images per second does training process, compared with the same step in PyTorch?

    pip install -e ".[bench]"
    python -m benchmarks.train_step

The peers are in benchmarks/peers.py: the step of pytorch/examples, and the same step as an expert
would tune it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks import contest

DEFAULT = "fastnst"
PUBLISHED = "PyTorch, as published"
TUNED = "PyTorch, tuned"
COMPILED = "PyTorch, tuned and compiled"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = contest.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", type=int, help="measure only this size, with --batch")
    parser.add_argument("--batch", type=int, default=4)
    arguments = parser.parse_args(argv)
    cases = [(256, 4), (512, 1)]
    if arguments.size:
        cases = [(arguments.size, arguments.batch)]
    if arguments.toy:
        cases, arguments.rounds = [(64, 1)], 2
    found = {}
    for size, batch in cases:
        timings = contest.contest(_contenders(size, batch), rounds=arguments.rounds)
        rows = [
            [
                name,
                f"{batch / timing.median:.2f}",
                f"{timing.median:.3f}",
                f"{timing.spread:.3f}",
                f"{contest.ratio(timing, timings[DEFAULT]):.2f}",
                f"{timing.peak:,.0f}",
            ]
            for name, timing in timings.items()
        ]
        case = f"{size} px, batch {batch}"
        head = [case, "images/s", "s/step", "spread", "relative time", "peak MiB"]
        print(f"\n{contest.table(head, rows)}", flush=True)
        found[case] = timings
    first = next(iter(found.values()))
    # Counts the faster of compiled and not, as an expert would choose.
    fastest = min(first[TUNED], first[COMPILED], key=lambda timing: timing.median)
    return contest.finish(
        "train_step",
        ratio_published=round(contest.ratio(first[PUBLISHED], first[DEFAULT]), 3),
        ratio_tuned=round(contest.ratio(fastest, first[DEFAULT]), 3),
        timings={case: contest.as_json(timings) for case, timings in found.items()},
    )


def _contenders(size: int, batch: int) -> dict[str, contest.Contender]:
    def mine(**arguments: object) -> contest.Contender:
        return contest.Contender(
            "benchmarks.ours", "train_step", {"size": size, "batch": batch, **arguments}
        )

    def theirs(**arguments: object) -> contest.Contender:
        return contest.Contender(
            "benchmarks.peers", "train_step", {"size": size, "batch": batch, **arguments}
        )

    return {
        DEFAULT: mine(),
        "fastnst, Muon": mine(optimizer="muon"),
        "fastnst, its own network and objective": mine(optimizer="muon", paper=False),
        "fastnst, float32": mine(precision="float32"),
        "fastnst, XLA": mine(xla="on"),
        "fastnst, float32, XLA": mine(precision="float32", xla="on"),
        PUBLISHED: theirs(tuned=False),
        TUNED: theirs(tuned=True),
        COMPILED: theirs(tuned=True, compiled=True),
    }


if __name__ == "__main__":
    sys.exit(main())
