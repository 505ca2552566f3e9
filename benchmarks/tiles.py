"""How long do large photos take, and how much memory, whole and in tiles?

    pip install -e ".[large]"
    python -m benchmarks.tiles

Runs `fastnst eval` for each size and way, in turn, each in a process of its own. The times include
the start, and reading and writing the files.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import contest

ROOT = Path(__file__).resolve().parent.parent
PHOTO = ROOT / "img" / "photos" / "mountains.jpg"
# Width and height, and the ways that memory suffices for.
_SIZES: dict[tuple[int, int], tuple[str, ...]] = {
    (2048, 1536): ("off", "exact", "thumbnail"),
    (4096, 3072): ("off", "exact", "thumbnail"),
    (8192, 6144): ("exact", "thumbnail"),
}
_HUGE: dict[tuple[int, int], tuple[str, ...]] = {(20_000, 20_000): ("thumbnail",)}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = contest.parser(__doc__)
    parser.add_argument("--model", default="candy", help="the model (default: candy)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default: 3)")
    parser.add_argument("--huge", action="store_true", help="only 20,000 x 20,000 within 2 GiB")
    parser.add_argument("--stroke", default="auto", help="as in fastnst eval (default: auto)")
    arguments = parser.parse_args(argv)
    sizes = _HUGE if arguments.huge else _SIZES
    rounds = 1 if arguments.huge else arguments.rounds
    if arguments.toy:
        sizes, rounds = {(96, 80): ("exact", "thumbnail")}, 1
    rows, found = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for size, ways in sizes.items():
            photo = _enlarged(Path(folder), size)
            runs: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
            for _ in range(rounds):
                for way in ways:
                    options = ["--tiles", way, "--stroke", arguments.stroke]
                    if arguments.huge:
                        # More pixels than eval takes from strangers by default.
                        options += ["--max-memory", "2GiB", "--max-pixels", f"{size[0] * size[1]}"]
                    runs[way].append(_run(photo, arguments.model, options))
            for way, timed in runs.items():
                seconds, peak = (statistics.median(column) for column in zip(*timed, strict=True))
                name = f"{size[0]} x {size[1]}"
                rows.append([name, way, f"{seconds:,.1f}", f"{peak:,.0f}"])
                found[f"{name}, {way}"] = {"seconds": seconds, "peak_mib": peak}
                print(name, way, f"{seconds:.1f} s", f"{peak:.0f} MiB", flush=True)
    print(contest.table(["pixels", "--tiles", "s", "peak MiB"], rows))
    return contest.finish("tiles", timings=found)


def _enlarged(folder: Path, size: tuple[int, int]) -> Path:
    """Writes the photo at this size."""
    import pyvips

    width, height = size
    path = folder / f"{width}x{height}.jpg"
    image = pyvips.Image.new_from_file(str(PHOTO))
    image.resize(width / image.width, vscale=height / image.height).write_to_file(str(path))
    return path


def _run(photo: Path, model: str, options: list[str]) -> tuple[float, float]:
    """Paints a photo; returns the seconds, and the peak memory in MiB."""
    command = [sys.executable, str(ROOT / "eval.py"), "--model", model, *options]
    start = time.perf_counter()
    child = subprocess.Popen(
        [*command, str(photo), "-o", str(photo.with_suffix(".tif"))],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(errors)
    return time.perf_counter() - start, usage.ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
