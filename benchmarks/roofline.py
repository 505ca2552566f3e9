"""How much arithmetic do a training step and a stylized photo take, at what share of the peak rate?

    python -m benchmarks.roofline

The machine's rates are measured in the same rounds: that of a large matrix product, the upper
bound, and that of copying memory.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks import contest

_GIGA = 1e9
_PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = contest.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args(argv)
    step, batch, picture, matrix, copied = 256, 4, 512, 4096, 2**26
    if arguments.toy:
        arguments.rounds = 2
        step, batch, picture, matrix, copied = 64, 1, 64, 64, 2**12
    works = {
        f"training step, {step} px, batch {batch}": (
            "train_step",
            {"size": step, "batch": batch},
        ),
        f"stylizing, {picture} px": ("painter", {"size": picture}),
    }
    amounts = _amounts(works)
    head, measured, shares = ["", "GFLOP"], {}, {}
    rows = {name: [name, f"{amount / _GIGA:,.1f}"] for name, amount in amounts.items()}
    for dtype, precision in _PRECISIONS.items():
        timings = contest.contest(
            {
                "matrix product": _machine("product", side=matrix, dtype=dtype),
                "copy": _machine("copy", elements=copied, dtype=dtype),
                **{
                    name: contest.Contender(
                        "benchmarks.ours", function, {**sizes, "precision": precision}
                    )
                    for name, (function, sizes) in works.items()
                },
            },
            rounds=arguments.rounds,
        )
        rate = 2.0 * matrix**3 / timings["matrix product"].median / _GIGA
        # Each element is read once and written once.
        width = 4 if dtype == "float32" else 2
        memory = 2.0 * width * copied / timings["copy"].median / _GIGA
        head += [f"{dtype}, s", "GFLOP/s", "share"]
        measured[dtype] = {"product_gflop_s": round(rate), "copy_gb_s": round(memory, 1)}
        for name, amount in amounts.items():
            reached = amount / timings[name].median / _GIGA
            shares[f"{name}, {dtype}"] = round(reached / rate, 3)
            rows[name] += [
                f"{timings[name].median:.3f}",
                f"{reached:,.0f}",
                f"{reached / rate:.0%}",
            ]
    print(contest.table(head, rows.values()), flush=True)
    machine = [
        [dtype, *(f"{number:,}" for number in numbers.values())]
        for dtype, numbers in measured.items()
    ]
    print(f"\n{contest.table(['', 'matrix product, GFLOP/s', 'copy, GB/s'], machine)}", flush=True)
    return contest.finish(
        "roofline",
        gflop={name: round(amount / _GIGA, 2) for name, amount in amounts.items()},
        machine=measured,
        shares=shares,
    )


def _machine(function: str, **arguments: object) -> contest.Contender:
    return contest.Contender("benchmarks.machine", function, arguments)


def _amounts(works: dict[str, tuple[str, dict[str, int]]]) -> dict[str, float]:
    """Returns the FLOP of each, counted from its graph."""
    from benchmarks import ours

    return {
        name: getattr(ours, f"{function}_flop")(**sizes)
        for name, (function, sizes) in works.items()
    }


if __name__ == "__main__":
    sys.exit(main())
