"""How long does stylizing a photo take, and how much memory, compared with other runtimes?

    pip install -e ".[bench]"
    python -m benchmarks.stylize

Measures from a uint8 photo to a uint8 stylized photo, in a process that has already stylized that
size.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks import contest

DEFAULT = "fastnst"
PUBLISHED = "PyTorch, as published"
TUNED = "PyTorch, tuned"
COMPILED = "PyTorch, tuned and compiled"
ONNX = "ONNX Runtime"
# The size at which the peers are compared.
_REFERENCE = 512
_SIZES = (256, 512, 1024, 2048, 4096)
# From this size on, fewer rounds and one contender at a time, because together they need too much
# memory.
_LARGE = 2048
_ROUNDS_LARGE = 3
# The architecture of `lite: true`.
_LITE = {"lite": True, "width": 16, "antialias": True}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = contest.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="turns of each; 3 for large photos")
    parser.add_argument("--size", type=int, help="measure only this size")
    arguments = parser.parse_args(argv)
    sizes = (arguments.size,) if arguments.size else _SIZES
    if arguments.toy:
        sizes, arguments.rounds = (64,), 2
    found = {}
    for size in sizes:
        timings = _timings(size, arguments.rounds)
        rows = [
            [
                name,
                f"{timing.median * 1000:,.0f}",
                f"{timing.spread * 1000:,.0f}",
                f"{contest.ratio(timing, timings[DEFAULT]):.2f}",
                f"{timing.peak:,.0f}",
                f"{timing.peak - timing.footprint:,.0f}",
            ]
            for name, timing in timings.items()
        ]
        head = [f"{size} px", "ms", "spread", "relative time", "peak MiB", "above imports"]
        print(f"\n{contest.table(head, rows)}", flush=True)
        found[size] = timings
    reference = found.get(_REFERENCE) or next(iter(found.values()))
    # Counts the faster of compiled and not, as an expert would choose.
    tuned = [name for name in (TUNED, COMPILED) if name in reference]
    fastest = min(tuned, key=lambda name: reference[name].median, default=TUNED)
    peers = {"published": PUBLISHED, "tuned": fastest, "onnxruntime": ONNX}
    ratios = {
        f"ratio_{key}": round(contest.ratio(reference[peer], reference[DEFAULT]), 3)
        for key, peer in peers.items()
        if peer in reference
    }
    timings_by_size = {str(size): contest.as_json(timings) for size, timings in found.items()}
    return contest.finish("stylize", **ratios, timings=timings_by_size)


def _timings(size: int, rounds: int) -> dict[str, contest.Timing]:
    contenders = _contenders(size)
    if size < _LARGE:
        return contest.contest(contenders, rounds=rounds, warm_up=1)
    timings: dict[str, contest.Timing] = {}
    for name, contender in contenders.items():
        try:
            timings |= contest.contest({name: contender}, rounds=_ROUNDS_LARGE, warm_up=1)
        except RuntimeError as error:
            if name == DEFAULT:
                raise
            # Too large for this contender; the others are still reported.
            print(f"{size} x {size} px: {error}", flush=True)
    return timings


def _contenders(size: int) -> dict[str, contest.Contender]:
    def mine(function: str, **arguments: object) -> contest.Contender:
        return contest.Contender("benchmarks.ours", function, {"size": size, **arguments})

    def theirs(function: str, **arguments: object) -> contest.Contender:
        return contest.Contender("benchmarks.peers", function, {"size": size, **arguments})

    return {
        DEFAULT: mine("painter", precision="auto"),
        "fastnst, its own network": mine("painter", precision="auto", antialias=True, deep=True),
        "fastnst, lite": mine("painter", precision="auto", **_LITE),
        "fastnst, float32": mine("painter", precision="float32"),
        "fastnst, SavedModel": mine("saved_model_painter"),
        PUBLISHED: theirs("painter"),
        TUNED: theirs("painter", tuned=True),
        COMPILED: theirs("painter", tuned=True, compiled=True),
        ONNX: theirs("onnx_painter"),
    }


if __name__ == "__main__":
    sys.exit(main())
